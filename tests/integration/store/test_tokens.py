"""take_token and put_token: one process at a time gets an account's token."""

from __future__ import annotations

import pytest

from service.errors import NotFound, StoreRefused
from tests.builders import ACCOUNT

LOCK_MS = 60_000


@pytest.fixture
def account(store):
    store.accounts.create_account(ACCOUNT, {"kind": "anonymous", "client_id": "c"})
    return store


def take(store, least_ms: int = 1):
    return store.accounts.take_token(
        ACCOUNT, least_ms=least_ms, lock_ms=LOCK_MS, now_ms=store.now_ms
    )


def put(store, fence: int, life_ms: int | None = 7_000_000, next_ms: int = 0) -> None:
    change = {} if life_ms is None else {"token": "t", "token_expires": str(store.now_ms + life_ms)}
    store.accounts.put_token(ACCOUNT, fence, change, next_ms=next_ms, now_ms=store.now_ms)


@pytest.mark.rule("P-018")
def test_an_account_is_made_once(store):
    assert store.accounts.create_account(ACCOUNT, {"kind": "anonymous", "client_id": "first"})
    assert not store.accounts.create_account(ACCOUNT, {"kind": "anonymous", "client_id": "second"})
    assert store.accounts.read_account(ACCOUNT)["client_id"] == "first"


@pytest.mark.rule("P-022")
def test_without_a_token_one_caller_may_get_it_and_others_wait(account):
    grant = take(account)
    assert (grant.fence, grant.fields["client_id"]) == (1, "c")
    assert take(account) is None


@pytest.mark.rule("P-023")
def test_a_stored_token_is_handed_out_to_all(account):
    put(account, take(account).fence)
    for _ in range(2):
        grant = take(account)
        assert (grant.fence, grant.fields["token"]) == (0, "t")


def test_a_token_about_to_expire_is_good_enough_for_calls_that_cost_nothing(account):
    put(account, take(account).fence, life_ms=600_000)
    assert take(account, least_ms=1).fence == 0
    assert take(account, least_ms=1_200_000).fence == 2


@pytest.mark.rule("P-023")
def test_an_expired_token_is_not_handed_out(account):
    put(account, take(account).fence, life_ms=600_000)
    account.clock.advance(600)
    assert take(account).fence == 2


def test_a_failure_gives_the_right_to_ask_back(account):
    put(account, take(account).fence, life_ms=None)
    assert take(account).fence == 2


def test_whoever_dies_with_the_right_loses_it_after_the_lock(account):
    take(account)
    account.clock.advance(59.9)
    assert take(account) is None
    account.clock.advance(0.1)
    assert take(account).fence == 2


@pytest.mark.rule("P-022")
def test_a_late_answer_does_not_overwrite_a_newer_one(account):
    # Given a process so slow that another has taken its right,
    slow = take(account)
    account.clock.advance(60)
    put(account, take(account).fence, life_ms=9_000_000)
    before = account.accounts.read_account(ACCOUNT)
    with pytest.raises(StoreRefused, match="FENCED"):
        put(account, slow.fence, life_ms=1)
    assert account.accounts.read_account(ACCOUNT) == before


def test_the_next_look_is_a_due_row(account):
    put(account, take(account).fence, next_ms=account.now_ms + 5_000_000)
    row = f"token:{ACCOUNT}"
    assert account.due_in_ms(row) == 5_000_000
    account.clock.advance(5000)
    assert account.claim(row).state == "pending"


def test_a_look_in_work_is_not_rescheduled(account):
    # Given the account's row in work, when its token is stored, then its lease stays.
    put(account, take(account).fence, life_ms=1, next_ms=account.now_ms)
    claim = account.claim(f"token:{ACCOUNT}")
    account.clock.advance(1)
    put(account, take(account).fence, next_ms=account.now_ms + 5_000_000)
    assert account.due_in_ms(claim.row) == 69_000
    account.commands.park(claim, delay_s=3600, now_ms=account.now_ms)
    assert account.due_in_ms(claim.row) == 3_600_000


def test_an_unknown_account_is_not_found(store):
    with pytest.raises(NotFound):
        take(store)
    with pytest.raises(StoreRefused, match="GONE"):
        put(store, 1)
