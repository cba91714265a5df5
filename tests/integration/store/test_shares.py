"""Links that show a job, and preferences: each command, each refusal, twice, and their end."""

from __future__ import annotations

import pytest

from service.errors import NotFound, QuotaExceeded
from service.model.share import Share
from service.shares import MOST_SHARES
from service.store.retention import Retention
from service.store.revisions import add_cut
from service.store.shares import ShareStore
from tests.builders import TENANT, a_new_cut
from tests.integration.store.invariants import assert_nothing_stays, snapshot

HOUR_MS = 3_600_000
TTL_S = 604_800


@pytest.fixture
def shares(store) -> ShareStore:
    return ShareStore(store.connection)


def enter(store, job: str, share_id: str = "shr_1", **fields) -> Share:
    wish = {"expires_ms": store.now_ms + HOUR_MS, "preferences": True, **fields}
    share = Share(share_id, store.now_ms, made_by="key_1", **wish)
    ShareStore(store.connection).create(job, TENANT, share, now_ms=store.now_ms)
    return share


def prefer(store, job: str, share_id: str = "shr_1", number: int = 1, tenant: str = TENANT):
    doc = {"id": f"prf_{number}", "preferred": "A"}
    ShareStore(store.connection).add_preference(job, tenant, share_id, doc, now_ms=store.now_ms)


def test_a_link_comes_back_as_it_was_written(store, shares):
    job = store.accept().id
    share = enter(store, job, preferences=False)
    assert shares.find(job, "shr_1") == share
    assert shares.find(job, "shr_2") is None
    store.clock.advance(1)
    later = enter(store, job, "shr_2")
    assert shares.read_all(job) == [later, share]


def test_a_link_entered_twice_is_one(store, shares):
    job = store.accept().id
    first = enter(store, job)
    before = snapshot(store.client)
    enter(store, job, expires_ms=1)
    assert snapshot(store.client) == before
    assert shares.read_all(job) == [first]


def test_only_the_jobs_tenant_enters_and_revokes(store, shares):
    job = store.accept().id
    share = enter(store, job)
    with pytest.raises(NotFound):
        shares.create(job, "ten_2", share, now_ms=store.now_ms)
    with pytest.raises(NotFound):
        shares.create("job_none", TENANT, share, now_ms=store.now_ms)
    for owner, name in (("ten_2", "shr_1"), (TENANT, "shr_2")):
        with pytest.raises(NotFound):
            shares.revoke(job, owner, name, now_ms=store.now_ms)
    assert shares.find(job, "shr_1") == share


def test_a_link_is_revoked_once(store, shares):
    job = store.accept().id
    enter(store, job)
    at_ms = store.now_ms
    assert shares.revoke(job, TENANT, "shr_1", now_ms=at_ms)
    store.clock.advance(1)
    assert not shares.revoke(job, TENANT, "shr_1", now_ms=store.now_ms)
    found = shares.find(job, "shr_1")
    assert found is not None
    assert (found.revoked_ms, found.is_open(store.now_ms)) == (at_ms, False)


def test_the_link_that_ended_first_makes_room(store, shares):
    # Given as many as there may be, all of which open the job
    job = store.accept().id
    for number in range(MOST_SHARES):
        enter(store, job, f"shr_{number}")
    with pytest.raises(QuotaExceeded):
        enter(store, job, "shr_new")
    # When two are revoked one after the other, then the one revoked first goes
    for number in (7, 3):
        shares.revoke(job, TENANT, f"shr_{number}", now_ms=store.now_ms)
        store.clock.advance(1)
    enter(store, job, "shr_new")
    assert shares.find(job, "shr_7") is None
    assert shares.find(job, "shr_3") is not None
    # And when their time is over, then there is room again
    store.clock.advance(3600)
    enter(store, job, "shr_late")
    assert len(shares.read_all(job)) == MOST_SHARES


def test_a_preference_is_noted_once(store, shares):
    job = store.accept().id
    enter(store, job)
    for number in (1, 1, 2, 1):
        prefer(store, job, number=number)
    assert [each["id"] for each in shares.read_preferences(job)] == ["prf_1", "prf_2"]


def test_the_owner_needs_no_link(store, shares):
    job = store.accept().id
    prefer(store, job, share_id="")
    assert len(shares.read_preferences(job)) == 1
    with pytest.raises(NotFound):
        prefer(store, job, share_id="", number=2, tenant="ten_2")


def test_a_link_that_does_not_allow_it_notes_nothing(store, shares):
    # Given a link without the right, one that was revoked, one whose time is over, and none
    job = store.accept().id
    enter(store, job, "shr_mute", preferences=False)
    enter(store, job, "shr_revoked")
    shares.revoke(job, TENANT, "shr_revoked", now_ms=store.now_ms)
    enter(store, job, "shr_over", expires_ms=store.now_ms)
    for name in ("shr_mute", "shr_revoked", "shr_over", "shr_none"):
        with pytest.raises(NotFound):
            prefer(store, job, name)
    assert shares.read_preferences(job) == []


def test_the_last_preferences_are_kept(store, shares, monkeypatch):
    monkeypatch.setattr("service.store.shares.MOST_PREFERENCES", 3)
    job = store.accept().id
    for number in range(5):
        prefer(store, job, share_id="", number=number)
    assert [each["id"] for each in shares.read_preferences(job)] == ["prf_2", "prf_3", "prf_4"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_all_of_it_lives_as_long_as_the_job(store, shares, when: str):
    # Given a link and a preference, made before the job has ended or after it
    job = store.comparing_job()
    if when == "before":
        enter(store, job.id)
        prefer(store, job.id)
    store.finish(job.id)
    if when == "after":
        store.clock.advance(1000)
        enter(store, job.id)
        prefer(store, job.id)
    # Then nothing of it would stay
    assert_nothing_stays(store.client)
    # When its time is over, though nobody has swept, then it is as if it were gone
    store.clock.advance(TTL_S - (1000 if when == "after" else 0))
    with pytest.raises(NotFound):
        enter(store, job.id, "shr_2")
    with pytest.raises(NotFound):
        prefer(store, job.id, share_id="", number=2)
    # And the sweep takes all
    Retention(store.connection).retire(
        limit=9, remember_ms=1000, uncounted_ms=1000, now_ms=store.now_ms
    )
    assert store.client.keys(f"cab:job:{job.id}*") == []


def test_it_is_kept_while_a_job_is_worked_on_again(store, shares):
    # Given an ended job with a link
    job = store.comparing_job()
    enter(store, job.id, expires_ms=store.now_ms + 90 * 86_400_000)
    prefer(store, job.id)
    store.finish(job.id)
    # When a revision begins, then nothing of it has an end
    add_cut(store.connection, a_new_cut(job.id), now_ms=store.now_ms)
    for name in ("shares", "preferences"):
        assert store.client.pttl(f"cab:job:{job.id}:{name}") == -1


def test_a_deleted_job_takes_it_along(store, shares):
    job = store.comparing_job()
    enter(store, job.id)
    prefer(store, job.id)
    store.finish(job.id)
    Retention(store.connection).delete_job(
        job.id, TENANT, remember_ms=1000, uncounted_ms=1000, now_ms=store.now_ms
    )
    assert store.client.keys(f"cab:job:{job.id}*") == []
