"""The ASS writer: text stays literal, styles scale, animations keep the words."""

from __future__ import annotations

import re

import pysubs2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sandbox.ass import WORD_JOINER, card_text, escape_text, write_ass
from sandbox.cues import Cue
from sandbox.style import PRESETS, resolve


def shown_by_libass(field: str) -> str:
    """Reads a text field as libass does: blocks out, its escapes, the rest as it is."""
    shown, i = "", 0
    while i < len(field):
        pair = field[i : i + 2]
        if pair in {r"\{", r"\}"}:
            shown, i = shown + pair[1], i + 2
        elif pair == r"\N":
            shown, i = shown + "\n", i + 2
        elif pair in {r"\n", r"\h"}:
            shown, i = shown + " ", i + 2
        elif field[i] == "{" and "}" in field[i:]:
            i = field.index("}", i) + 1
        else:
            shown, i = shown + field[i], i + 1
    return shown.replace(WORD_JOINER, "")


PLAIN = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\u2028\u2029" + WORD_JOINER)
)


@given(PLAIN)
@example(r"{\pos(0,0)}away")
@example(r"\N \n \h \{ \} \\ {")
@example("}{")
def test_text_is_shown_as_it_was_written(text: str) -> None:
    assert shown_by_libass(escape_text(text)) == text


@given(st.text())
def test_one_caption_is_one_line_of_the_file(text: str) -> None:
    # Given any text at all, control characters included
    ass = write_ass([(Cue(0, 1000, "x" + text), PRESETS["plain"])], width=1920, height=1080)
    # Then it cannot add lines to the file: no event or style of its own
    assert len(ass.split("[Events]")[1].splitlines()) == 3
    assert ass.encode("utf-8")


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_another_reader_understands_every_preset(preset: str) -> None:
    # Given a file of ours, read by pysubs2
    ass = write_ass([(Cue(1230, 4560, "Hi {there}"), PRESETS[preset])], width=1280, height=720)
    read = pysubs2.SSAFile.from_string(ass)
    # Then times, size and box are what was asked, at 720/1080 of the preset
    style = read.styles["S0"]
    assert (read[0].start, read[-1].end) == (1230, 4560)
    assert style.fontsize == pytest.approx(PRESETS[preset].size * 7.2, abs=0.01)
    assert (style.borderstyle == 4) == PRESETS[preset].box
    assert style.bold == (PRESETS[preset].weight >= 600)


def test_position_and_alignment_pick_the_keypad_number() -> None:
    cells = {}
    for position in ("bottom", "middle", "top"):
        for alignment in ("left", "center", "right"):
            style = resolve({"position": position, "alignment": alignment})
            ass = write_ass([(Cue(0, 9, "x"), style)], width=1920, height=1080)
            cells[position, alignment] = int(
                pysubs2.SSAFile.from_string(ass).styles["S0"].alignment
            )
    assert list(cells.values()) == [1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_colours_are_written_backwards_with_inverted_opacity() -> None:
    style = resolve(
        {"preset": "boxed", "color": "#112233", "box_color": "#AABBCC", "box_opacity": 0.5}
    )
    row = re.search("\nStyle: .*", write_ass([(Cue(0, 9, "x"), style)], width=1920, height=1080))
    assert row
    assert "&H00332211" in row.group()
    assert "&H80CCBBAA" in row.group()


def test_karaoke_lights_each_word_in_its_time() -> None:
    cue = Cue(1000, 3000, "aa bb\ncccc")
    text = card_text(cue, PRESETS["karaoke"])
    assert text == r"{\k50}aa {\k50}bb\N{\k100}cccc"


def test_upper_case_and_words_per_line() -> None:
    style = resolve({"case": "upper", "words_per_line": 2})
    ass = write_ass([(Cue(0, 3000, "one two three"), style)], width=1920, height=1080)
    assert [event.text for event in pysubs2.SSAFile.from_string(ass)] == ["ONE TWO", "THREE"]
