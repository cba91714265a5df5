"""Endpoints in the store: their line, their list, and what another tenant may not do."""

from __future__ import annotations

import pytest

from service.errors import Conflict, NotFound, QuotaExceeded
from service.store.scripts import Refusal
from tests.builders import TENANT, a_delivery, a_new_job, endpoint_fields
from tests.integration.store.invariants import assert_invariants

ENDPOINT = "whe_" + "0" * 26


@pytest.fixture
def endpoint(store) -> str:
    store.endpoints.create(TENANT, ENDPOINT, endpoint_fields(), now_ms=store.now_ms)
    return ENDPOINT


def deliveries(store, count: int, *, apart_s: float = 0) -> list[str]:
    """So many deliveries to the endpoint, each of a job of its own; their rows."""
    rows = []
    for _ in range(count):
        job = store.accept(a_new_job()).id
        row = f"delivery:{job}.1.{ENDPOINT}"
        claim = store.claim(f"event:{job}.1")
        made = [a_delivery(row)]
        assert store.deliveries.fan_out(claim, made, now_ms=store.now_ms) == 1
        rows.append(row)
        store.clock.advance(apart_s)
    return rows


def record(store, claim, state: str = "delivered", next_ms: int = 0) -> None:
    store.deliveries.record_attempt(
        claim, state=state, doc="{}", next_ms=next_ms, now_ms=store.now_ms
    )


@pytest.mark.usefixtures("endpoint")
class TestLine:
    def test_no_more_are_under_way_than_the_endpoint_allows(self, store):
        # Given five deliveries to an endpoint that takes three at once
        rows = deliveries(store, 5)
        held = [store.claim(row) for row in rows[:3]]
        # Then the fourth waits, with nobody beside it,
        assert store.try_claim(rows[3]) is Refusal.WAITING
        store.clock.advance(0.001)
        assert store.try_claim(rows[4]) is Refusal.WAITING
        # and the one that has waited longest is woken when one has been tried.
        store.silence()
        record(store, held[0])
        assert store.bells("hooks") == [rows[3]]
        store.claim(rows[3])
        assert store.try_claim(rows[4]) is Refusal.WAITING

    def test_one_tenant_has_no_more_under_way_than_it_may_whatever_its_endpoints(self, store):
        # Given two endpoints of one tenant, which may have four deliveries under way in all
        store = store.with_settings(webhook_tenant_slots=4)
        other = "whe_" + "1" * 26
        rows = [deliveries(store, 1)[0] for _ in range(3)]
        store.endpoints.create(TENANT, other, endpoint_fields(), now_ms=store.now_ms)
        more = []
        for _ in range(3):
            job = store.accept(a_new_job()).id
            row = f"delivery:{job}.1.{other}"
            store.deliveries.fan_out(
                store.claim(f"event:{job}.1"), [a_delivery(row)], now_ms=store.now_ms
            )
            more.append(row)
            store.clock.advance(0.001)
        # When three of one are under way, then one of the other is, and the next ones wait.
        held = [store.claim(row) for row in (*rows, more[0])]
        for each in more[1:]:
            assert store.try_claim(each) is Refusal.WAITING
            store.clock.advance(0.001)
        assert_invariants(store.client)
        # When one has been tried, then whoever has waited longest is woken and goes,
        store.silence()
        record(store, held[0])
        assert store.bells("hooks") == [more[1]]
        assert store.try_claim(more[2]) is Refusal.WAITING
        held.append(store.claim(more[1]))
        # another tenant has places of its own,
        store.endpoints.create("ten_2", "whe_2", endpoint_fields(), now_ms=store.now_ms)
        job = store.accept(a_new_job(tenant="ten_2")).id
        row = f"delivery:{job}.1.whe_2"
        claim = store.claim(f"event:{job}.1")
        store.deliveries.fan_out(claim, [a_delivery(row)], now_ms=store.now_ms)
        store.claim(row)
        # and an endpoint that is gone keeps none.
        store.endpoints.drop(TENANT, other, now_ms=store.now_ms)
        for each in held[1:]:
            record(store, each, "disabled")
        store.claim(more[2])
        assert_invariants(store.client)
        assert store.client.smembers(f"cab:account:{TENANT}/hooks:slots") == {more[2]}

    def test_one_that_is_tried_again_later_holds_no_place_meanwhile(self, store):
        rows = deliveries(store, 4)
        for row in rows[:3]:
            record(store, store.claim(row), "pending", store.now_ms + 60_000)
        store.claim(rows[3])

    def test_a_limit_that_changes_holds_at_once(self, store, endpoint):
        rows = deliveries(store, 2)
        store.endpoints.change(TENANT, endpoint, {"concurrency": 1}, now_ms=store.now_ms)
        store.claim(rows[0])
        assert store.try_claim(rows[1]) is Refusal.WAITING

    def test_a_worker_that_dies_leaves_its_place_to_whoever_takes_its_row(self, store, endpoint):
        [row] = deliveries(store, 1)
        store.claim(row, "dead")
        store.clock.advance(71)
        record(store, store.claim(row, "w2"))
        assert store.client.scard(f"cab:account:{endpoint}:slots") == 0


