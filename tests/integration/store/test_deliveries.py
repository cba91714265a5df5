"""fan_out and record_attempt: an event becomes deliveries once; each ends or is tried again."""

from __future__ import annotations

import pytest

from service.store.commands import LeaseLost
from service.store.deliveries import AS_PLANNED
from service.store.scripts import Refusal
from tests.builders import TENANT, a_delivery, a_new_job, a_spec, endpoint_fields
from tests.integration.store.invariants import snapshot


@pytest.fixture
def event(store):
    for each in "ab":
        store.endpoints.create(TENANT, each, endpoint_fields(), now_ms=store.now_ms)
    new = store.accept(a_new_job(a_spec(hooks=True)))
    store.silence()
    return store.claim(f"event:{new.id}.1")


def fan_out(store, claim, *endpoints: str) -> int:
    rows = [a_delivery(row_of(claim, each), f'{{"to":"{each}"}}') for each in endpoints]
    return store.deliveries.fan_out(claim, rows, now_ms=store.now_ms)


def row_of(event, endpoint: str) -> str:
    return f"delivery:{event.job_id}.1.{endpoint}"


def test_each_endpoint_gets_a_row_that_is_rung_for(store, event):
    assert fan_out(store, event, "a", "b") == 2
    assert store.bells("hooks") == [row_of(event, "a"), row_of(event, "b")]
    assert store.claim(row_of(event, "a")).doc == '{"to":"a"}'


def test_the_event_has_no_row_any_more(store, event):
    fan_out(store, event, "a")
    assert store.try_claim(event.row) is Refusal.GONE
    assert store.jobs.event(event.job_id, 1)["type"] == "job.created"


def test_a_delivery_that_exists_is_not_made_again(store, event):
    # Given a worker that died after an earlier release had made one of the deliveries,
    fan_out(store, event, "a")
    claim = store.claim(row_of(event, "a"))
    with pytest.raises(LeaseLost, match="GONE"):
        fan_out(store, event, "a", "b")
    assert not store.is_due(row_of(event, "b"))
    store.commit(claim)


def test_an_overtaken_worker_fans_nothing_out(store, event):
    store.clock.advance(70)
    store.claim(event.row, "w2")
    before = snapshot(store.client)
    with pytest.raises(LeaseLost):
        fan_out(store, event, "a")
    assert snapshot(store.client) == before


class TestAttempts:
    @pytest.fixture
    def delivery(self, store, event):
        fan_out(store, event, "a")
        return store.claim(row_of(event, "a"))

    def record(self, store, claim, state: str, next_ms: int) -> None:
        store.deliveries.record_attempt(
            claim, state=state, doc='{"n":1}', next_ms=next_ms, now_ms=store.now_ms
        )

    def test_a_failed_try_is_followed_by_another_at_its_time(self, store, delivery):
        self.record(store, delivery, "pending", store.now_ms + 5000)
        assert store.due_in_ms(delivery.row) == 5000
        assert store.try_claim(delivery.row) is Refusal.NOT_YET
        store.clock.advance(5)
        assert store.claim(delivery.row).doc == '{"n":1}'

    @pytest.mark.parametrize("state", ["delivered", "failed"])
    def test_the_last_try_ends_it(self, store, delivery, state):
        self.record(store, delivery, state, 0)
        assert not store.is_due(delivery.row)
        assert store.row(delivery.row)["state"] == state

    def test_a_try_by_hand_moves_no_schedule_though_the_reply_to_it_was_lost(
        self, store, event, redis_client
    ):
        # Given a delivery whose next try is in an hour, and one more that somebody asks for
        fan_out(store, event, "a")
        row, later = row_of(event, "a"), store.now_ms + 3_600_000
        self.record(store, store.claim(row), "pending", later)
        store.deliveries.replay(TENANT, "a", row, now_ms=store.now_ms)
        claim = store.claim(row)
        # When that try is recorded, and the same call comes again
        for _ in range(2):
            self.record(store, claim, "pending", AS_PLANNED)
        # Then the next is in an hour all the same.
        assert redis_client.zscore("cab:due", row) == later

    def test_an_overtaken_worker_records_nothing(self, store, delivery):
        store.clock.advance(70)
        store.claim(delivery.row, "w2")
        before = snapshot(store.client)
        with pytest.raises(LeaseLost):
            self.record(store, delivery, "delivered", 0)
        assert snapshot(store.client) == before
