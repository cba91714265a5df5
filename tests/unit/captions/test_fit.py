"""Captions beside the length of a clip."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.captions.cues import parse_captions
from service.captions.fit import find_misfit
from service.captions.model import CaptionFormat, Captions, Cue


def cues(*starts_ms: int) -> Captions:
    return Captions(
        CaptionFormat.SRT, tuple(Cue(start, start + 500, "word") for start in starts_ms)
    )


def test_captions_that_all_start_after_the_end_are_named_with_both_times():
    found = find_misfit(cues(60_000, 62_000), 2, 12.48)
    assert found.all_late
    assert found.detail == (
        "No caption starts before the clip's end: the first at 00:01:00.000, "
        "clip 3 lasts 00:00:12.480."
    )
    assert found.place == {
        "pointer": "#/captions/text",
        "clip": 2,
        "first_caption_s": 60.0,
        "clip_duration_s": 12.48,
    }


def test_those_that_are_late_are_counted():
    found = find_misfit(cues(0, 11_000, 13_000, 14_000), 0, 12.48)
    assert not found.all_late
    assert found.detail.startswith("2 of 4 captions start after the clip's end")
    assert "00:00:13.000" in found.detail


def test_a_caption_that_is_still_shown_at_the_end_is_no_fault():
    assert find_misfit(cues(11_900), 0, 12.0) is None


@pytest.mark.parametrize("captions", [None, parse_captions("text", "a script without times")])
def test_what_has_no_times_fits_any_clip(captions):
    assert find_misfit(captions, 0, 1.0) is None


def test_a_clip_of_unknown_length_is_not_judged():
    assert find_misfit(cues(60_000), 0, 0.0) is None


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=20), st.integers(1, 10_000))
def test_late_are_just_those_that_start_at_the_end_or_after(starts, clip_ms):
    found = find_misfit(cues(*starts), 0, clip_ms / 1000)
    late = [start for start in starts if start >= clip_ms]
    assert (found.late if found else 0) == len(late)
    assert found is None or found.all_late is (len(late) == len(starts))
