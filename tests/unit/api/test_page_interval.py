"""The interval over time as shapes: where 0 lies, what a gap is, which way a pair is told."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.page_interval import MOST_ROWS, Plot, draw_intervals
from api.page_scale import HEIGHT, WIDTH, Scale, Span
from api.page_view import ShownExperiment
from service.experiments.looks import PairPoint, Point
from service.experiments.plan import Better, Plan
from tests.page.experiments import CLICKS, START_MS, make_plan, make_running, make_won

HOUR_MS = 3_600_000
Lift = tuple[float, float] | None


def point(hour: float, *lifts: Lift, interval: Lift = (-0.01, 0.02)) -> Point:
    """A look with the lifts of B, C, ... over A."""
    pairs = [
        PairPoint("A", "BCD"[at], 0.0, interval, lift)
        for at, lift in enumerate(lifts)
        if interval is not None
    ]
    at_ms = START_MS + int(hour * HOUR_MS)
    return Point(at_ms, "collecting", (500,) * (len(lifts) + 1), tuple(pairs))


def shown(*looks: Point, plan: Plan | None = None, **verdict) -> ShownExperiment:
    return ShownExperiment(
        status="running",
        plan=plan or make_plan(),
        verdict=verdict,
        looks=looks,
        started_ms=START_MS,
    )


def draw(*looks: Point, **more) -> Plot:
    (plot,) = draw_intervals(shown(*looks, **more))
    return plot


def heights(path: str) -> list[float]:
    return [float(each) for each in re.findall(r"[ML][\d.]+ ([\d.]+)", path)]


def test_an_interval_that_lies_above_zero_lies_above_the_line() -> None:
    """Given B is 2 to 8 % higher, the whole of the last interval is above the decision line."""
    plot = draw(point(1, (-0.2, 0.3)), point(2, (-0.05, 0.1)), point(3, (0.02, 0.08)))
    x, top, bottom = re.match(r"M([\d.]+) ([\d.]+)V([\d.]+)", plot.last).groups()
    assert float(top) < float(bottom) < plot.zero
    assert float(x) == pytest.approx(WIDTH - 12)
    assert plot.now == "Now: the click rate of B is 2.0 % to 8.0 % higher than that of A."
    assert "0" in plot.ticks
    assert plot.lines[plot.ticks.index("0")] == plot.zero
    assert plot.above == "▲ B is better"


def test_a_metric_whose_lower_values_are_better_turns_the_words_round() -> None:
    """Given fewer are better, above the line the other one is better."""
    plan = make_plan(primary=replace(CLICKS, better=Better.LOWER))
    plot = draw(point(1, (-0.2, -0.1)), plan=plan)
    assert plot.above == "▲ A is better"
    assert plot.below == "▼ B is better"
    assert "10.0 % to 20.0 % lower than" in plot.now


def test_one_look_is_a_line_with_ends() -> None:
    """Given a single look, it is drawn although it has no width."""
    plot = draw(point(5, (-0.1, 0.1)))
    assert plot.band == plot.last
    assert len(plot.rows) == 1
    assert "1 look from" in plot.text


def test_a_short_experiment_is_told_to_the_second() -> None:
    """Given all looks within an hour, their times have seconds; over days they have none."""
    assert draw(point(0.1, (-0.1, 0.1)), point(0.2, (-0.1, 0.1))).ends.endswith("16:25:20 UTC")
    assert draw(point(1, (-0.1, 0.1)), point(30, (-0.1, 0.1))).ends.endswith("22:13 UTC")


def test_looks_without_an_interval_leave_a_gap() -> None:
    """Given looks of which two tell nothing, the shape is in two parts and a note says why."""
    plot = draw(
        point(1, (-0.2, 0.2)),
        point(2, (-0.2, 0.2)),
        point(3, None),
        point(4, None),
        point(5, (-0.1, 0.1)),
        point(6, (-0.1, 0.1)),
    )
    assert plot.band.count("Z") == 2
    assert "2 looks had too little for an interval and left a gap." in plot.notes
    assert len(plot.rows) == 4


def test_without_any_lift_the_difference_itself_is_drawn() -> None:
    """Given no lift can be told, the difference is, in the metric's own unit and said so."""
    plot = draw(point(1, None), point(2, None))
    assert plot.now.endswith("lies between −0.01 and +0.02.")
    assert "own unit" in plot.notes[0]
    assert plot.rope is None


def test_nothing_is_drawn_of_nothing() -> None:
    """Given no look, or looks that tell of no pair, there is no picture."""
    assert draw_intervals(shown()) == ()
    assert draw_intervals(shown(point(1, None, interval=None))) == ()


