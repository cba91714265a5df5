"""What cues and a style alone tell of a variant."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.captions.model import Cue, Word
from service.captions.style import PRESETS
from service.compare.standards import STANDARDS
from service.compare.timing import (
    count_chars,
    find_spaces,
    measure_timing,
    reading_speed,
    split_cards,
)

OUTLINE, POP, KARAOKE = (PRESETS[name].style for name in ("outline", "pop", "karaoke"))

_word = st.text("abcdefg", min_size=1, max_size=9)
_text = st.lists(st.lists(_word, min_size=1, max_size=6).map(" ".join), min_size=1, max_size=3)
_cue = st.builds(
    lambda start, lasts, lines: Cue(start, start + lasts, "\n".join(lines)),
    st.integers(0, 50_000),
    st.integers(1, 9_000),
    _text,
)
_cues = st.lists(_cue, max_size=12).map(lambda cues: sorted(cues, key=lambda c: c.start_ms))


def _keys(timing):
    return {each.standard for each in timing.findings}


def test_a_calm_caption_is_within_every_standard():
    timing = measure_timing(
        [Cue(0, 2000, "Cold brew in\nunder a minute")], OUTLINE, duration_ms=4000
    )
    assert timing.findings == ()
    assert (timing.lines_most, timing.line_chars_most) == (2, 14)
    assert timing.cps_median == timing.cps_highest == 13.0
    assert timing.changes_per_s == 0.5


@pytest.mark.parametrize(
    ("cues", "broken"),
    [
        ([Cue(0, 1000, "a" * 18)], {"netflix-comfortable-speed"}),
        ([Cue(0, 1000, "a" * 30)], {"netflix-comfortable-speed", "netflix-speed"}),
        ([Cue(0, 3000, "a" * 43)], {"netflix-line"}),
        ([Cue(0, 3000, "a\nb\nc")], {"netflix-lines"}),
        ([Cue(0, 800, "a")], {"netflix-duration"}),
        ([Cue(0, 7001, "a")], {"netflix-duration"}),
        ([Cue(0, 1000, "a"), Cue(1040, 2000, "b")], {"netflix-gap"}),
        ([Cue(0, 1000, "a"), Cue(900, 2000, "b")], {"no-overlap"}),
        ([Cue(0, 1000, "a"), Cue(1080, 2000, "b")], set()),
        ([Cue(0, 1000, "a"), Cue(1000, 2000, "b")], set()),
    ],
)
def test_each_standard_names_what_breaks_it(cues, broken):
    assert _keys(measure_timing(cues, OUTLINE, duration_ms=10_000)) == broken


def test_limits_for_alphabets_say_nothing_of_chinese():
    timing = measure_timing([Cue(0, 1000, "冷" * 30)], OUTLINE, duration_ms=2000)
    assert not timing.latin
    assert timing.cps_highest == 30
    assert timing.findings == ()


def test_marks_are_no_characters():
    assert count_chars("e\u0301te\u0301") == count_chars("été") == 3


def test_a_gap_behind_a_long_caption_starts_where_the_last_of_them_ends():
    assert find_spaces([Cue(0, 5000, "a"), Cue(1000, 2000, "b"), Cue(6000, 7000, "c")]) == [
        -4000,
        1000,
    ]


def test_words_keep_their_own_times_in_cards():
    words = (Word(0, 400, "one"), Word(500, 900, "two"), Word(1200, 1500, "three"))
    cards = split_cards([Cue(0, 1500, "one two three", words)], POP)
    assert [(card.start_ms, card.end_ms, card.text) for card in cards] == [
        (0, 1200, "one two"),
        (1200, 1500, "three"),
    ]


def test_a_word_that_lights_up_is_counted_apart():
    timing = measure_timing([Cue(0, 2000, "one two three four")], KARAOKE, duration_ms=2000)
    assert (timing.changes_per_s, timing.highlights_per_s) == (1.0, 2.0)


def test_no_captions_measure_nothing():
    timing = measure_timing([], OUTLINE, duration_ms=1000)
    assert (timing.cards, timing.cps_median, timing.duration_longest_ms) == (0, None, None)


def test_a_clip_lasts_longer_than_nothing():
    with pytest.raises(ValueError, match="longer than nothing"):
        measure_timing([], OUTLINE, duration_ms=0)


@given(_cues)
def test_cards_say_all_words_in_order_within_their_cue(cues):
    for cue in cues:
        cards = split_cards([cue], POP)
        assert " ".join(card.text for card in cards).split() == cue.text.split()
        assert cards[0].start_ms == cue.start_ms
        assert cards[-1].end_ms == cue.end_ms
        assert all(one.end_ms == two.start_ms for one, two in itertools.pairwise(cards))


@given(_cues)
def test_figures_agree_with_each_other(cues):
    timing = measure_timing(cues, OUTLINE, duration_ms=60_000)
    assert timing.cards == len(cues)
    assert timing.gaps + timing.overlaps <= max(0, len(cues) - 1)
    if cues:
        assert timing.cps_median <= timing.cps_highest
        assert timing.duration_shortest_ms <= timing.duration_longest_ms
        assert timing.changes_per_s <= 2 * len(cues) / 60 + 0.001
    assert all(0 <= each.card < len(cues) for each in timing.findings)


@given(_cue, st.integers(2, 5))
def test_twice_the_time_is_half_the_speed(cue, times):
    slower = Cue(cue.start_ms, cue.start_ms + times * (cue.end_ms - cue.start_ms), cue.text)
    assert reading_speed(slower) == pytest.approx(reading_speed(cue) / times)


def test_every_standard_has_a_limit_and_a_name_of_its_own():
    assert len({each.key for each in STANDARDS}) == len(STANDARDS)
    assert all(each.least is not None or each.most is not None for each in STANDARDS)
