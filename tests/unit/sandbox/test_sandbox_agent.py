"""The agent: what a message is understood to ask for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.agent import Kind, plan_message
from sandbox.style import PRESETS, resolve

SRT = "1\n00:00:00,000 --> 00:00:01,000\nTop red text, {bold}\n"


@pytest.mark.parametrize(
    "message",
    [
        f"Add captions.\n```srt\n{SRT}```",
        f"Add captions.\n```vtt\nWEBVTT\n\n{SRT.replace(',0', '.0')}\n```",
        f'Add captions.\n"""\n{SRT}"""',
        f"Add captions.\n\n{SRT}",
        "Add captions.\n\n" + "\n".join("> " + line for line in SRT.splitlines()),
    ],
    ids=["srt fence", "vtt fence", "quotes", "bare", "quoted lines"],
)
def test_cues_are_found_in_the_message(message: str) -> None:
    plan = plan_message(message)
    assert plan.kind is Kind.CAPTION
    assert [(c.start_ms, c.end_ms, c.text) for c in plan.cues] == [
        (0, 1000, "Top red text, {bold}")
    ]
    # what the captions say is not an instruction
    assert plan.overrides == {}


@pytest.mark.parametrize(
    ("message", "script"),
    [
        ("Caption this:\n```text\nCold brew.\nReady.\n```", "Cold brew.\nReady."),
        ("Caption this:\n```\nCold brew.\n```", "Cold brew."),
        ('Add captions saying "Cold brew."', "Cold brew."),
    ],
)
def test_a_plain_script_is_found(message: str, script: str) -> None:
    plan = plan_message(message)
    assert (plan.kind, plan.script.strip()) == (Kind.CAPTION, script)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Add captions in the boxed style", Kind.NO_CAPTIONS),
        ("test two caption styles on my video and compare which performs better", Kind.NO_CAPTIONS),
        ("给视频加字幕", Kind.NO_CAPTIONS),
        ("export 1080p MP4", Kind.EXPORT_WORDS),
        ("Generate a video of a city", Kind.GENERATE),
        ("How are you?", Kind.TALK),
    ],
)
def test_without_captions_nothing_is_edited(message: str, kind: Kind) -> None:
    plan = plan_message(message)
    assert plan.kind is kind
    assert plan.edits == (kind is Kind.GENERATE)


def test_a_style_alone_restyles_captions_that_are_there() -> None:
    plan = plan_message("make the captions yellow, at the top", has_captions=True)
    assert plan.kind is Kind.RESTYLE
    assert plan.overrides == {"color": "yellow", "position": "top"}


WORDS: list[tuple[str, dict[str, Any]]] = [
    ("Use the karaoke preset", {"preset": "karaoke"}),
    ("captions in a lower third", {"preset": "lowerthird"}),
    ("style: pop", {"preset": "pop"}),
    ("yellow text with a black outline", {"color": "yellow", "outline_color": "black"}),
    ("text colour #12ab9f", {"color": "#12ab9f"}),
    ("white captions on a navy box", {"color": "white", "box_color": "navy"}),
    ("a black box with 60% opacity", {"box_color": "black", "box_opacity": 0.6}),
    ("highlight each word in gold", {"highlight_color": "gold"}),
    ("large text", {"size": 8.4}),
    ("use larger letters", {"growth": 1.25}),
    ("bigger captions", {"growth": 1.25}),
    ("text at 7.5 % of the frame height", {"size": 7.5}),
    ("font size 54px", {"size": 5.0}),
    ("in the middle, left-aligned", {"position": "middle", "alignment": "left"}),
    ("bold", {"weight": 700}),
    ("regular weight", {"weight": 400}),
    ("at most 3 words per line", {"words_per_line": 3}),
    ("one word at a time, all caps", {"words_per_line": 1, "case": "upper"}),
    ("no box please", {"box": False}),
    ("字幕用黄色，放在顶部，加粗", {"color": "#FFFF00", "position": "top", "weight": 700}),
    ("字幕大一点", {"growth": 1.25}),
    ("再小一点", {"growth": 0.8}),
    ("声音大一点", {}),
    ("黄色", {"color": "#FFFF00"}),
    ("make it yellow", {"color": "yellow"}),
    ("yellow", {"color": "yellow"}),
    ("Yellow please, and a bit bigger", {"color": "Yellow", "growth": 1.25}),
    ("#12ab9f instead", {"color": "#12ab9f"}),
    ("bigger", {"growth": 1.25}),
    ("please make them larger", {"growth": 1.25}),
    ("smaller!", {"growth": 0.8}),
    ("big please", {"size": 8.4}),
    ("not yellow", {}),
    ("make the car yellow", {}),
    ("make it yellow, with a black outline", {"color": "yellow", "outline_color": "black"}),
    ("Change captions only; do not change the video, its sound or anything else.", {}),
]  # fmt: skip


@pytest.mark.parametrize(("message", "overrides"), WORDS, ids=[words for words, _ in WORDS])
def test_styling_is_read_from_words(message: str, overrides: dict[str, Any]) -> None:
    assert plan_message(message).overrides == overrides


@pytest.mark.parametrize(
    ("wish", "overrides"),
    [
        ("make it yellow", {"color": "yellow"}),
        ("bigger", {"growth": 1.25}),
        ("黄色，大一点", {"color": "#FFFF00", "growth": 1.25}),
    ],
)
def test_a_short_wish_is_read_from_the_message_it_is_quoted_in(
    wish: str, overrides: dict[str, Any]
) -> None:
    """Given captions and a short wish in a longer message, then the captions are restyled by it."""
    message = (
        "Change the captions that are there, and the captions only.\n"
        "Change nothing else: no music, no sound; picture, sound and length stay as they are.\n"
        f"Leave undone what goes beyond captions.\n> {wish}"
    )
    plan = plan_message(message, has_captions=True)
    assert (plan.kind, plan.overrides) == (Kind.RESTYLE, overrides)


def test_style_parameters_win_over_words() -> None:
    parameters = '{"preset": "pop", "color": "#00FF00", "size": null}'
    message = f"Red text at the top.\nStyle parameters: {parameters}"
    assert plan_message(message).overrides == {
        "preset": "pop",
        "color": "#00FF00",
        "position": "top",
    }


def test_broken_style_parameters_are_no_reason_to_fail() -> None:
    assert plan_message('Style parameters: {"preset": ').overrides == {}


@pytest.mark.parametrize(
    ("message", "filename"),
    [
        ("Caption the clip in the file demo.mp4, please.", "demo.mp4"),
        ('in the file "my clip (1).mov"', "my clip (1).mov"),
        ("for other.webm", None),
    ],
)
def test_the_file_it_concerns(message: str, filename: str | None) -> None:
    assert plan_message(message).filename == filename


def test_a_known_file_is_recognised_anywhere() -> None:
    assert plan_message("on b.mp4 now", filenames=["a.mp4", "b.mp4"]).filename == "b.mp4"


@pytest.mark.parametrize(
    ("words", "resolution"), [("Output: 720p", "720p"), ("output: source", "source"), ("x", None)]
)
def test_the_output_resolution(words: str, resolution: str | None) -> None:
    assert plan_message(words).resolution == resolution


@given(st.text(max_size=400))
def test_any_message_gets_a_plan(message: str) -> None:
    assert plan_message(message).kind in Kind


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
)
KEYS = st.sampled_from([*PRESETS["outline"].as_dict(), "margins", "other"])


@given(st.dictionaries(KEYS, JSON, max_size=8))
def test_no_style_parameter_breaks_a_style(overrides: dict[str, Any]) -> None:
    style = resolve(overrides)
    assert 0 <= style.box_opacity <= 1
    assert 1 <= style.size <= 30
    assert resolve(style.as_dict()) == style


@pytest.mark.parametrize("preset", PRESETS)
def test_larger_twice_grows_twice_and_smaller_shrinks(preset: str) -> None:
    """Given any preset, then each "bigger" is bigger than what was there, and "smaller" smaller."""
    first = resolve({"preset": preset})
    second = resolve(plan_message("bigger").overrides, base=first)
    third = resolve(plan_message("larger letters").overrides, base=second)
    assert first.size < second.size < third.size
    assert resolve(plan_message("smaller").overrides, base=third).size < third.size


def test_margins_are_pixels_of_a_1080p_frame() -> None:
    style = resolve({"margins": {"left": 192, "right": 96, "vertical": 108}})
    assert (style.margin_left, style.margin_right, style.margin_vertical) == (
        10,
        5,
        pytest.approx(10),
    )


def test_karaoke_in_its_own_highlight_colour_stays_visible() -> None:
    style = resolve({"preset": "karaoke", "color": "#FFD700"})
    assert style.color != style.highlight_color


def test_a_preset_keeps_its_margin_unless_it_moves() -> None:
    assert resolve({"preset": "shorts", "position": "bottom"}).margin_vertical == 25
    assert resolve({"preset": "shorts", "position": "top"}).margin_vertical == 8
    assert resolve({"preset": "pop", "position": "bottom"}).margin_vertical == 8
