"""Advice about variants between which nobody can see a difference."""

from __future__ import annotations

from typing import Any

import pytest

from service.captions.sameness import advise_variants
from service.captions.style import PRESETS


def variants(*styles: dict[str, Any], **shared: Any) -> list[dict[str, Any]]:
    return [{"label": "ABCDEFGH"[n], "style": style, **shared} for n, style in enumerate(styles)]


def codes(found) -> list[str]:
    return [each.code for each in found]


def test_a_variant_alone_compares_nothing():
    [advice] = advise_variants(variants({"preset": "outline"}))
    assert (advice.code, advice.pointer) == ("one_variant", "#/variants")


def test_variants_that_come_to_the_same_are_named():
    # Given a default written out, and another variant between them
    asked = variants({}, {"preset": "boxed"}, {"preset": "outline", "color": "white"})
    [advice] = advise_variants(asked)
    assert (advice.code, advice.pointer) == ("variants_identical", "#/variants")
    assert advice.detail.startswith("Variants A and C have the same style")


def test_another_instruction_is_a_difference():
    asked = variants({}, {})
    asked[1]["instruction"] = "at most four words per line"
    assert advise_variants(asked) == ()


def test_presets_differ_from_each_other_and_show_their_highlights():
    names = [{"preset": name} for name in PRESETS]
    assert advise_variants(variants(*names)) == ()


@pytest.mark.parametrize(
    ("style", "named"),
    [
        ({"preset": "karaoke", "color": "#FFD700"}, "color"),
        ({"preset": "karaoke", "color": "yellow"}, "color"),
        ({"preset": "outline", "highlight_color": "#FFFFF0"}, "highlight_color"),
        ({"preset": "pop", "color": "#FC0", "highlight_color": "gold"}, "highlight_color"),
    ],
)
def test_a_highlight_in_the_colour_of_the_words_is_pointed_at(style, named):
    [advice] = advise_variants(variants({"preset": "boxed"}, style))
    assert (advice.code, advice.pointer) == (
        "highlight_unseen",
        f"#/variants/1/style/{named}",
    )


def test_a_highlight_that_is_seen_is_no_matter():
    asked = variants({"preset": "boxed"}, {"preset": "karaoke", "highlight_color": "#00E5FF"})
    assert codes(advise_variants(asked)) == []
