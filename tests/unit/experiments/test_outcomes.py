"""Outcomes and figures, read and refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.experiments.aggregates import Aggregate, read_aggregate
from service.experiments.metrics import COUNTER_MAX, Kind, Mean, Proportion, Ratio
from service.experiments.outcomes import (
    MOST_OF_UNIT,
    Fault,
    Outcome,
    read_outcome,
)
from service.experiments.plan import Metric
from tests.outcomes import START_MS, a_batch, an_experiment, an_outcome, figures

NOW_MS = START_MS + 3_600_000
AT = "#/outcomes/3"


def read(item: Any) -> Outcome | Fault:
    return read_outcome(item, AT, an_experiment(), started_ms=START_MS, now_ms=NOW_MS)


def read_bulk(item: Any) -> Aggregate | Fault:
    return read_aggregate(item, AT, an_experiment(), started_ms=START_MS, now_ms=NOW_MS)


def test_without_a_metric_the_unit_has_seen_its_variant():
    outcome = read(an_outcome("e1", "viewer", "B"))
    assert isinstance(outcome, Outcome)
    assert (outcome.arm, outcome.metric, outcome.at_ms) == (1, None, NOW_MS)
    assert "viewer" not in outcome.unit


def test_a_click_counts_once_and_may_be_a_no():
    assert read(an_outcome("e1", "u", metric="clicks")).x == 1
    assert read(an_outcome("e1", "u", metric="clicks", value=0)).x == 0


@pytest.mark.parametrize(
    ("given", "x", "y"),
    [
        ({"metric": "watch", "value": 1250}, 1250, 0),
        ({"metric": "watch", "seconds": 12.5}, 1250, 0),
        ({"metric": "watch", "seconds": 999}, 3000, 0),
        ({"metric": "watch", "seconds": 0}, 0, 0),
        ({"metric": "per_view", "seconds": 12.5, "count": 1}, 1250, 1),
        ({"metric": "per_view", "count": 2}, 0, 2),
        ({"metric": "per_view", "value": 9000, "count": 2}, 6000, 2),
        ({"metric": "per_view", "value": 9000}, 3000, 0),
        ({"metric": "watch", "value": -9000, "correction": True}, -3000, 0),
        ({"metric": "spent", "value": MOST_OF_UNIT}, MOST_OF_UNIT, 0),
    ],
)
def test_watch_time_is_in_centiseconds_and_capped_by_the_video(given, x, y):
    outcome = read(an_outcome("e1", "u", **given))
    assert (outcome.x, outcome.y) == (x, y)


@pytest.mark.parametrize(
    ("change", "reason", "field"),
    [
        ({"metric": "watch", "value": -1}, "negative_value", "value"),
        ({"metric": "watch", "seconds": -0.5}, "negative_value", "seconds"),
        ({"metric": "per_view", "count": -1}, "negative_value", "count"),
        ({"metric": "watch", "value": MOST_OF_UNIT + 1}, "value_too_large", "value"),
        ({"metric": "watch", "seconds": 999_999}, "value_too_large", "seconds"),
        ({"variant": "C"}, "unknown_variant", "variant"),
        ({"metric": "likes"}, "unknown_metric", "metric"),
        ({"occurred_at": "2099-01-01T00:00:00Z"}, "in_future", "occurred_at"),
        ({"occurred_at": "2001-01-01T00:00:00Z"}, "before_start", "occurred_at"),
        ({"occurred_at": "2027-01-15T09:00:00"}, "invalid", "occurred_at"),
        ({"occurred_at": "soon"}, "invalid", "occurred_at"),
        ({"metric": "watch"}, "invalid", "value"),
        ({"metric": "watch", "value": 1.5}, "invalid", "value"),
        ({"metric": "watch", "value": True}, "invalid", "value"),
        ({"metric": "watch", "seconds": "3"}, "invalid", "seconds"),
        ({"metric": "clicks", "value": 2}, "invalid", "value"),
        ({"value": 1}, "invalid", "value"),
        ({"event_id": ""}, "invalid", "event_id"),
        ({"unit_id": "\ud83d"}, "invalid", "unit_id"),
        ({"unit_id": "u" * 201}, "invalid", "unit_id"),
    ],
)
def test_each_fault_has_its_code_and_place(change, reason, field):
    fault = read({**an_outcome("e1", "u"), **change})
    assert isinstance(fault, Fault)
    assert (fault.reason, fault.pointer) == (reason, f"{AT}/{field}")


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"variant": "a"}, "The experiment has no such variant; it has A, B."),
        (
            {"metric": "Clicks"},
            "The experiment measures no such thing; it has clicks, watch, per_view, spent.",
        ),
        (
            {"occurred_at": "2001-01-01T00:00:00Z"},
            "It lies before the experiment began, which was at 2027-01-15T08:00:00Z.",
        ),
        (
            {"metric": "watch", "seconds": "3"},
            "It must be a number from -1000000 to 1000000.",
        ),
    ],
)
def test_a_fault_tells_what_would_do(change, detail):
    fault = read({**an_outcome("e1", "u"), **change})
    assert isinstance(fault, Fault)
    assert fault.detail == detail


def test_a_clock_that_is_a_little_behind_may_see_an_outcome_before_the_start():
    outcome = read(an_outcome("e1", "u", occurred_at="2027-01-15T07:56:00Z"))
    assert isinstance(outcome, Outcome)
    assert outcome.at_ms == START_MS - 240_000
    early = read(an_outcome("e1", "u", occurred_at="2027-01-15T07:54:00Z"))
    assert early.reason == "before_start"


def test_a_clock_that_is_a_little_ahead_is_now():
    outcome = read(an_outcome("e1", "u", occurred_at="2027-01-15T09:04:00Z"))
    assert isinstance(outcome, Outcome)
    assert outcome.at_ms == NOW_MS


def test_what_is_no_object_is_refused():
    assert read([]) == Fault("invalid", AT, "It must be an object.")
    assert read_bulk(None).reason == "invalid"


def test_an_id_with_another_body_differs_and_the_order_of_fields_does_not_matter():
    one = read(an_outcome("e1", "u", metric="watch", value=5))
    same = read(dict(reversed(an_outcome("e1", "u", metric="watch", value=5).items())))
    other = read(an_outcome("e1", "u", metric="watch", value=6))
    assert one == same
    assert (one.id, one.unit) == (other.id, other.unit)
    assert one.body != other.body


def test_figures_hold_a_metric_of_each_kind():
    ratio = {"sx": 100, "sxx": 1200, "sy": 10, "syy": 12, "sxy": 115}
    metrics = {"clicks": {"s": 4}, "spent": {"sum": 50, "sum_squares": 400}, "per_view": ratio}
    found = read_bulk(a_batch("b1", 10, metrics=metrics, per="viewer"))
    assert found.sums == {
        0: Proportion(10, 4),
        3: Mean(10, 50, 400),
        2: Ratio(10, 100, 1200, 10, 12, 115),
    }
    assert (found.revision, found.independent) == (None, False)
    assert read_bulk(figures(7, 10)).revision == 7
    assert read_bulk(figures(7, 10)).independent


def test_viewers_who_are_all_alike_are_figures_too():
    ratio = {"sx": 50, "sxx": 250, "sy": 20, "syy": 40, "sxy": 100}
    found = read_bulk(a_batch("b1", 10, metrics={"per_view": ratio}))
    assert found.sums[2] == Ratio(10, 50, 250, 20, 40, 100)
    mean = read_bulk(a_batch("b1", 10, metrics={"watch": {"sum": 50, "sum_squares": 250}}))
    assert mean.sums[1] == Mean(10, 50, 250)


@pytest.mark.parametrize("change", [{"sxx": 249}, {"syy": 39}, {"sxy": 101}])
def test_a_ratio_that_no_viewers_can_have_is_refused(change):
    ratio = {"sx": 50, "sxx": 250, "sy": 20, "syy": 40, "sxy": 100, **change}
    fault = read_bulk(a_batch("b1", 10, metrics={"per_view": ratio}))
    assert fault.reason == "sums_contradict"


def test_a_sum_without_squares_is_bounded_by_the_largest_value():
    found = read_bulk(a_batch("b1", 10, metrics={"watch": {"sum": 50}}))
    assert found.sums[1] == Mean(10, 50, 50 * 3000, bounded=True)
    missing = read_bulk(a_batch("b1", 10, metrics={"spent": {"sum": 50}}))
    assert (missing.reason, missing.pointer) == (
        "squares_missing",
        f"{AT}/metrics/spent/sum_squares",
    )


def test_a_deviation_gives_squares_that_are_never_too_small():
    found = read_bulk(a_batch("b1", 10, metrics={"spent": {"sum": 50, "stddev": 1.5}}))
    sums = found.sums[3]
    assert sums.s2 == 271  # 1.5^2 * 9 + 50^2 / 10 = 270.25
    assert 10 * sums.s2 - sums.s1**2 >= 1.5**2 * 9 * 10


def test_squares_that_no_counter_holds_are_not_made_smaller():
    # Given a deviation from which squares of 10^22 follow,
    metrics = {"spent": {"sum": 10**10, "stddev": 1e8}}
    found = read_bulk(a_batch("b1", 10**6, metrics=metrics))
    # Then the store is given all of them, and refuses them: fewer would name winners too early.
    assert found.sums[3].s2 > 10**21


@pytest.mark.parametrize("told", [{"sum_squares": 4000}, {"stddev": 1.7}, {}])
def test_what_takes_a_batch_back_takes_what_it_had_added(told):
    def sums_of(sign: int) -> Mean:
        squares = {name: sign * n if name == "sum_squares" else n for name, n in told.items()}
        metrics = {"watch": {"sum": sign * 100, **squares}}
        found = read_bulk(a_batch("b", sign * 7, metrics=metrics, correction=sign < 0))
        assert isinstance(found, Aggregate)
        return found.sums[1]

    added, taken = sums_of(1), sums_of(-1)
    assert (taken.n, taken.s1, taken.s2) == (-added.n, -added.s1, -added.s2)


def test_a_name_with_a_slash_has_its_pointer_escaped():
    plan = an_experiment(primary=Metric("a/b~c", Kind.PROPORTION))
    item = a_batch("b1", 3, metrics={"a/b~c": {"s": 4}})
    fault = read_aggregate(item, AT, plan, started_ms=START_MS, now_ms=NOW_MS)
    assert isinstance(fault, Fault)
    assert (fault.reason, fault.pointer) == ("sums_contradict", f"{AT}/metrics/a~1b~0c/s")


def test_a_deviation_of_no_units_takes_back_nothing():
    metrics = {"spent": {"sum": -100, "stddev": 1.5}}
    fault = read_bulk(a_batch("b1", 0, metrics=metrics, correction=True))
    assert isinstance(fault, Fault)
    assert (fault.reason, fault.pointer) == ("invalid", f"{AT}/metrics/spent/stddev")


@pytest.mark.parametrize(
    ("item", "reason", "field"),
    [
        (
            a_batch("b", 3, metrics={"watch": {"sum": 9001}}),
            "sums_contradict",
            "/metrics/watch/sum",
        ),
        (a_batch("b", 3, metrics={"clicks": {"s": 4}}), "sums_contradict", "/metrics/clicks/s"),
        (a_batch("b", -3), "negative_value", "/units"),
        (figures(1, -3, correction=True), "negative_value", "/units"),
        (figures(-1, 3), "invalid", "/revision"),
        (a_batch("b", 3, "Z"), "unknown_variant", "/variant"),
        (a_batch("b", 3, metrics={"likes": {}}), "unknown_metric", "/metrics"),
        (a_batch("b", 3, per="family"), "invalid", "/per"),
        (
            a_batch("b", 3, metrics={"spent": {"sum": 9, "sum_squares": 26}}),
            "sums_contradict",
            "/metrics/spent/sum_squares",
        ),
        (
            a_batch("b", 3, metrics={"clicks": {"s": COUNTER_MAX + 1}}),
            "invalid",
            "/metrics/clicks/s",
        ),
    ],
)
def test_figures_that_cannot_be_are_refused(item, reason, field):
    fault = read_bulk(item)
    assert isinstance(fault, Fault)
    assert (fault.reason, fault.pointer) == (reason, AT + field)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
_NAMES = st.sampled_from(
    ["event_id", "unit_id", "variant", "metric", "value", "seconds", "count", "occurred_at",
     "correction", "units", "metrics", "batch_id", "source", "revision", "per", "x"]
)  # fmt: skip
_LIKELY = st.sampled_from(
    ["A", "watch", "clicks", "per_view", {"watch": {"sum": 1}}, {"spent": {"stddev": 1}}]
)


@given(st.dictionaries(_NAMES, _JSON | _LIKELY, max_size=12) | _JSON)
def test_whatever_comes_is_read_or_refused_in_its_place(item):
    for found in (read(item), read_bulk(item)):
        if isinstance(found, Fault):
            assert found.pointer.startswith(AT)
        else:
            assert isinstance(found, Outcome | Aggregate)
