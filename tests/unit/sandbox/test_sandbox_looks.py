"""What the service writes of a style is what the sandbox reads, from parameters and from words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.agent import plan_message
from sandbox.style import Style as Shown
from sandbox.style import resolve
from service.captions.cues import parse_captions
from service.captions.instruction import build_instruction
from service.captions.look import describe_look, describe_look_zh
from service.captions.parameters import PARAMETERS
from service.captions.style import PRESETS, Style, build_style
from service.model.job import OutputSpec

SRT = "1\n00:00:00,000 --> 00:00:02,000\nRed letters at the top\n"


def message(style: Style, language: str = "en") -> str:
    """The instruction that a backend gets for a style."""
    return build_instruction(
        style,
        parse_captions("srt", SRT),
        instruction="",
        language=language,
        clip_name="a.mp4",
        output=OutputSpec(),
        duration_ms=3000,
    )


def seen(style: Shown) -> dict[str, Any]:
    """The fields of the service in the sandbox's style; what is off has no value."""
    values = {each.name: getattr(style, each.name) for each in PARAMETERS}
    if not style.box:
        values["box_color"] = values["box_opacity"] = None
    if not style.outline_width:
        values["outline_color"] = None
    if style.animation == "none":
        values["highlight_color"] = None
    return values


def asked(style: Style) -> dict[str, Any]:
    values = {each.name: getattr(style, each.name) for each in PARAMETERS}
    area = style.safe_area
    values["safe_area"] = (area.top, area.bottom, area.left, area.right) if area else None
    values["words_per_line"] = style.words_per_line or 0
    return values


_color = st.from_regex(r"#[0-9A-F]{6}", fullmatch=True)
_edge = st.integers(0, 400).map(lambda tenths: tenths / 10)
styles = st.fixed_dictionaries(
    {"preset": st.sampled_from(list(PRESETS))},
    optional={
        "font": st.sampled_from(["Inter", "Anton", "DejaVu Sans", "Noto_Sans 2"]),
        "size": st.integers(20, 200).map(lambda tenths: tenths / 10),
        "weight": st.integers(100, 900),
        "color": _color,
        "outline_color": _color,
        "outline_width": st.integers(1, 200).map(lambda tenths: tenths / 10),
        "box": st.just(True),
        "box_color": _color,
        "box_opacity": st.integers(0, 100).map(lambda percent: percent / 100),
        "position": st.sampled_from(["top", "middle", "bottom"]),
        "alignment": st.sampled_from(["left", "center", "right"]),
        "case": st.sampled_from(["none", "upper"]),
        "words_per_line": st.integers(0, 20),
        "highlight_color": _color,
        "animation": st.sampled_from(["karaoke", "pop"]),
        "safe_area": st.fixed_dictionaries(
            {}, optional=dict.fromkeys(("top", "bottom", "left", "right"), _edge)
        ),
    },
)


@given(styles)
def test_every_parameter_arrives(values: dict[str, Any]):
    """Given any style, when the sandbox reads the message, then it has each parameter as asked."""
    style = build_style(values)
    plan = plan_message(message(style))
    assert seen(resolve(plan.overrides)) == asked(style)


@pytest.mark.parametrize("describe", [describe_look, describe_look_zh])
@given(values=styles)
def test_words_alone_say_the_same(describe: Any, values: dict[str, Any]):
    """Given a style in words, without parameters, then the sandbox reads the same look.

    What words cannot tell apart is left out: a highlight in the colour of the words.
    """
    style = build_style(values)
    found = seen(resolve(plan_message(f"The look: {describe(style)}\n```srt\n{SRT}```").overrides))
    wanted = asked(style)
    opacity = wanted.pop("box_opacity"), found.pop("box_opacity")
    assert found == wanted
    assert opacity[0] == (pytest.approx(opacity[1]) if opacity[1] is not None else None)


def test_a_wish_may_name_a_safe_area():
    """Given words of a person, then the edges that are named are left free."""
    found = plan_message(f"Inside a safe area: bottom 30%, right 15%.\n```srt\n{SRT}```").overrides
    assert found["safe_area"] == {"top": 0.0, "bottom": 30.0, "left": 0.0, "right": 15.0}


@pytest.mark.parametrize(
    "area", [{"top": -1}, {"top": 60, "bottom": 60}, [1, 2], "tiktok", {"left": "x"}, {"left": 1e9}]
)
def test_a_safe_area_without_sense_is_left_out(area: Any):
    """Given what is no area, then the margins are those of the preset."""
    assert resolve({"safe_area": area}) == resolve({})


def test_a_box_that_was_asked_for_in_words_has_no_outline_beside_it():
    """Given a box and no word of an outline, then there is none; given one, then there are both."""
    assert resolve({"box_color": "navy"}).outline_width == 0
    assert resolve({"box_color": "navy", "outline_color": "red"}).outline_width == 4.5
