"""resume_upload, append_part, complete_upload: who may add to an upload on its way, and its end."""

from __future__ import annotations

import pytest

from service.errors import NotFound
from service.media.files import Stored
from service.store.accounts import AccountStore
from service.store.arrivals import Arrival, ArrivalStore, TooManyParts, UploadLocked, WrongOffset
from service.store.retention import Retention
from tests.builders import TENANT
from tests.integration.store.invariants import assert_nothing_stays, snapshot

TTL_MS = 3_600_000


@pytest.fixture
def arrivals(store) -> ArrivalStore:
    return ArrivalStore(store.connection)


@pytest.fixture
def arrival(store, arrivals) -> Arrival:
    """An upload of 10 bytes, of which none has come."""
    now_ms = store.now_ms
    one = Arrival("upl_1", TENANT, "a.mp4", 10, 0, now_ms, now_ms + TTL_MS)
    arrivals.create(one, ttl_ms=TTL_MS)
    return one


def resume(store, arrival: Arrival, offset: int) -> int:
    found = ArrivalStore(store.connection)
    return found.resume(arrival, offset, join_ms=60_000, now_ms=store.now_ms)


def append(store, arrival: Arrival, fence: int, part: str, size: int) -> int:
    found = ArrivalStore(store.connection)
    return found.append(arrival, fence, part, size, ttl_ms=TTL_MS, now_ms=store.now_ms)


def complete(store, arrival: Arrival, fence: int) -> None:
    stored = Stored(f"uploads/{arrival.id}", arrival.length, "ab")
    found = ArrivalStore(store.connection)
    found.complete(arrival, fence, stored, "video", ttl_ms=TTL_MS, now_ms=store.now_ms)


def test_parts_are_kept_in_order_and_each_gives_it_time(store, arrivals, arrival):
    fence = resume(store, arrival, 0)
    assert append(store, arrival, fence, "0-a", 4) == 4
    store.clock.advance(TTL_MS / 1000 - 1)
    assert append(store, arrival, fence, "4-b", 3) == 7
    assert arrivals.read_parts(arrival.id) == ["0-a", "4-b"]
    found = arrivals.read(arrival.id, TENANT)
    assert (found.offset, found.expires_ms) == (7, store.now_ms + TTL_MS)
    assert store.client.zscore("cab:retention", "parts:upl_1") == found.expires_ms
    assert_nothing_stays(store.client)


def test_a_part_counts_once_though_the_reply_to_it_was_lost(store, arrivals, arrival):
    # Given a part that was counted, of which the client does not know
    first = resume(store, arrival, 0)
    append(store, arrival, first, "0-a", 4)
    # When the same call comes again, then it gets the same answer,
    assert append(store, arrival, first, "0-a", 4) == 4
    assert arrivals.read_parts(arrival.id) == ["0-a"]
    # also when another request goes on with the upload by then.
    second = resume(store, arrival, 4)
    append(store, arrival, second, "4-b", 3)
    assert append(store, arrival, first, "0-a", 4) == 7
    assert arrivals.read_parts(arrival.id) == ["0-a", "4-b"]


def test_whoever_asks_last_may_add_and_the_one_before_may_not(store, arrivals, arrival):
    first = resume(store, arrival, 0)
    second = resume(store, arrival, 0)
    before = snapshot(store.client)
    with pytest.raises(UploadLocked):
        append(store, arrival, first, "0-a", 4)
    assert snapshot(store.client) == before
    assert append(store, arrival, second, "0-b", 4) == 4
    with pytest.raises(WrongOffset, match="4 bytes"):
        resume(store, arrival, 0)


def test_what_is_another_tenant_s_is_not_there(store, arrivals, arrival):
    other = Arrival(arrival.id, "ten_other", "a.mp4", 10, 0, 0, 0)
    with pytest.raises(NotFound):
        resume(store, other, 0)
    assert arrivals.read(arrival.id, "ten_other") is None


def test_joining_is_for_one_until_it_is_silent_or_lets_go(store, arrivals, arrival):
    append(store, arrival, resume(store, arrival, 0), "0-a", 10)
    resume(store, arrival, 10)
    with pytest.raises(UploadLocked):
        resume(store, arrival, 10)
    store.clock.advance(61)
    resume(store, arrival, 10)
    arrivals.hold_join(arrival.id, 0)
    assert resume(store, arrival, 10)


def test_a_joined_one_is_an_upload_once(store, arrivals, arrival):
    old = resume(store, arrival, 0)
    append(store, arrival, old, "0-a", 10)
    fence = resume(store, arrival, 10)
    with pytest.raises(UploadLocked):
        complete(store, arrival, old)
    complete(store, arrival, fence)
    upload = AccountStore(store.connection).read_upload(arrival.id)
    assert (upload.tenant_id, upload.size, upload.filename) == (TENANT, 10, "a.mp4")
    assert store.client.zrange("cab:trash", 0, -1) == ["parts/upl_1"]
    assert store.client.zrange("cab:retention", 0, -1) == ["upl_1"]
    for again in (lambda: complete(store, arrival, fence), lambda: resume(store, arrival, 10)):
        with pytest.raises(NotFound):
            again()
    Retention(store.connection).note_deleted("parts/upl_1")
    assert_nothing_stays(store.client)


def test_a_dropped_one_is_gone_and_does_not_come_back(store, arrivals, arrival):
    fence = resume(store, arrival, 0)
    arrivals.drop(arrival.id, now_ms=store.now_ms)
    arrivals.hold_join(arrival.id, store.now_ms + 1000)
    for again in (
        lambda: append(store, arrival, fence, "0-a", 4),
        lambda: complete(store, arrival, fence),
        lambda: resume(store, arrival, 0),
    ):
        with pytest.raises(NotFound):
            again()
    assert store.client.keys("cab:arrival:*") == []
    assert store.client.zrange("cab:trash", 0, -1) == ["parts/upl_1"]


def test_a_list_of_too_many_parts_grows_no_further(store, arrivals, arrival, monkeypatch):
    monkeypatch.setattr("service.store.arrivals.MOST_PARTS", 2)
    fence = resume(store, arrival, 0)
    append(store, arrival, fence, "0-a", 1)
    append(store, arrival, fence, "1-b", 1)
    with pytest.raises(TooManyParts):
        append(store, arrival, fence, "2-c", 1)
    assert arrivals.read(arrival.id, TENANT).offset == 2
