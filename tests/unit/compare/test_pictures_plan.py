"""What the pictures of a comparison show, from a report that may lack anything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.compare.pictures_plan import MOST_CELLS, MOST_COLUMNS, plan_pictures, thin
from service.compare.pictures_words import (
    name_worst,
    say_contact_sheet,
    say_difference,
    say_poster,
    say_side_by_side,
    say_time,
    say_worst,
)

LOW = [0.2, 0.8, 0.6, 0.1]
TOP = [0.3, 0.05, 0.4, 0.05]


def a_cue(start_s, end_s, text="Cold brew", **variants):
    return {"start_s": start_s, "end_s": end_s, "text": text, "variants": variants}


def a_report(**parts):
    return {
        "ranking": ["B", "A"],
        "cues": [
            a_cue(0.5, 1.5, A={"weakest": 4.0, "box": LOW}, B={"weakest": 6.0, "box": TOP}),
            a_cue(2.0, 4.0, "Just\na jar", A={"weakest": 2.0, "box": LOW}, B={"weakest": 7.0}),
        ],
        "moments": [
            {"name": "weakest", "variant": "A", "at_s": 3.2, "contrast": 1.9},
            {"name": "largest_difference", "variant": None, "at_s": 3.4},
        ],
        **parts,
    }


def test_a_whole_report_says_all_that_is_shown():
    plan = plan_pictures(a_report(), {"A": 5.0, "B": 5.0})
    assert (plan.pair, plan.sound) == (("A", "B"), "B")
    assert (plan.columns, plan.of_cues) == ((1.0, 3.0), True)
    assert plan.posters == {"A": 3.0, "B": 3.0}
    assert plan.difference_s == 3.4
    worst_a, worst_b = plan.worst
    assert (worst_a.at_s, worst_a.contrast, worst_a.other) == (3.2, 1.9, "B")
    # And where no moment was noted, the weakest cue in its middle.
    assert (worst_b.at_s, worst_b.contrast) == (1.0, 6.0)
    assert plan.names == (
        "side_by_side", "contact_sheet", "poster_A", "poster_B", "worst_A", "worst_B", "difference"
    )  # fmt: skip


def test_without_a_report_moments_come_from_the_length_and_nothing_is_called_weak():
    plan = plan_pictures({}, {"A": 4.0, "B": 4.0})
    assert plan.columns == (0.5, 1.5, 2.5, 3.5)
    assert plan.posters == {"A": 2.0, "B": 2.0}
    assert plan.difference_s == 2.0
    assert plan.worst == ()


@pytest.mark.parametrize("empty", [None, []])
def test_parts_that_are_there_and_empty_are_as_good_as_missing(empty):
    report = {"cues": empty, "moments": empty, "ranking": empty}
    assert plan_pictures(report, {"A": 4.0}) == plan_pictures({}, {"A": 4.0})


def test_one_variant_alone_has_a_poster_and_a_sheet():
    plan = plan_pictures(a_report(), {"A": 5.0})
    assert plan.names == ("contact_sheet", "poster_A")


def test_no_variant_is_an_error():
    with pytest.raises(ValueError, match="no variant"):
        plan_pictures({}, {})


def test_of_more_variants_the_best_and_the_next_are_the_pair():
    report = a_report(ranking=["C", "A", "D", "B"])
    plan = plan_pictures(report, dict.fromkeys("ABCD", 5.0))
    assert (plan.pair, plan.sound) == (("A", "C"), "C")
    # And each one's weakest moment stands beside the best of the others.
    assert {each.label: each.other for each in plan.worst} == {"A": "C", "B": "C"}


def test_a_variant_that_cannot_be_read_is_not_in_the_pair():
    plan = plan_pictures(a_report(ranking=["C", "A", "B"]), {"A": 5.0, "B": 5.0})
    assert plan.pair == ("A", "B")


def test_a_cue_beyond_the_end_of_the_shortest_is_not_shown():
    plan = plan_pictures(a_report(), {"A": 2.5, "B": 5.0})
    assert plan.columns == (1.0,)


def test_a_poster_shows_the_longest_cue_that_its_variant_shows():
    cues = [a_cue(0, 1, "short"), a_cue(1, 4, "long", A={"visible": False})]
    plan = plan_pictures({"cues": cues}, {"A": 5.0, "B": 5.0})
    assert plan.poster_texts == {"A": "short", "B": "long"}


def test_a_crop_lies_around_each_ones_own_caption_in_one_size():
    report = a_report(moments=[{"name": "weakest", "variant": "A", "at_s": 1.0}])
    (worst, _) = plan_pictures(report, {"A": 5.0, "B": 5.0}).worst
    assert worst.crop[2:] == worst.other_crop[2:]
    assert worst.crop[1] < 0.8 < 0.9 < worst.crop[1] + worst.crop[3]
    assert worst.other_crop[1] == 0.0
    assert worst.crop[0] < 0.2
    assert worst.crop[0] + worst.crop[2] > 0.8


@pytest.mark.parametrize("box", [None, [], [0.1, 0.2], ["a", 0, 0, 0], [0, 0, 0, 0.1]])
def test_without_a_usable_box_the_whole_picture_is_shown(box):
    cues = [a_cue(0, 1, A={"weakest": 2.0, "box": box}, B={"box": LOW})]
    (worst,) = plan_pictures({"cues": cues}, {"A": 5.0, "B": 5.0}).worst
    assert worst.crop == worst.other_crop == (0.0, 0.0, 1.0, 1.0)


def test_many_variants_have_fewer_columns():
    cues = [a_cue(at, at + 1) for at in range(40)]
    for count in range(1, 9):
        labels = "ABCDEFGH"[:count]
        columns = plan_pictures({"cues": cues}, dict.fromkeys(labels, 50.0)).columns
        assert len(columns) <= MOST_COLUMNS
        assert len(columns) * count <= MOST_CELLS
        assert (columns[0], columns[-1]) == (0.5, 39.5)


@given(st.lists(st.floats(0, 100), max_size=60), st.integers(1, 12))
def test_thinning_keeps_the_order_and_the_bound(times, most):
    kept = thin(sorted(times), most)
    assert kept == sorted(kept)
    assert len(kept) == min(len(times), most)


_SIDE = st.floats(-1, 2) | st.none()
_BOXES = st.lists(_SIDE, max_size=5)


@given(_BOXES, _BOXES, st.floats(-5, 50), st.floats(-5, 50))
def test_whatever_a_report_says_a_crop_lies_within_the_picture(box, other, start_s, end_s):
    cues = [a_cue(start_s, end_s, A={"weakest": 2.0, "box": box}, B={"box": other})]
    for worst in plan_pictures({"cues": cues}, {"A": 20.0, "B": 20.0}).worst:
        for x, y, width, height in (worst.crop, worst.other_crop):
            assert 0 <= x <= x + width <= 1 + 1e-9
            assert 0 <= y <= y + height <= 1 + 1e-9
            assert width > 0 < height


@pytest.mark.parametrize(
    ("at_s", "said"),
    [(0.0, "0.0 s"), (4.24, "4.2 s"), (59.94, "59.9 s"), (59.96, "1:00.0"), (64.2, "1:04.2")],
)
def test_times_are_said_as_people_read_them(at_s, said):
    assert say_time(at_s) == said


def test_every_picture_is_told_in_words():
    plan = plan_pictures(a_report(), {"A": 5.0, "B": 5.0})
    assert say_contact_sheet(plan) == (
        "Stills of A above B: one column for each of 2 captions, in their middle, at 1.0 s, 3.0 s."
    )
    assert say_poster(plan, "A") == "A at 3.0 s, while “Just a jar” is shown."
    assert say_worst(plan.worst[0]) == (
        "The weakest moment of A, at 3.2 s, with a contrast of 1.9: “Just a jar”. "
        "A is first, then B at the same moment."
    )
    assert say_side_by_side("A", "B", None, 5.0) == (
        "Video of 5.0 s: A on the left, B on the right, without sound."
    )
    assert say_difference(("A", "B"), 3.4, 0.031, coloured=True) == (
        "Where A and B differ at 3.4 s: 3.1 % of the picture; A's part is blue and B's orange, "
        "the rest is dark."
    )


def test_a_caption_of_which_no_letters_were_found_is_not_given_a_contrast():
    unseen = {"visible": False, "weakest": 1.0, "box": None}
    cues = [a_cue(0, 1, A=unseen, B={"visible": True, "weakest": 5.0, "box": LOW})]
    worst, other = plan_pictures({"cues": cues}, {"A": 5.0, "B": 5.0}).worst
    assert name_worst(worst) == "A, weakest, 0.5 s, no letters found"
    assert "where no letters were found" in say_worst(worst)
    assert name_worst(other) == "B, weakest, 0.5 s, contrast 5.0"


def test_a_long_caption_is_quoted_in_part():
    cues = [a_cue(0, 1, "word " * 100)]
    said = say_poster(plan_pictures({"cues": cues}, {"A": 5.0}), "A")
    assert len(said) < 180
    assert "…" in said
