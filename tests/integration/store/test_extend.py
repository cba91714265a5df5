"""extend: a lease renewed by its holder, and by nobody else; a process's leases together."""

from __future__ import annotations

import pytest

from service.store.kept import Kept
from service.store.scripts import Refusal
from tests.builders import an_event
from tests.integration.store.invariants import snapshot


@pytest.fixture
def claim(store):
    return store.claim(store.accept().rows[0].row)


def test_it_gives_a_whole_lease_anew(store, claim):
    store.clock.advance(50)
    assert store.extend(claim) is Kept.HELD
    assert store.due_in_ms(claim.row) == 70_000
    store.clock.advance(69)
    assert store.try_claim(claim.row, "w2") is Refusal.HELD


def test_it_revives_an_expired_lease_that_nobody_took(store, claim):
    store.clock.advance(600)
    store.extend(claim)
    assert store.try_claim(claim.row, "w2") is Refusal.HELD
    store.commit(claim, "fetching")


def test_it_fails_when_somebody_took_the_row(store, claim):
    store.clock.advance(70)
    store.claim(claim.row, "w2")
    before = snapshot(store.client)
    assert store.extend(claim) is Kept.LOST
    assert snapshot(store.client) == before


def test_it_fails_when_the_lease_was_given_back(store, claim):
    store.commit(claim, "fetching")
    before = snapshot(store.client)
    assert store.extend(claim) is Kept.LOST
    assert snapshot(store.client) == before


def test_it_fails_when_the_row_has_ended_or_is_gone(store, claim):
    store.commit(claim, "failed", ended=True)
    gone = ("cut:none", 1)
    assert store.extend(claim) is Kept.LOST
    assert store.commands.extend_all([gone], now_ms=store.now_ms) == [Kept.LOST]


def test_it_tells_that_the_job_is_to_be_canceled(store, claim):
    store.jobs.cancel(claim.job_id, an_event("job.canceling"), now_ms=store.now_ms)
    assert store.extend(claim) is Kept.CANCEL


def test_a_lost_lease_among_many_costs_no_other(store):
    # Given three claims, the second of which somebody has taken
    claims = [store.claim(store.accept().rows[0].row) for _ in range(3)]
    store.clock.advance(70)
    store.claim(claims[1].row, "w2")
    # When all are extended together
    held = [(claim.row, claim.fence) for claim in claims]
    kept = store.commands.extend_all(held, now_ms=store.now_ms)
    # Then each is told its own
    assert kept == [Kept.HELD, Kept.LOST, Kept.HELD]
    assert [store.due_in_ms(claims[i].row) for i in (0, 2)] == [70_000, 70_000]


def test_a_server_that_has_forgotten_the_script_is_told_it_again(store, claim):
    store.extend(claim)
    store.client.script_flush()
    assert store.extend(claim) is Kept.HELD
