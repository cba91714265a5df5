"""Captions as text: SRT, WebVTT, plain scripts."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.cues import Cue, has_timings, parse_cues, split_cards, time_script, timed_words

TWO = [(500, 2000, "Hello\nworld"), (2000, 3000, "Bye")]


@pytest.mark.parametrize(
    "text",
    [
        "1\n00:00:00,500 --> 00:00:02,000\nHello\nworld\n\n2\n00:00:02,000 --> 00:00:03,000\nBye\n",
        (
            "\ufeff1\r\n00:00:00,500 --> 00:00:02,000\r\nHello\r\nworld\r\n\r\n"
            "2\r\n00:00:02,000 --> 00:00:03,000\r\nBye"
        ),
        (
            "WEBVTT\n\nNOTE x\n\nintro\n00:00.500 --> 00:02.000 line:0\nHello\nworld\n\n"
            "00:02.000 --> 00:03.000\nBye"
        ),
        "1\n00:00:00,500 --> 00:00:02,000\nHello\nworld\n2\n00:00:02,000 --> 00:00:03,000\nBye",
        (
            "2\n00:00:02,000 --> 00:00:03,000\n<i>Bye</i>\n\n"
            "1\n00:00:00,500 --> 00:00:02,000\nHello\nworld"
        ),
    ],
    ids=["srt", "bom and crlf", "vtt", "no blank line", "unsorted with tags"],
)
def test_reads_the_usual_forms(text: str) -> None:
    assert [(c.start_ms, c.end_ms, c.text) for c in parse_cues(text)] == TWO


def test_word_times_come_from_the_stamps_inside_a_vtt_cue() -> None:
    # Given a cue that times its words itself
    text = "WEBVTT\n\n00:01.000 --> 00:03.000\nCold <00:01.500><c>brew</c> <00:02.000>now"
    # When it is read
    (cue,) = parse_cues(text)
    # Then the stamps are times, not text
    assert cue.text == "Cold brew now"
    assert [(w.text, w.start_ms, w.end_ms) for w in cue.words] == [
        ("Cold", 1000, 1500), ("brew", 1500, 2000), ("now", 2000, 3000),
    ]  # fmt: skip


def test_entities_are_read_in_vtt_and_literal_in_srt() -> None:
    body = "00:00:00.000 --> 00:00:01.000\na &lt; b <3"
    assert parse_cues("WEBVTT\n\n" + body)[0].text == "a < b <3"
    assert parse_cues(body)[0].text == "a &lt; b <3"


@pytest.mark.parametrize(
    "bad", ["00:00:02,000 --> 00:00:01,000\nx", "00:00:01,000 --> 00:00:02,000\n\n", "x"]
)
def test_cues_without_time_or_text_are_dropped(bad: str) -> None:
    assert parse_cues(bad) == ()


def test_a_script_is_spread_over_the_whole_clip_in_short_cards() -> None:
    script = (
        "This is one sentence. "
        + "And this one is much longer than a single line may be, so it wraps. " * 3
    )
    cues = time_script(script, 12_000)
    assert cues[0].start_ms == 0
    assert cues[-1].end_ms == 12_000
    assert all(a.end_ms == b.start_ms for a, b in pairwise(cues))
    assert all(len(line) <= 42 for cue in cues for line in cue.text.split("\n"))
    assert all(cue.text.count("\n") <= 1 for cue in cues)
    assert " ".join(" ".join(c.text.split()) for c in cues) == " ".join(script.split())


def test_an_empty_script_or_clip_gives_no_cues() -> None:
    assert time_script(" \n ", 5000) == ()
    assert time_script("words", 0) == ()


WORDS = st.lists(
    st.text(st.characters(categories=("L", "N")), min_size=1, max_size=9), min_size=1, max_size=12
)


@given(
    words=WORDS, start=st.integers(0, 10**6), span=st.integers(1, 20_000), size=st.integers(1, 5)
)
def test_cards_keep_every_word_in_order_and_stay_inside_the_cue(
    words: list[str], start: int, span: int, size: int
) -> None:
    cue = Cue(start, start + span, " ".join(words))
    timed = timed_words(cue)
    assert [w.text for w in timed] == words
    assert all(start <= w.start_ms <= w.end_ms <= start + span for w in timed)
    cards = split_cards(cue, size)
    assert all(len(card.text.split()) <= size for card in cards)
    assert all(a.end_ms == b.start_ms for a, b in pairwise(cards))
    assert cards[-1].end_ms == start + span
    if span >= 100 * len(words):
        assert [w for card in cards for w in card.text.split()] == words


@given(st.text(max_size=300))
def test_no_text_makes_the_reader_fail(text: str) -> None:
    assert all(cue.end_ms > cue.start_ms for cue in parse_cues(text))
    assert not parse_cues(text) or has_timings(text)