class TestList:
    def test_it_holds_the_newest_and_goes_with_time(self, store, endpoint):
        short = store.with_settings(webhook_log=3)
        rows = deliveries(short, 5, apart_s=1)
        page = store.deliveries.page(endpoint, after=None, limit=10)
        assert [row for _, row in page] == rows[:1:-1]
        assert store.client.pttl(f"cab:endpoint:{endpoint}:deliveries") > 2_500_000_000

    def test_pages_of_one_moment_follow_each_other(self, store, endpoint):
        rows = deliveries(store, 7)
        seen, after = [], None
        while page := store.deliveries.page(endpoint, after=after, limit=2):
            seen += [row for _, row in page]
            after = page[-1]
        assert sorted(seen) == sorted(rows)


class TestTenants:
    def test_another_one_changes_nothing(self, store, endpoint):
        now_ms, none = store.now_ms, "ten_2"
        for call in (
            lambda: store.endpoints.change(none, endpoint, {"enabled": False}, now_ms=now_ms),
            lambda: store.endpoints.drop(none, endpoint, now_ms=now_ms),
            lambda: store.endpoints.rotate(none, endpoint, "sealed2", now_ms=now_ms),
            lambda: store.deliveries.send_test(
                none, endpoint, f"delivery:evt_1.0.{endpoint}", "{}", origin="", now_ms=now_ms
            ),
        ):
            with pytest.raises(NotFound):
                call()
        assert store.endpoints.read(endpoint).enabled

    def test_so_many_and_no_more_but_the_same_again(self, store, endpoint):
        few = store.with_settings(webhook_endpoints=1)
        few.endpoints.create(TENANT, endpoint, endpoint_fields(), now_ms=store.now_ms)
        with pytest.raises(QuotaExceeded):
            few.endpoints.create(TENANT, "whe_2", endpoint_fields(), now_ms=store.now_ms)


class TestSecrets:
    def test_a_rotation_that_is_sent_twice_is_one(self, store, endpoint):
        for _ in range(2):
            store.endpoints.rotate(TENANT, endpoint, "second", now_ms=store.now_ms)
        assert store.endpoints.read(endpoint).secrets.in_use(store.now_ms) == ["second", "sealed"]

    def test_old_ones_run_out_and_make_room(self, store, endpoint):
        for name in ("b", "c", "d"):
            store.endpoints.rotate(TENANT, endpoint, name, now_ms=store.now_ms)
            store.clock.advance(3600)
        with pytest.raises(Conflict):
            store.endpoints.rotate(TENANT, endpoint, "e", now_ms=store.now_ms)
        store.clock.advance(21.5 * 3600)
        store.endpoints.rotate(TENANT, endpoint, "e", now_ms=store.now_ms)
        in_use = store.endpoints.read(endpoint).secrets.in_use(store.now_ms)
        assert in_use == ["e", "d", "c", "b"]
