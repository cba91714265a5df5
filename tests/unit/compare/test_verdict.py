"""Whether only the captions differ, decided on measured values."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.compare.facts import (
    Break,
    ClipFacts,
    Film,
    Measured,
    Patch,
    Picture,
    Placing,
    Sound,
)
from service.compare.verdict import judge

FILM = Film(640, 360, 10.0, 10.0, 250, 0.04, 0.0, (), True)
PICTURE = Picture(Placing(), 0.0, (), (), False, ((60.0, 128.0, 128.0), (180.0, 120.0, 130.0)), ())
SOUND = Sound(0.0, 0.99, 0.0, 0.1)
CLEAN = Measured("A", FILM, PICTURE, SOUND)
CORNER = Patch((0.9, 0.03, 0.07, 0.05), 40.0)


def facts_of(*others: Measured) -> ClipFacts:
    return ClipFacts(FILM, (CLEAN, *others))


def with_film(**changes: object) -> Measured:
    return Measured("B", replace(FILM, **changes), PICTURE, SOUND)


def with_picture(**changes: object) -> Measured:
    return Measured("B", FILM, replace(PICTURE, **changes), SOUND)


def with_sound(**changes: object) -> Measured:
    return Measured("B", FILM, PICTURE, replace(SOUND, **changes))


def grade(off: float) -> tuple[tuple[float, float, float], ...]:
    return tuple((y + off, b, r) for y, b, r in PICTURE.colours or ())


#: A variant B beside a clean A, the kind of difference that must be told, or none.
TABLE = [
    ("the same", with_film(), None),
    ("size", with_film(width=1280, height=720), "resolution"),
    ("one frame shorter", with_film(stated_s=9.96, end_s=9.96, frames=249), "duration"),
    ("a quarter of a frame shorter", with_film(stated_s=9.99), None),
    ("a frame is missing", with_film(frames=249), "frames"),
    ("a gap", with_film(gaps=(Break(3.0, 1.0),)), "frames"),
    ("30 a second", with_film(step_s=1 / 30, frames=300), "frame_rate"),
    ("no sound", with_film(has_sound=False), "sound"),
    ("a jump", with_picture(jumps=(Break(2.0, 1.0),)), "frames"),
    ("a held frame", with_picture(held=(2.0,)), "frames"),
    ("a frame late", with_picture(offset_s=0.04), "offset"),
    ("offset unknown", with_picture(offset_s=None, is_still=True), None),
    ("inset", with_picture(placing=Placing(0.75, 0.75)), "geometry"),
    ("a hair of zoom", with_picture(placing=Placing(1.005, 1.005)), None),
    ("grade at the limit", with_picture(colours=grade(1.5)), None),
    ("grade above it", with_picture(colours=grade(1.6)), "colour"),
    ("logo", with_picture(patches=(CORNER,)), "block"),
    ("80 ms", with_sound(shift_s=0.08), "sound_shift"),
    ("9 ms", with_sound(shift_s=0.009), None),
    ("10 ms", with_sound(shift_s=-0.01), "sound_shift"),
    ("lag unknown", with_sound(shift_s=None), None),
    ("quieter", with_sound(gain_db=-3.0), "sound_level"),
    ("a little less alike", with_sound(likeness=0.96), None),
    ("quiet music", with_sound(likeness=0.94), "sound"),
    ("other music", with_sound(likeness=0.4, worst_s=4.0), "sound"),
]


@pytest.mark.parametrize(("other", "kind"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE])
def test_each_fault_is_named_and_nothing_else(other, kind):
    judged = judge(facts_of(other))
    assert {each.kind for each in judged.differences} >= ({kind} if kind else set())
    assert {each.kind for each in judged.differences} <= {kind, "frames"} - {None}
    assert judged.controlled is (kind is None)
    assert judged.reason == ""


#: What cannot be compared, words of the reason, and what is known all the same.
BAD = [
    ("other length", with_film(stated_s=14.0), "lasts 14.00 s", False),
    ("other shape", with_film(width=360, height=640), "another shape (360x640", False),
    ("variable rate", with_film(uneven=0.4), "frame rate varies", None),
    ("cut off", with_film(end_s=4.0), "cut off at 4.00 s of 10.00 s", None),
    ("no pictures", Measured("B", Film(fault="The file holds no video.")), "no video", None),
]


@pytest.mark.parametrize(
    ("other", "words", "controlled"), [row[1:] for row in BAD], ids=[row[0] for row in BAD]
)
def test_what_cannot_be_compared_has_a_reason(other, words, controlled):
    judged = judge(facts_of(other))
    assert judged.reason.startswith("B: ")
    assert words in judged.reason
    assert judged.controlled is controlled


def test_a_clip_that_cannot_be_read_has_a_reason():
    judged = judge(ClipFacts(fault="The clip: The mp4 file cannot be read."))
    assert judged.controlled is None
    assert judged.reason == "The clip: The mp4 file cannot be read."


def test_what_all_variants_share_is_told_and_confounds_nothing():
    # Given a backend that renders all at another size and puts its mark into each,
    size = {"width": 1280, "height": 720}
    marked = replace(PICTURE, patches=(CORNER,))
    variants = [Measured(name, replace(FILM, **size), marked, SOUND) for name in "AB"]
    # When they are judged,
    judged = judge(ClipFacts(FILM, tuple(variants)))
    # Then only the captions differ between them, and the reader learns of both.
    assert judged.controlled is True
    assert [each.kind for each in judged.shared] == ["resolution", "block"]


def test_what_may_be_a_caption_is_not_called_a_logo_nor_controlled():
    judged = judge(facts_of(with_picture(patches=(replace(CORNER, certain=False),))))
    assert judged.differences == ()
    assert judged.controlled is None
    assert "may be a caption" in judged.unsure[0]


def test_a_still_picture_is_noted():
    judged = judge(facts_of(with_picture(offset_s=None, is_still=True)))
    assert judged.controlled is True
    assert judged.notes == ("B: the picture is still; it cannot show an offset or a lost frame.",)


def test_of_many_variants_the_odd_one_is_told_once():
    usual = [Measured(name, FILM, PICTURE, SOUND) for name in "BCDEFG"]
    odd = Measured("H", FILM, PICTURE, replace(SOUND, shift_s=0.08))
    judged = judge(ClipFacts(FILM, (CLEAN, *usual, odd)))
    assert len(judged.differences) == 1
    assert "H" in judged.differences[0].variants


@given(
    st.lists(
        st.sampled_from([row[1] for row in TABLE] + [row[1] for row in BAD]), min_size=1, max_size=7
    )
)
def test_a_controlled_clip_has_neither_differences_nor_doubts(others):
    named = [replace(each, label="BCDEFGH"[at]) for at, each in enumerate(others)]
    judged = judge(facts_of(*named))
    if judged.controlled:
        assert not judged.differences
        assert not judged.unsure
        assert not judged.reason
    if judged.differences:
        assert judged.controlled is False
    # The order of two variants decides nothing.
    if len(named) == 1:
        assert judge(ClipFacts(FILM, (named[0], CLEAN))).controlled == judged.controlled
