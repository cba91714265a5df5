"""Presets and overrides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.captions.style import PRESETS, build_style
from service.errors import InvalidRequest


def _faults(values, **options):
    with pytest.raises(InvalidRequest) as caught:
        build_style(values, **options)
    return {error.pointer: error.detail for error in caught.value.errors}


def test_there_are_eight_presets_with_words_in_two_languages():
    """Given the presets, then each has a label and one sentence in English and in Chinese."""
    names = ["outline", "boxed", "plain", "karaoke", "pop", "lowerthird", "shorts", "broadcast"]
    assert list(PRESETS) == names
    for name, preset in PRESETS.items():
        assert preset.style == build_style({"preset": name})
        assert preset.style.preset == preset.name == name
        assert preset.description.endswith(".")
        assert preset.description_zh.endswith("。")
    assert len({preset.style for preset in PRESETS.values()}) == 8


def test_nothing_given_is_the_outline():
    """Given no values at all, then the style is `outline`."""
    assert build_style({}) == build_style({"preset": "outline", "color": None})


def test_overrides_change_only_what_they_name():
    """Given a colour and a position, then the rest stays as the preset has it."""
    style = build_style({"preset": "karaoke", "color": "#ffd700", "position": "top"})
    preset = PRESETS["karaoke"].style
    assert (style.color, style.position) == ("#FFD700", "top")
    assert (style.font, style.size, style.animation) == (preset.font, preset.size, preset.animation)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"color": "#0f8"}, {"color": "#00FF88"}),
        ({"color": " Gold "}, {"color": "#FFD700"}),
        ({"box_color": "#102040"}, {"box": True, "box_opacity": 0.81}),
        ({"box": True}, {"box_color": "#000000"}),
        ({"preset": "boxed", "box": False}, {"box_color": None, "box_opacity": None}),
        ({"preset": "plain", "outline_color": "red"}, {"outline_width": 4.5}),
        ({"outline_width": 0}, {"outline_color": None}),
        ({"highlight_color": "cyan"}, {"animation": "karaoke", "highlight_color": "#00E5FF"}),
        ({"preset": "karaoke", "animation": "none"}, {"highlight_color": None}),
        ({"animation": "pop"}, {"highlight_color": "#FFD700"}),
    ],
)
def test_parts_agree(values, expected):
    """Given one part of a look, then what belongs to it is on, and what is off has no value."""
    style = build_style(values)
    assert {key: getattr(style, key) for key in expected} == expected


@pytest.mark.parametrize(
    ("values", "pointer", "words"),
    [
        (
            {"preset": "neon"},
            "#/style/preset",
            "outline, boxed, plain, karaoke, pop, lowerthird, shorts",
        ),
        ({"color": "#12345"}, "#/style/color", "Must be a colour such as #FFD700"),
        ({"color": "#FFF\n"}, "#/style/color", "Must be a colour"),
        ({"color": "#١٢٣"}, "#/style/color", "Must be a colour"),
        ({"box_color": "red; }"}, "#/style/box_color", "Must be a colour"),
        ({"size": 1.9}, "#/style/size", "Must be between 2 and 20."),
        ({"size": float("nan")}, "#/style/size", "Must be between 2 and 20."),
        ({"weight": 1000}, "#/style/weight", "Must be between 100 and 900."),
        ({"outline_width": -1}, "#/style/outline_width", "Must be between 0 and 20."),
        ({"box_opacity": 81}, "#/style/box_opacity", "Must be between 0 and 1."),
        ({"words_per_line": 21}, "#/style/words_per_line", "Must be between 0 and 20."),
        ({"position": "left"}, "#/style/position", "Must be one of top, middle, bottom."),
        ({"case": "lower"}, "#/style/case", "Must be one of none, upper."),
        ({"font": "Inter\n"}, "#/style/font", "Must be a font's family name"),
        ({"font": "../x"}, "#/style/font", "Must be a font's family name"),
        ({"a/b~": 1}, "#/style/a~1b~0", "There is no such parameter"),
        ({"box": False, "box_color": "red"}, "#/style/box_color", "Has no effect"),
        ({"outline_width": 0, "outline_color": "red"}, "#/style/outline_color", "Has no effect"),
        (
            {"animation": "none", "highlight_color": "red"},
            "#/style/highlight_color",
            "Has no effect",
        ),
    ],
)
def test_faults_name_the_field(values, pointer, words):
    """Given a value that cannot be, then the error points at it and says what may be."""
    faults = _faults(values)
    assert list(faults) == [pointer]
    assert words in faults[pointer]


def test_all_faults_are_told_at_once_where_the_style_stands():
    """Given three faults in the second variant, then each has its pointer there."""
    values = {"preset": "neon", "size": 99, "color": "puce"}
    assert set(_faults(values, pointer="#/variants/1/style")) == {
        "#/variants/1/style/preset",
        "#/variants/1/style/size",
        "#/variants/1/style/color",
    }


looks = st.fixed_dictionaries(
    {"preset": st.sampled_from(list(PRESETS))},
    optional={
        "size": st.floats(2, 20),
        "color": st.from_regex(r"#[0-9a-fA-F]{6}", fullmatch=True),
        "outline_color": st.sampled_from(["red", "#000"]),
        "outline_width": st.floats(0.5, 20),
        "box": st.just(True),
        "box_color": st.sampled_from(["red", "#000"]),
        "box_opacity": st.floats(0, 1),
        "highlight_color": st.sampled_from(["red", "#000"]),
        "animation": st.sampled_from(["karaoke", "pop"]),
    },
)


@given(looks)
def test_every_style_is_consistent(values):
    """Given any overrides that switch nothing off, then the style's parts agree."""
    style = build_style(values)
    assert style.box == (style.box_color is not None) == (style.box_opacity is not None)
    assert (style.outline_width > 0) == (style.outline_color is not None)
    assert (style.animation != "none") == (style.highlight_color is not None)
    given_again = {key: getattr(style, key) for key in values}
    assert build_style({k: v for k, v in given_again.items() if v is not None}) == style
