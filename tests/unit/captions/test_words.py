"""Times of single words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.captions.cues import parse_captions
from service.captions.model import Captions, Cue, Word
from service.captions.style import build_style
from service.captions.words import (
    MOST_WORDS,
    WordTiming,
    add_words,
    is_speakable,
    may_align,
    name_timing,
    shows_words,
    spoken_words,
)
from tests.unit.captions.samples import plain_cues

SRT = "1\n00:00:01,000 --> 00:00:02,000\nCold brew\n\n2\n00:00:03,000 --> 00:00:04,000\nIn it\n"
TIMED = "WEBVTT\n\n00:01.000 --> 00:02.000\nCold <00:01.400>brew\n"
PLAIN = parse_captions("srt", SRT)


@pytest.mark.parametrize(
    ("style", "shown"),
    [
        ({"preset": "outline"}, False),
        ({"preset": "karaoke"}, True),
        ({"preset": "pop"}, True),
        ({"preset": "shorts"}, True),
        ({"preset": "shorts", "words_per_line": 0}, False),
    ],
)
def test_styles_that_show_words(style, shown):
    """Given a style, then it needs times of words if words light up or come a few at a time."""
    assert shows_words(build_style(style)) is shown


@pytest.mark.parametrize(
    ("captions", "language", "may"),
    [
        (PLAIN, "en-GB", True),
        (PLAIN, "de", False),
        (None, "en", False),
        (parse_captions("text", "Cold brew"), "en", False),
        (parse_captions("vtt", TIMED), "en", False),
        (Captions(PLAIN.format, (Cue(0, 9, "a " * (MOST_WORDS + 1)),)), "en", False),
    ],
)
def test_what_may_be_aligned(captions, language, may):
    """Given captions, then only English ones with times, without times of words, are aligned."""
    assert may_align(captions, language) is may


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Well-known, isn’t it?", (("well", "known"), ("isn't",), ("it",))),
        ("Rock & roll —", (("rock",), ("and",), ("roll",), ())),
        ("[MUSIC] 'tis", (("music",), ("tis",))),
    ],
)
def test_what_is_spoken_of_a_text(text, spoken):
    """Given marks and quotes, then what is said is left, word by word of the text."""
    assert spoken_words(text) == spoken


@pytest.mark.parametrize(("text", "able"), [("It’s — fine!", True), ("30 s", False), ("é", False)])
def test_what_letters_say(text, able):
    """Given figures or other letters than English ones, then how they sound is not known."""
    assert is_speakable(text) is able


@pytest.mark.parametrize(
    ("captions", "times", "timing"),
    [
        (PLAIN, ((0, 400, 400, 900), (0, 300, 500, 900)), WordTiming.ALIGNED),
        (PLAIN, ((0, 400, 400, 900), ()), WordTiming.MIXED),
        (PLAIN, ((), ()), WordTiming.BACKEND),
        (PLAIN, (), WordTiming.BACKEND),
        (parse_captions("vtt", TIMED), (), WordTiming.GIVEN),
        (parse_captions("text", "Cold brew"), (), None),
        (None, (), None),
    ],
)
def test_where_times_come_from_is_named(captions, times, timing):
    """Given captions and what was found, then it is said who gives the times of words."""
    assert name_timing(captions, times) is timing


def test_found_times_become_words():
    """Given the times of a cue from its start, then its words have them on the clip's line."""
    first, second = add_words(PLAIN, ((0, 400, 450, 900), ())).cues
    assert first.words == (Word(1000, 1400, "Cold"), Word(1450, 1900, "brew"))
    assert second == PLAIN.cues[1]


@given(st.lists(plain_cues(), max_size=4), st.lists(st.lists(st.integers(0, 99), max_size=6)))
def test_times_that_do_not_belong_change_nothing(cues, times):
    """Given any numbers, then a cue has either a time for each of its words, or none."""
    captions = Captions(PLAIN.format, tuple(cues))
    for cue in add_words(captions, tuple(map(tuple, times))).cues:
        assert not cue.words or [word.text for word in cue.words] == cue.text.split()
