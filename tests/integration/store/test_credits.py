"""reserve and settle: a job's credits are set aside as a whole, and booked edit by edit."""

from __future__ import annotations

import pytest

from service.store.commands import Claim, LeaseLost
from tests.builders import ACCOUNT
from tests.integration.store.invariants import snapshot


@pytest.fixture
def claim(store) -> Claim:
    return store.claim(store.ready_job()[1][0])


def reserve(store, claim, amount: int = 100, available: int = 100) -> bool:
    return store.commands.reserve(claim, amount=amount, available=available, now_ms=store.now_ms)


def settle(store, claim, edit: str = "edt_1", charge: int = 50, release: int = 50) -> None:
    store.commands.settle(claim, edit_id=edit, charge=charge, release=release, now_ms=store.now_ms)


def set_aside(store) -> int:
    return int(store.accounts.read_account(ACCOUNT).get("reserved", 0))


def test_the_whole_job_is_set_aside(store, claim):
    assert reserve(store, claim)
    assert set_aside(store) == 100
    assert store.jobs.read(claim.job_id).reserved == 100


def test_nothing_is_set_aside_when_it_does_not_suffice(store, claim):
    before = snapshot(store.client)
    assert not reserve(store, claim, available=99)
    assert snapshot(store.client) == before


def test_a_job_is_set_aside_once(store, claim):
    # Given a job whose first cut has reserved, when its second does with nothing left, it may.
    reserve(store, claim)
    other = store.claim(claim.row.replace(".A.", ".B."))
    assert reserve(store, other, available=0)
    assert set_aside(store) == 100


def test_a_settled_job_is_not_set_aside_anew(store, claim):
    reserve(store, claim)
    settle(store, claim, "edt_1")
    settle(store, claim, "edt_2")
    assert reserve(store, claim)
    assert set_aside(store) == 0


def test_of_two_jobs_that_need_all_there_is_one_gets_it(store, claim):
    other = store.claim(store.ready_job()[1][0])
    assert reserve(store, claim)
    assert not reserve(store, other)
    assert set_aside(store) == 100


def test_a_charge_is_booked_and_its_share_released(store, claim):
    reserve(store, claim)
    settle(store, claim, charge=40)
    job = store.jobs.read(claim.job_id)
    assert (job.charged, job.reserved, set_aside(store)) == (40, 50, 50)


def test_an_edit_is_booked_once(store, claim):
    reserve(store, claim)
    settle(store, claim)
    settle(store, claim)
    assert store.jobs.read(claim.job_id).charged == 50
    assert set_aside(store) == 50


def test_no_more_is_released_than_was_set_aside(store, claim):
    reserve(store, claim)
    settle(store, claim, release=500)
    assert set_aside(store) == 0
    # A further edit has nothing to release, and is booked all the same.
    settle(store, claim, "edt_2")
    assert store.jobs.read(claim.job_id).charged == 100


def test_an_edit_that_cost_nothing_releases_its_share(store, claim):
    reserve(store, claim)
    settle(store, claim, charge=0)
    job = store.jobs.read(claim.job_id)
    assert (job.charged, job.reserved) == (0, 50)


@pytest.mark.parametrize("ask", [reserve, settle])
def test_a_claim_that_was_overtaken_moves_no_credits(store, claim, ask):
    reserve(store, claim)
    store.clock.advance(70)
    store.claim(claim.row, "w2")
    before = snapshot(store.client)
    with pytest.raises(LeaseLost):
        ask(store, claim)
    assert snapshot(store.client) == before