def test_a_leader_is_told_against_each_other_variant() -> None:
    """Given the first of three is ahead, it is compared with both, turned round exactly."""
    plots = draw_intervals(
        shown(
            point(1, (-0.5, -0.2), (-0.2, 0.25)), plan=make_plan("ABC"), variant="A", state="winner"
        )
    )
    assert [each.name for each in plots] == ["A compared with B", "A compared with C"]
    # 1 / 0.8 - 1 and 1 / 0.5 - 1
    assert "25.0 % to 100.0 % higher" in plots[0].now
    assert "between 20.0 % lower and 25.0 % higher" in plots[1].now


def test_while_nobody_is_ahead_all_are_told_against_the_control() -> None:
    """Given three variants and no leader, there is a picture of each with the control."""
    plots = draw_intervals(shown(point(1, (-0.1, 0.1), (-0.1, 0.1)), plan=make_plan("ABC")))
    assert [each.name for each in plots] == ["B compared with A", "C compared with A"]


def test_a_lift_that_cannot_be_turned_round_is_a_gap() -> None:
    """Given a lift that reaches -100 %, the other way round there is no bound."""
    looks = shown(point(1, (-1.0, -0.2)), point(2, (-0.5, -0.2)), plan=make_plan(), variant="A")
    (plot,) = draw_intervals(looks)
    assert len(plot.rows) == 1


def test_the_band_of_no_difference_is_drawn_where_it_can_be_seen() -> None:
    """Given a rope of 5 %, its band lies about 0; where all is wide, a note stands for it."""
    plan = make_plan(rope=0.05)
    plot = draw(point(1, (-0.1, 0.1)), plan=plan)
    top, high = plot.rope
    assert top < plot.zero < top + high
    wide = draw(point(1, (-0.9, 9.0)), plan=plan)
    assert wide.rope is None
    assert any("5 % either way, is too narrow" in each for each in wide.notes)


def test_early_intervals_do_not_hide_the_later_ones() -> None:
    """Given the first interval is very wide, the later ones decide the scale, and that is told."""
    plot = draw(point(1, (-0.9, 40.0)), point(2, (-0.1, 0.1)), point(3, (-0.1, 0.1)))
    assert min(heights(plot.edges)) == 0
    assert "cut off at the edge" in plot.notes[-1]
    assert plot.ticks[0] in {"+10 %", "+15 %", "+20 %"}


def test_a_long_history_has_a_short_table_that_ends_with_the_last_look() -> None:
    """Given 200 looks, the table has at most 24 of them, the last one among them."""
    plot = draw(*[point(hour, (-0.1, 0.1 + hour / 1000)) for hour in range(1, 201)])
    assert len(plot.rows) <= MOST_ROWS
    assert plot.rows[-1].high == "+30.0 %"
    assert plot.every == 9


def test_what_the_verdict_saw_is_the_last_point() -> None:
    """Given a history that ends before the verdict, the verdict's own look is added."""
    (plot,) = draw_intervals(make_running())
    before = replace(make_running(), looks=make_running().looks[:-10])
    (later,) = draw_intervals(before)
    assert later.now == plot.now
    assert later.ends == plot.ends
    (won,) = draw_intervals(make_won())
    assert won.now.startswith("At the verdict: the click rate of B is")


ends = st.floats(-0.999, 50, allow_nan=False).flatmap(
    lambda low: st.tuples(st.just(low), st.floats(low, 60))
)


@given(
    st.lists(st.tuples(st.floats(0, 400), st.none() | ends), min_size=1, max_size=30),
    st.sampled_from([0.0, 0.01, 0.5]),
)
def test_all_that_is_drawn_lies_in_the_picture(looks, rope) -> None:
    """Given any history, every shape lies within the picture and 0 on one of its lines."""
    told = shown(*[point(hour, lift) for hour, lift in looks], plan=make_plan(rope=rope))
    for plot in draw_intervals(told):
        drawn = heights(plot.band) + heights(plot.edges) + [plot.zero, *plot.lines]
        assert all(0 <= each <= HEIGHT for each in drawn)
        assert "0" in plot.ticks
        assert len(set(plot.ticks)) == len(plot.ticks) == len(plot.lines)
        assert 2 <= len(plot.ticks) <= 8


@given(st.floats(1e-12, 1e12), st.floats(0, 1e12))
def test_a_scale_has_round_steps_and_few_of_them(high, low) -> None:
    """Given any size of differences, there are two to eight lines, with 0 among them."""
    scale = Scale([Span(1.0, 1, -low, high)], (0.0, 0.0), 0)
    assert 2 <= len(scale.values) <= 8
    assert any(abs(each) < scale.step / 1e6 for each in scale.values)
    assert scale.y(high) >= 0
    assert scale.y(-low) <= HEIGHT
