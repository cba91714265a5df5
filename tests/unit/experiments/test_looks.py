"""Looks as they are kept, and read again for a plot."""

from __future__ import annotations

import json

from service.experiments.looks import PairPoint, Point, read_point, write_point
from service.experiments.verdict import decide
from tests.unit.experiments.scenes import AHEAD
from tests.unit.experiments.snapshots import a_plan, a_snapshot


def test_a_look_reads_as_it_was_written():
    snapshot = a_snapshot(*AHEAD)
    verdict = decide(snapshot)
    (pair,) = verdict.document["pairs"]
    drawn = PairPoint(
        "A", "B", pair["difference"], tuple(pair["interval"]), lift=tuple(pair["lift"])
    )
    expected = Point(snapshot.taken_at_ms, "winner", (10_000, 10_000), (drawn,))
    assert read_point(json.loads(write_point(verdict))) == expected


def test_a_look_may_have_no_lift():
    # Given a control that can hardly be told from 0, as so few have done it,
    plan = a_plan(min_units=2, min_outcomes=1)
    verdict = decide(a_snapshot((500, 2), (500, 9), plan=plan))
    # Then the difference is drawn without one.
    (pair,) = read_point(json.loads(write_point(verdict))).pairs
    assert (pair.base, pair.variant, pair.lift) == ("A", "B", None)
    assert pair.interval[0] < pair.difference < pair.interval[1]


def test_before_anything_may_be_said_only_units_are_kept():
    verdict = decide(a_snapshot((40, 4), (50, 5)))
    point = read_point(json.loads(write_point(verdict)))
    assert (point.state, point.units, point.pairs) == ("collecting", (40, 50), ())
