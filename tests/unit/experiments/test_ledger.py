"""How outcomes are divided among commands of the store."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.experiments.aggregates import Aggregate, read_aggregate
from service.experiments.ledger import divide_items
from service.experiments.outcomes import Outcome, read_outcome
from tests.outcomes import START_MS, a_batch, an_experiment, an_outcome, figures

PLAN = an_experiment()
TIMES = {"started_ms": START_MS, "now_ms": START_MS + 1000}
SUMS = {"clicks": {"s": 3}, "per_view": {"sx": 5, "sxx": 9, "sy": 5, "syy": 9, "sxy": 5}}


def outcome(n: int) -> Outcome:
    read = read_outcome(an_outcome(f"e{n}", f"u{n}"), "#", PLAN, **TIMES)
    assert isinstance(read, Outcome)
    return read


def aggregate(item: dict) -> Aggregate:
    read = read_aggregate(item, "#", PLAN, **TIMES)
    assert isinstance(read, Aggregate)
    return read


OUTCOME = outcome(1)
FIGURES = aggregate(figures(3, 10, metrics=SUMS))
BATCH = aggregate(a_batch("b", 10))


@given(st.lists(st.sampled_from([OUTCOME, FIGURES, BATCH]), max_size=1000))
def test_items_keep_their_order_in_pieces(items):
    pieces = divide_items(items, metrics=2)
    assert [each for piece in pieces for each in piece] == items
    assert all(pieces)


def test_as_many_outcomes_as_take_some_milliseconds_are_one_command():
    assert [len(piece) for piece in divide_items([OUTCOME] * 1000, metrics=8)] == [250] * 4
    # With many metrics the record of a unit is longer, and so is the work on it.
    assert len(divide_items([OUTCOME] * 1000, metrics=41)[0]) == 48


def test_figures_of_many_metrics_are_fewer_in_a_command():
    # Given figures that replace others: each of their counters changes twice
    counters = 2 * (3 + 6)
    longest = max(len(piece) for piece in divide_items([FIGURES] * 1000, metrics=2))
    assert 1 <= longest <= 2000 / counters
    # And without any metric they are as much work as outcomes, at least.
    bare = aggregate(figures(3, 10))
    assert len(divide_items([bare] * 1000, metrics=2)[0]) <= 125
