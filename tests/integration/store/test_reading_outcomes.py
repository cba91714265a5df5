"""What is read of what was counted: little to count more, and sums that can be."""

from __future__ import annotations

from service.experiments.metrics import Proportion
from service.experiments.snapshot import read_snapshot, write_snapshot
from tests.integration.store.test_outcomes import Counted
from tests.outcomes import a_batch, an_outcome


def test_counting_does_not_read_all_that_was_counted(store):
    """A browser's message is small, and there are many: a book of many metrics is large."""
    counted = Counted(store)
    counted.send(an_outcome("1", "u", metric="clicks"))
    counted.store.client.config_resetstat()
    assert counted.send(an_outcome("2", "v")) == ["accepted"]
    assert "cmdstat_hgetall" not in counted.store.client.info("commandstats")


def test_units_that_are_taken_back_may_leave_what_they_did(store):
    # Given a correction that takes back units, and forgets what they did
    counted = Counted(store)
    counted.send(a_batch("b1", 1000, metrics={"clicks": {"s": 800}}, per="viewer"))
    taken = a_batch("b2", -500, metrics={"clicks": {"s": 0}}, per="viewer", correction=True)
    assert counted.send(taken) == ["accepted"]
    # Then there are sums that can be, of which a snapshot can be read again
    assert counted.sums("clicks") == Proportion(500, 500)
    assert read_snapshot(write_snapshot(counted.snapshot)) == counted.snapshot
