"""retire: what has outlived its time goes in one write; what is in use stays."""

from __future__ import annotations

import pytest

from service.clock import FakeClock
from service.store.accounts import Upload
from service.store.retention import Retention, Retired
from service.store.revisions import add_cut
from tests.builders import TENANT, a_new_cut, a_new_job, a_spec
from tests.integration.store.invariants import (
    assert_nothing_stays,
    keys_that_stay,
    snapshot,
)

TTL_S = 604_800


@pytest.fixture
def retention(store) -> Retention:
    return Retention(store.connection)


def retire(store, limit: int = 100) -> Retired:
    return Retention(store.connection).retire(
        limit=limit, remember_ms=TTL_S * 1000, uncounted_ms=5_000, now_ms=store.now_ms
    )


def upload(store, upload_id: str = "upl_1", ttl_ms: int = 86_400_000) -> str:
    one = Upload(upload_id, TENANT, f"uploads/{upload_id}", "a.mp4", 1, "", "video", store.now_ms)
    store.accounts.create_upload(one, ttl_ms=ttl_ms)
    return upload_id


def ended_job(store, **new):
    job = store.comparing_job(a_new_job(**new))
    store.finish(job.id)
    return job


def test_an_ended_job_goes_with_all_its_keys_when_its_time_is_over(store, retention):
    # Given two jobs that have ended, one of them a second later
    first = ended_job(store)
    store.clock.advance(1)
    second = ended_job(store)
    # When the time of the first is over
    store.clock.advance(TTL_S - 1)
    assert retire(store) == Retired(1, 1)
    # Then nothing of it is left but its name for a while, and the files to be deleted
    left = store.client.keys(f"cab:*{first.id}*")
    assert left == [f"cab:expired:{first.id}"]
    assert store.client.pttl(left[0]) > 0
    assert store.client.zrange(f"cab:tenant:{TENANT}:jobs", 0, -1) == [second.id]
    assert retention.read_trash(10) == [f"jobs/{first.id}"]
    assert store.jobs.was_accepted(first.id, TENANT)
    assert not store.jobs.was_accepted(first.id, "ten_2")
    retention.note_deleted(f"jobs/{first.id}")
    assert_nothing_stays(store.client)


def test_what_was_seen_of_its_paid_calls_goes_with_a_job(store):
    # Given a job that has ended; of two of its edits something was seen, of one twice
    new, (a, b) = store.ready_job()
    for row, edit, kind in ((a, "edt_1", "reading"), (a, "edt_1", "done"), (a, "edt_2", "broken")):
        store.commands.evidence(row, edit, kind, "{}", now_ms=store.now_ms)
    store.end(a, "succeeded")
    store.end(b, "succeeded")
    store.finish(new.id)
    # And another job's, which has not
    _, (c, _d) = store.ready_job()
    store.commands.evidence(c, "edt_3", "done", "{}", now_ms=store.now_ms)
    # When its time is over
    store.clock.advance(TTL_S)
    retire(store)
    # Then nothing of what was seen of its edits is left, and the other's is
    assert store.client.keys("cab:evidence:*") == ["cab:evidence:edt_3"]


def test_a_second_sweeper_finds_nothing_to_do(store):
    ended_job(store)
    store.clock.advance(TTL_S)
    retire(store)
    before = snapshot(store.client)
    assert retire(store) == Retired(0, 0)
    assert snapshot(store.client) == before


def test_no_more_than_asked_for_go_at_once(store):
    for _ in range(3):
        ended_job(store)
    store.clock.advance(TTL_S)
    assert [retire(store, limit=2).ended for _ in range(3)] == [2, 1, 0]


def test_a_job_that_goes_on_is_kept(store, retention):
    # Given an ended job to which a revision was added in time
    job = ended_job(store)
    add_cut(store.connection, a_new_cut(job.id), now_ms=store.now_ms)
    store.clock.advance(TTL_S)
    # When the sweeper comes, also when somebody's note of its end is still there
    assert retire(store) == Retired(0, 0)
    store.client.zadd("cab:retention", {job.id: store.now_ms})
    assert retire(store) == Retired(1, 0)
    # Then the job and its files are kept, and its end is noted anew
    assert store.jobs.read(job.id) is not None
    assert retention.read_trash(10) == []
    store.end(f"cut:{job.id}.0.A.2", "failed")
    assert store.client.zscore("cab:retention", job.id) == store.now_ms + TTL_S * 1000


def test_an_upload_that_no_job_uses_goes(store, retention):
    upload(store, ttl_ms=1000)
    store.clock.advance(0.9)
    assert retire(store) == Retired(0, 0)
    store.clock.advance(0.1)
    assert retire(store) == Retired(1, 1)
    assert store.accounts.read_upload("upl_1") is None
    assert retention.read_trash(10) == ["uploads/upl_1"]


def test_an_upload_that_redis_has_let_go_of_is_found_by_its_name(store, retention):
    upload(store, ttl_ms=1000)
    store.client.delete("cab:upload:upl_1")
    store.clock.advance(1)
    retire(store)
    assert retention.read_trash(10) == ["uploads/upl_1"]


def test_an_upload_is_kept_until_the_last_job_that_uses_it_has_gone(store, retention):
    # Given two jobs of one upload, the second of which ends a day later
    upload(store)
    spec = a_spec(uploads=("upl_1",))
    first = ended_job(store, spec=spec)
    store.clock.advance(86_400)
    second = ended_job(store, spec=spec)
    # When the first goes; then the upload is there
    store.clock.advance(TTL_S - 86_400)
    retire(store)
    assert store.accounts.read_upload("upl_1") is not None
    assert keys_that_stay(store.client) == {"cab:trash"}
    # When the second goes, then the upload goes with it
    store.clock.advance(86_400)
    retire(store)
    retire(store)
    assert store.accounts.read_upload("upl_1") is None
    trash = {f"jobs/{first.id}", f"jobs/{second.id}", "uploads/upl_1"}
    assert set(retention.read_trash(10)) == trash


def test_an_upload_of_jobs_that_were_not_counted_is_kept_a_while_longer(store):
    # Given a job of an upload as an earlier release wrote it
    upload(store)
    ended_job(store, spec=a_spec(uploads=("upl_1",)))
    store.client.delete("cab:upload:upl_1:jobs")
    # When the job goes, then the upload does so only later: another job may use it
    store.clock.advance(TTL_S)
    retire(store)
    retire(store)
    assert store.accounts.read_upload("upl_1") is not None
    store.clock.advance(5)
    assert retire(store) == Retired(1, 1)
    assert store.accounts.read_upload("upl_1") is None


def test_a_key_that_would_stay_is_named(store):
    # Given a job under way
    new = store.accept()
    assert f"cab:job:{new.id}" in keys_that_stay(store.client)
    # And one that has ended, of which a key was forgotten
    store.client.flushall()
    store.clock = FakeClock()
    job = ended_job(store)
    assert_nothing_stays(store.client)
    store.client.persist(f"cab:job:{job.id}:events")
    with pytest.raises(AssertionError, match=job.id):
        assert_nothing_stays(store.client)
