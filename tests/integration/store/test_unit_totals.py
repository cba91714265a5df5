"""What the total of a viewer counts for on a real Valkey, and figures that say less than before."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from service.experiments.metrics import Kind, Mean, Proportion, Ratio
from service.experiments.outcomes import MOST_OF_UNIT
from service.experiments.plan import Metric
from tests.integration.store.test_experiments import attach, send
from tests.integration.store.test_outcomes import Counted
from tests.outcomes import a_batch, an_outcome, figures


@pytest.fixture
def counted(store) -> Counted:
    return Counted(store)


def test_what_is_taken_back_may_come_before_it(counted):
    # Given corrections of outcomes that are yet to come,
    back = {"correction": True}
    early = [
        an_outcome("1", "u", metric="watch", value=-700, **back),
        an_outcome("2", "u", metric="clicks", value=-1, **back),
        an_outcome("3", "u", metric="per_view", value=-90, count=-1, **back),
    ]
    assert counted.send(*early) == ["accepted"] * 3
    # When the outcomes come, then what is left is what is counted, and never less than nothing.
    assert counted.sums("watch") == Mean(1, 0, 0)
    late = [
        an_outcome("4", "u", metric="watch", value=1000),
        an_outcome("5", "u", metric="clicks"),
        an_outcome("6", "u", metric="per_view", value=190, count=2),
    ]
    assert counted.send(*late) == ["accepted"] * 3
    assert counted.sums("watch") == Mean(1, 300, 90_000)
    assert counted.sums("clicks") == Proportion(1, 0)
    assert counted.sums("per_view") == Ratio(1, 100, 10_000, 1, 1, 100)


def test_a_ratio_without_a_largest_value_has_exact_squares_all_the_same(store, experiments):
    # Given a viewer with more in several impressions than has an exact square,
    job = store.accept()
    attach(store, experiments, job.id, secondary=(Metric("free", Kind.RATIO),))
    parts = [
        an_outcome(f"{n}", "u", metric="free", value=MOST_OF_UNIT - n, count=1) for n in range(3)
    ]
    assert send(store, experiments, job.id, *parts) == ["accepted"] * 3
    # Then it counts as the most that has one.
    fields = store.client.hgetall(f"cab:job:{job.id}:experiment")
    assert int(fields["sum:0:1:sx"]) == MOST_OF_UNIT
    assert int(fields["sum:0:1:sxx"]) == MOST_OF_UNIT**2
    assert int(fields["sum:0:1:sxy"]) == 3 * MOST_OF_UNIT


def test_fewer_units_than_before_are_a_decrease_too(counted):
    assert counted.send(figures(1, 10), figures(2, 9)) == ["accepted", "decreased"]
    assert counted.snapshot.tallies[0].exposed == 10


@pytest.mark.parametrize("told", [{"stddev": 640}, {}])
def test_a_batch_is_taken_back_by_its_figures_with_the_other_sign(counted, told):
    counted.send(an_outcome("1", "u", metric="watch", value=500))
    before = counted.sums("watch")
    metrics = {"watch": {"sum": 5_140_000, **told}}
    taken = {"watch": {"sum": -5_140_000, **told}}
    assert counted.send(a_batch("b1", 4100, metrics=metrics)) == ["accepted"]
    assert counted.send(a_batch("b2", -4100, metrics=taken, correction=True)) == ["accepted"]
    left = counted.sums("watch")
    assert (left.n, left.s1, left.s2) == (before.n, before.s1, before.s2)


def test_the_watermark_is_the_latest_outcome_whatever_comes_after_it(counted):
    def at(before_s: int) -> str:
        moment_s = counted.store.now_ms // 1000 - before_s
        return datetime.fromtimestamp(moment_s, UTC).isoformat()

    counted.send(an_outcome("1", "u", occurred_at=at(10)))
    latest = counted.snapshot.watermark
    late = [an_outcome(f"{n}", "v", occurred_at=at(10 * n)) for n in (4, 3, 5)]
    assert counted.send(*late) == ["accepted"] * 3
    assert counted.snapshot.watermark == latest == at(10).replace("+00:00", ".000Z")
