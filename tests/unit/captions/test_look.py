"""Looks in natural words."""

from __future__ import annotations

import pytest

from service.captions.look import describe_look, describe_look_zh
from service.captions.style import PRESETS, build_style


@pytest.mark.parametrize(
    ("values", "english", "chinese"),
    [
        ({"preset": "plain"}, "regular weight (400)", "常规字重"),
        ({"preset": "plain"}, "no outline, no box behind it", "无描边，无底框"),
        ({"preset": "boxed"}, "on a #000000 box of 81% opacity", "#000000底框，不透明度81%"),
        ({"outline_width": 3.5}, "a #000000 outline 3.5 px wide", "#000000描边，1080线时宽3.5像素"),
        ({"preset": "lowerthird"}, "at the bottom of the frame, aligned left", "底部，左对齐"),
        ({"case": "upper"}, "all in capital letters", "全部大写"),
        ({"preset": "shorts"}, "at most 3 words per line", "每行最多3个词"),
        ({"preset": "pop"}, "the spoken one in #FFD700", "当前词为#FFD700"),
    ],
)
def test_what_is_set_is_said(values, english, chinese):
    """Given a part of a look, then both languages say it."""
    style = build_style(values)
    assert english in describe_look(style)
    assert chinese in describe_look_zh(style)


def test_what_is_off_is_not_said():
    """Given the plain look, then neither motion, capitals nor lines of words are mentioned."""
    text = describe_look(PRESETS["plain"].style)
    assert not any(word in text for word in ("spoken", "capital", "words", "opacity"))


def test_every_preset_reads_differently():
    """Given the eight presets, then no two have the same words."""
    for describe in (describe_look, describe_look_zh):
        assert len({describe(preset.style) for preset in PRESETS.values()}) == len(PRESETS)
