"""Which variant of a plan a viewer sees, and which values of it somebody could forge."""

from __future__ import annotations

import sys

from service.experiments.assign import Allocation, assign, hash_unit
from service.experiments.metrics import Kind
from service.experiments.plan import Metric
from service.experiments.seats import Seat, seat_unit, unbounded_metrics
from tests.unit.experiments.snapshots import a_plan

UNITS = [f"viewer-{n}" for n in range(300)]


def test_a_viewer_sits_where_the_hash_puts_them():
    # Given a plan in which half of all viewers take part,
    plan = a_plan(0.7, 0.3, coverage=0.5)
    allocation = Allocation("job_1", (0.7, 0.3), coverage=0.5)
    # Then each has the variant of the hash, or none.
    for unit in ["", *UNITS]:
        at = hash_unit("job_1", unit)
        assert seat_unit(plan, unit) == Seat(assign(allocation, unit), at, override=False)
    assert {seat_unit(plan, unit).arm for unit in UNITS} == {0, 1, None}


def test_an_id_is_hashed_once():
    # Given that of a thousand long ids in one request the hash is all the work
    plan, called = a_plan(), []
    sys.setprofile(lambda frame, _what, _arg: called.append(frame.f_code.co_name))
    try:
        seat_unit(plan, "viewer-1")
    finally:
        sys.setprofile(None)
    assert called.count("hash_unit") == 2  # called, and back


def test_who_only_tests_sees_what_the_plan_says():
    plan = a_plan(overrides=dict.fromkeys(UNITS[:20], "B"))
    seats = [seat_unit(plan, unit) for unit in UNITS]
    assert {(seat.arm, seat.override) for seat in seats[:20]} == {(1, True)}
    assert {(seat.arm, seat.override) for seat in seats[20:]} == {(0, False), (1, False)}


def test_values_without_a_largest_one_are_named():
    bounded, free = Metric("watch", Kind.MEAN, most=3000), Metric("spent", Kind.MEAN)
    pace = Metric("pace", Kind.RATIO)
    assert unbounded_metrics(a_plan(secondary=(bounded,))) == []
    plan = a_plan(primary=free, secondary=(bounded, pace), guardrails=(Metric("paid", Kind.MEAN),))
    assert unbounded_metrics(plan) == ["primary/most", "secondary/1/most", "guardrails/0/most"]
