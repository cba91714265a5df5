"""How much of experiments is kept: beyond it nothing new is counted, and nothing is spoiled."""

from __future__ import annotations

import pytest

from service.errors import ExperimentFull
from tests.builders import TENANT
from tests.integration.store.test_outcomes import Counted
from tests.outcomes import an_outcome, figures


def test_a_full_experiment_takes_nothing_new_and_keeps_its_sums(store):
    counted = Counted(store, experiment_records=5)
    said = counted.send(*(an_outcome(str(n), f"u{n}") for n in range(3)))
    assert said == ["accepted", "accepted", "experiment_full"]
    # One more of a known unit has room; a duplicate needs none.
    assert counted.send(an_outcome("9", "u0"), an_outcome("0", "u0")) == ["accepted", "duplicate"]
    before = counted.fields
    with pytest.raises(ExperimentFull):
        counted.send(an_outcome("7", "u7"))
    assert counted.fields == before


def test_experiments_of_a_tenant_share_their_room(store):
    first, second = (Counted(store, experiment_tenant_records=3) for _ in range(2))
    assert first.send(an_outcome("1", "u")) == ["accepted"]
    with pytest.raises(ExperimentFull):
        second.send(an_outcome("1", "u"))
    assert store.client.get(f"cab:experiments:{TENANT}") == "2"
    # Figures cost one however many units they tell of.
    assert second.send(figures(1, 10**6), figures(2, 10**7)) == ["accepted"] * 2


def test_figures_of_many_metrics_take_the_room_that_they_need(store):
    counted = Counted(store, experiment_records=3)
    every = {
        "clicks": {"s": 1},
        "watch": {"sum": 9, "sum_squares": 81},
        "per_view": {"sx": 9, "sxx": 81, "sy": 1, "syy": 1, "sxy": 9},
        "spent": {"sum": 9, "sum_squares": 81},
    }
    # Given figures whose 15 sums are kept, of two variants
    first = [figures(1, 10, label, metrics=every, per="viewer") for label in "AB"]
    assert counted.send(*first) == ["accepted", "experiment_full"]
    assert counted.fields["records"] == "2"
    # Then later ones of the same size take none, nor do fewer
    assert counted.send(figures(2, 10, metrics=every, per="viewer")) == ["accepted"]
    few = {name: every[name] for name in ("clicks", "watch")}
    assert counted.send(figures(3, 10, metrics=few, per="viewer", correction=True)) == ["accepted"]
    assert counted.fields["records"] == "2"
