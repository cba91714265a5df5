"""Answers kept by Idempotency-Key: one request answers at a time, a repetition gets the same."""

from __future__ import annotations

import pytest

from service.errors import IdempotencyBusy, IdempotencyReused
from service.store.replies import Reply, ReplyStore, Turn, request_digest
from service.vault import Vault, new_vault_key
from tests.builders import TENANT

ANSWER = Reply(201, {"Location": "/x"}, '{"secret":"whsec_1"}')


@pytest.fixture
def replies(store) -> ReplyStore:
    return ReplyStore(store.connection, store.settings, Vault([new_vault_key()]))


def turn(name: str = "a", *, tenant: str = TENANT, path: str = "/v1/x", key: str = "k") -> Turn:
    return Turn(tenant, request_digest("POST", path, key), name)


def begin(replies, store, mine: Turn, fingerprint: str = "f") -> Reply | None:
    return replies.begin(mine, fingerprint, now_ms=store.now_ms)


def test_a_repetition_gets_the_answer_and_it_lies_sealed(replies, store):
    assert begin(replies, store, turn()) is None
    replies.keep(turn(), ANSWER, now_ms=store.now_ms)
    assert begin(replies, store, turn("b")) == ANSWER
    [key] = store.client.keys("cab:reply:*")
    assert "whsec_1" not in str(store.client.hgetall(key))
    assert 86_000_000 < store.client.pttl(key) <= 86_400_000


def test_while_one_is_answered_another_is_told_to_come_again(replies, store):
    begin(replies, store, turn("a"))
    with pytest.raises(IdempotencyBusy):
        begin(replies, store, turn("b"))
    # A client whose reply was lost asks in the same words.
    assert begin(replies, store, turn("a")) is None


def test_another_body_is_refused_before_and_after_the_answer(replies, store):
    begin(replies, store, turn())
    with pytest.raises(IdempotencyReused):
        begin(replies, store, turn("b"), "other")
    replies.keep(turn(), ANSWER, now_ms=store.now_ms)
    with pytest.raises(IdempotencyReused):
        begin(replies, store, turn("b"), "other")


def test_what_is_not_to_be_remembered_may_be_asked_anew(replies, store):
    begin(replies, store, turn())
    replies.forget(turn(), now_ms=store.now_ms)
    assert begin(replies, store, turn("b"), "other") is None
    assert store.client.keys("cab:reply:*")


def test_one_whose_time_was_over_does_not_answer_for_its_successor(replies, store):
    # Given a request that took too long, and another that took its turn
    begin(replies, store, turn("slow"))
    [key] = store.client.keys("cab:reply:*")
    assert 0 < store.client.pttl(key) <= 60_000
    store.client.delete(key)
    begin(replies, store, turn("next"))
    # When the slow one comes, then it changes nothing.
    replies.keep(turn("slow"), ANSWER, now_ms=store.now_ms)
    replies.forget(turn("slow"), now_ms=store.now_ms)
    with pytest.raises(IdempotencyBusy):
        begin(replies, store, turn("third"))


@pytest.mark.parametrize("other", [{"tenant": "ten_2"}, {"path": "/v1/y"}, {"key": "l"}])
def test_tenants_routes_and_keys_are_apart(replies, store, other):
    begin(replies, store, turn())
    replies.keep(turn(), ANSWER, now_ms=store.now_ms)
    assert begin(replies, store, turn("b", **other), "other") is None
