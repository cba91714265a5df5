"""The life of jobs and leases in any order by several workers, on a real server."""

from __future__ import annotations

import os

import pytest
import redis

from tests.integration.store.invariants import assert_invariants
from tests.integration.store.machine import run_machine

#: The long form (`make model`) runs at least as many rules.
LONG_STEPS = 20_000


def test_any_order_of_events_keeps_the_invariants(redis_client: redis.Redis):
    assert run_machine(redis_client, examples=60, steps=30) > 1000


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_long_run_keeps_them_too(redis_client: redis.Redis):
    """`make model`, with MODEL_EXAMPLES=n for more."""
    examples = int(os.environ.get("MODEL_EXAMPLES", "450"))
    steps = run_machine(redis_client, examples=examples, steps=60)
    print(f"{steps} steps")
    assert steps >= LONG_STEPS


def test_the_picture_would_show_a_fault(store):
    # Given a job, when a row's entry in the due set is lost, then the check fails and names it.
    new = store.accept()
    row = new.rows[0].row
    score = store.client.zscore("cab:due", row)
    store.client.zrem("cab:due", row)
    with pytest.raises(AssertionError, match=row.replace(".", r"\.")):
        assert_invariants(store.client)
    store.client.zadd("cab:due", {row: score})
