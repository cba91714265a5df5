"""extend: a lease renewed by its holder, and by nobody else."""

from __future__ import annotations

import pytest

from service.store.commands import LeaseLost
from service.store.scripts import Refusal
from tests.builders import an_event
from tests.integration.store.invariants import snapshot


@pytest.fixture
def claim(store):
    return store.claim(store.accept().rows[0].row)


def extend(store, claim) -> bool:
    return store.commands.extend(claim.row, claim.fence, now_ms=store.now_ms)


def test_it_gives_a_whole_lease_anew(store, claim):
    store.clock.advance(50)
    assert extend(store, claim) is False
    assert store.due_in_ms(claim.row) == 70_000
    store.clock.advance(69)
    assert store.try_claim(claim.row, "w2") is Refusal.HELD


def test_it_revives_an_expired_lease_that_nobody_took(store, claim):
    store.clock.advance(600)
    extend(store, claim)
    assert store.try_claim(claim.row, "w2") is Refusal.HELD
    store.commit(claim, "fetching")


def test_it_fails_when_somebody_took_the_row(store, claim):
    store.clock.advance(70)
    store.claim(claim.row, "w2")
    before = snapshot(store.client)
    with pytest.raises(LeaseLost, match="FENCED"):
        extend(store, claim)
    assert snapshot(store.client) == before


def test_it_fails_when_the_lease_was_given_back(store, claim):
    store.commit(claim, "fetching")
    before = snapshot(store.client)
    with pytest.raises(LeaseLost):
        extend(store, claim)
    assert snapshot(store.client) == before


def test_it_fails_when_the_row_has_ended_or_is_gone(store, claim):
    store.commit(claim, "failed", ended=True)
    with pytest.raises(LeaseLost, match="ENDED"):
        extend(store, claim)
    with pytest.raises(LeaseLost, match="GONE"):
        store.commands.extend("cut:none", 1, now_ms=store.now_ms)


def test_it_tells_that_the_job_is_to_be_canceled(store, claim):
    store.jobs.cancel(claim.job_id, an_event("job.canceling"), now_ms=store.now_ms)
    assert extend(store, claim) is True
