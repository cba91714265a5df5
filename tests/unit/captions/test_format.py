"""Writing captions, and reading back what was written."""

from __future__ import annotations

import pysubs2
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from service.captions.cues import Cue, Word, parse_captions
from service.captions.format import fits_srt, to_srt, to_vtt
from tests.unit.captions.samples import clean_texts, plain_cues, worded_cues


def _sorted(cues):
    return tuple(sorted(cues, key=lambda cue: (cue.start_ms, cue.end_ms)))


def test_srt_is_written_as_the_world_writes_it():
    """Given two cues, then SRT numbers them and has commas before the milliseconds."""
    cues = (Cue(0, 1500, "One\ntwo"), Cue(3_723_004, 3_724_000, "Three"))
    assert to_srt(cues) == (
        "1\n00:00:00,000 --> 00:00:01,500\nOne\ntwo\n\n2\n01:02:03,004 --> 01:02:04,000\nThree\n"
    )


def test_webvtt_holds_words_as_inline_times():
    """Given words with a pause between, then the pause has an end and a start."""
    words = (Word(1000, 1400, "Hi"), Word(1600, 2000, "you"))
    assert to_vtt([Cue(1000, 2000, "Hi you", words)]) == (
        "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nHi<00:00:01.400> <00:00:01.600>you\n"
    )


@given(st.lists(plain_cues(clean_texts.filter(fits_srt)), min_size=1, max_size=6))
def test_srt_reads_back(cues):
    """Given cues that SRT can carry, when written and read, then they are the same."""
    assert parse_captions("srt", to_srt(cues)).cues == _sorted(cues)


@given(st.lists(plain_cues(), min_size=1, max_size=6))
def test_srt_always_reads_back_in_number_and_time(cues):
    """Given any cues with something to see, then SRT keeps their number and times."""
    shown = [Cue(cue.start_ms, cue.end_ms, f"x{cue.text}") for cue in cues]
    read = parse_captions("srt", to_srt(shown)).cues
    assert [(c.start_ms, c.end_ms) for c in read] == [
        (c.start_ms, c.end_ms) for c in _sorted(shown)
    ]


@given(st.lists(plain_cues() | worded_cues(), min_size=1, max_size=6))
def test_webvtt_reads_back(cues):
    """Given any cues, with words or without, when written and read, then they are the same."""
    captions = parse_captions("vtt", to_vtt(cues))
    assert captions.cues == _sorted(cues)


@given(st.lists(plain_cues(clean_texts.filter(fits_srt)), min_size=1, max_size=4))
def test_independent_readers_find_the_same_times(cues):
    """Given cues, then pysubs2 reads our SRT and webvtt-py our WebVTT with the same times."""
    expected = [(cue.start_ms, cue.end_ms) for cue in _sorted(cues)]
    srt = pysubs2.SSAFile.from_string(to_srt(_sorted(cues)), format_="srt")
    assert [(event.start, event.end) for event in srt] == expected
    vtt = webvtt.from_string(to_vtt(_sorted(cues)))
    assert [(c.start_in_seconds, c.end_in_seconds) for c in vtt] == [
        (start // 1000, end // 1000) for start, end in expected
    ]
