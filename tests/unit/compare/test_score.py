"""Which captions are easier to read: one number of published parts, and what may be concluded."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.captions.model import Cue
from service.compare.pairs import TIE_BAND, Pair, Result, compare_two, rank
from service.compare.score import Score, score
from tests.unit.compare.shown import CUES, HIDDEN, SIGHT, shown

WEAK = {"contrast": 1.6, "weakest": 1.1, "below_4_5": 1.0, "below_3": 1.0}
FLAGS = ("several_fills",)
HASTY = tuple(replace(cue, end_ms=cue.start_ms + 900) for cue in CUES)
_share = st.floats(0, 1)
_sights = st.builds(
    lambda high, low, height, flagged: replace(
        SIGHT,
        contrast=high,
        weakest=1 + (high - 1) * low,
        below_4_5=low,
        below_3=low / 2,
        line_px=height,
        flags=FLAGS if flagged else (),
    ),
    st.floats(1.3, 21),
    _share,
    st.floats(8, 80),
    st.booleans(),
)


def test_captions_without_a_fault_have_all_points():
    found = score(shown("A"))
    assert (found.value, found.confident) == (pytest.approx(100), True)


def test_letters_that_nobody_can_tell_from_the_picture_leave_a_fifth():
    # The prototype's white letters on a bright clip had 20.9.
    assert score(shown("A", **WEAK)).value == pytest.approx(20.9, abs=0.1)


@pytest.mark.parametrize(("line_px", "part"), [(14.4, 0), (25.2, 0.5), (36, 1), (72, 1)])
def test_size_is_held_against_the_short_side(line_px, part):
    parts = {each.name: each.value for each in score(shown("A", line_px=line_px)).parts}
    assert parts["size"] == pytest.approx(part)


def test_limits_made_for_alphabets_have_no_weight_in_other_scripts():
    # Given a Chinese caption that no Latin limit would let pass,
    cues = tuple(replace(cue, text="冷萃咖啡不到三十秒就能做好无需滤纸" * 3) for cue in CUES)
    found = score(shown("A", cues=cues))
    # Then speed is no part of its score, and takes nothing from it.
    assert {each.name: each.value for each in found.parts}["speed"] is None
    assert found.value == pytest.approx(100)


def test_captions_of_which_nothing_is_seen_have_a_reason_and_no_score():
    found = score(shown("A", sights=(HIDDEN,) * 3 + (SIGHT,)))
    assert (found.value, found.is_hidden) == (None, True)


def test_a_box_without_letters_in_it_is_no_caption_either():
    empty = replace(HIDDEN, flags=("no_letters",))
    assert score(shown("A", sights=(empty,) * 4)).is_hidden


def test_letters_that_are_doubted_are_not_called_invisible():
    # Given two captions that are seen with a doubt, and two that are seen as boxes without letters,
    empty, doubted = replace(HIDDEN, flags=("no_letters",)), replace(SIGHT, flags=("no_letters",))
    found = score(shown("A", sights=(empty, empty, doubted, SIGHT)))
    # Then two of the three that tell anything are lost; with one less it is no majority.
    assert found.is_hidden
    assert not score(shown("A", sights=(empty, doubted, doubted, SIGHT))).is_hidden


def test_captions_that_can_be_seen_are_better_than_those_that_cannot():
    pair = compare_two(shown("A", sights=(HIDDEN,) * 4), shown("B", **WEAK))
    assert (pair.result, pair.better, pair.worse) == (Result.BETTER, "B", "A")


def test_of_two_that_cannot_be_seen_nothing_is_said():
    pair = compare_two(shown("A", sights=(HIDDEN,) * 4), shown("B", sights=(HIDDEN,) * 4))
    assert pair.result is Result.UNKNOWN


@pytest.mark.parametrize(
    "worse",
    [
        WEAK,
        {"line_px": 10.8, "flags": ("small_text",)},
        {"box": (0.2, 0.9, 0.6, 0.099)},
        {"cues": HASTY},
    ],
)
def test_what_is_plainly_worse_in_one_thing_is_named(worse):
    same = "cues" not in worse
    pair = compare_two(shown("A", **worse), shown("B"), same_cues=same)
    assert (pair.result, pair.better) == (Result.BETTER, "B")
    assert pair.difference is not None
    assert pair.difference < -TIE_BAND


def test_a_small_difference_is_a_tie():
    pair = compare_two(shown("A"), shown("B", line_px=34.0, below_4_5=0.02))
    assert pair.result is Result.TIE


def test_contrasts_within_a_blind_error_of_each_other_are_not_told_apart():
    # Given two whose shares differ much and whose medians differ by less than 1.25,
    pair = compare_two(
        shown("A", contrast=4.6, below_4_5=0.4, below_3=0.3), shown("B", contrast=5.6)
    )
    # Then nothing is made of the shares.
    assert (pair.result, pair.difference) == (Result.TIE, 0)


def test_parts_that_speak_for_each_side_are_mixed():
    pair = compare_two(
        shown("A", contrast=2.9, below_4_5=1.0, below_3=0.5), shown("B", line_px=18.0)
    )
    assert (pair.result, pair.better) == (Result.MIXED, "")


def test_nothing_is_concluded_from_flagged_contrast_alone():
    pair = compare_two(shown("A", **WEAK, flags=FLAGS), shown("B"))
    assert (pair.result, pair.contrasts) == (Result.UNKNOWN, None)


def test_another_part_decides_where_contrast_is_flagged():
    pair = compare_two(shown("A", flags=FLAGS, line_px=16.0), shown("B"))
    assert (pair.result, pair.better, pair.contrasts) == (Result.BETTER, "B", None)


def test_lines_too_small_to_tell_their_letters_are_small_all_the_same():
    small = shown("A", flags=("small_text", "unlike_text"), line_px=11.0)
    pair = compare_two(small, shown("B"))
    assert (pair.result, pair.better) == (Result.BETTER, "B")
    # and without being small, a shape unlike the text says nothing of size.
    unlike = shown("A", flags=("unlike_text",), line_px=11.0)
    assert compare_two(unlike, shown("B")).result is not Result.BETTER


def test_flagged_contrast_that_points_the_other_way_undoes_it():
    pair = compare_two(shown("A", line_px=16.0), shown("B", **WEAK, flags=FLAGS))
    assert pair.result is Result.UNKNOWN


def test_captions_flagged_in_one_variant_are_left_out_of_both():
    # Given one caption that is hard to read in both, and flagged in A alone,
    hard = replace(SIGHT, contrast=1.5, weakest=1.1, below_4_5=1.0, below_3=1.0)
    ours = (replace(hard, flags=("uneven",)), SIGHT, SIGHT, SIGHT)
    # When they are compared, then B does not lose by having it measured.
    pair = compare_two(shown("A", sights=ours), shown("B", sights=(hard, SIGHT, SIGHT, SIGHT)))
    assert pair.result is Result.TIE


def test_a_variant_that_was_not_looked_at_is_not_judged():
    pair = compare_two(shown("A"), shown("B", cues=()))
    assert pair.result is Result.UNKNOWN


def test_variants_are_ranked_with_the_unseen_last():
    scores = {
        "A": Score(None, confident=True, parts=(), is_hidden=True),
        "B": Score(70, confident=True, parts=()),
        "C": Score(90, confident=True, parts=()),
        "D": Score(None, confident=False, parts=()),
    }
    assert rank(scores) == ["C", "B", "A", "D"]


def test_a_variant_that_is_ahead_in_pairs_is_ranked_before_one_with_more_points():
    # Given two whose scores are made of captions that only one of them could be measured in,
    scores = {"A": Score(90, confident=True, parts=()), "B": Score(80, confident=True, parts=())}
    # When caption stands against caption B is ahead, then it comes first.
    pair = Pair("A", "B", Result.BETTER, "B")
    assert rank(scores, [pair]) == ["B", "A"]


@given(st.lists(_sights, min_size=4, max_size=4), st.lists(_sights, min_size=4, max_size=4))
def test_it_does_not_matter_which_variant_comes_first(ours, theirs):
    one, two = shown("A", sights=tuple(ours)), shown("B", sights=tuple(theirs))
    there, back = compare_two(one, two), compare_two(two, one)
    assert (there.result, there.better) == (back.result, back.better)
    if there.difference is not None:
        assert there.difference == pytest.approx(-back.difference, abs=1e-9)


@given(st.lists(_sights, min_size=4, max_size=4))
def test_a_score_is_a_number_of_points_and_a_variant_ties_with_itself(sights):
    found = shown("A", sights=tuple(sights))
    value = score(found).value
    assert value is not None
    assert 0 < value <= 100
    assert compare_two(found, replace(found, label="B")).result in {Result.TIE, Result.UNKNOWN}


def test_a_cue_of_one_card_and_one_of_several_count_alike():
    # Given a cue shown as two cards of which one cannot be seen,
    cues = (Cue(0, 2000, "one two"), Cue(3000, 5000, "three four"))
    found = shown("A", cues=cues)
    assert len(found.seen) == len(cues)
