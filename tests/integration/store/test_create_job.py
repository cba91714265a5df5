"""create_job: one write accepts a job, or none of it."""

from __future__ import annotations

import json

import pytest

from service.errors import Gone, IdempotencyReused, QuotaExceeded
from service.store.accounts import Upload
from service.store.pages import read_page
from tests.builders import LOOK_MS, TENANT, a_new_job, a_spec
from tests.integration.store.invariants import snapshot


def an_upload(store, name: str, tenant: str = TENANT, ttl_ms: int = 86_400_000) -> None:
    upload = Upload(name, tenant, f"uploads/{name}", "a.mp4", 3, "ab", "video", store.now_ms)
    store.accounts.create_upload(upload, ttl_ms=ttl_ms)


def test_one_write_makes_job_rows_event_and_doorbells(store):
    # When a job of two clips and two variants is accepted,
    new = store.accept(a_new_job(a_spec(clips=2)))
    # Then it is queued with its event, its clips are due now and rung for,
    assert store.jobs.read(new.id).status == "queued"
    assert store.event_types(new.id) == ["job.created"]
    clips, cuts = [r.row for r in new.rows[:2]], [r.row for r in new.rows[2:]]
    assert [store.due_in_ms(row) for row in clips] == [0, 0]
    assert store.bells("transfer") == clips
    # and its cuts, which wait for them, are looked at in a minute and not rung for.
    assert {store.due_in_ms(row) for row in cuts} == {LOOK_MS}
    assert store.bells("flow") == []
    assert store.job(new.id)["open_cuts"] == "4"


def test_an_event_for_hooks_gets_a_row_of_its_own(store):
    new = store.accept(a_new_job(a_spec(hooks=True)))
    assert store.is_due(f"event:{new.id}.1")
    assert store.bells("hooks") == [f"event:{new.id}.1"]


def test_without_a_webhook_no_event_row_is_made(store):
    new = store.accept()
    assert not store.is_due(f"event:{new.id}.1")


def test_the_same_request_again_gives_the_first_job(store):
    # Given a job accepted under a key,
    first = store.accept(a_new_job(key="k", fingerprint="f"))
    before = snapshot(store.client)
    # When the same request comes again with another id,
    again = store.jobs.create(a_new_job(key="k", fingerprint="f"), now_ms=store.now_ms)
    # Then the first job is the answer and nothing was written.
    assert (again.job_id, again.replayed) == (first.id, True)
    assert snapshot(store.client) == before


def test_a_replay_is_answered_when_the_quota_is_reached(store):
    first = store.accept(a_new_job(key="k", fingerprint="f", quota=1))
    again = store.jobs.create(a_new_job(key="k", fingerprint="f", quota=1), now_ms=store.now_ms)
    assert again.job_id == first.id


def test_another_body_under_the_same_key_is_refused(store):
    store.accept(a_new_job(key="k", fingerprint="f"))
    before = snapshot(store.client)
    with pytest.raises(IdempotencyReused):
        store.accept(a_new_job(key="k", fingerprint="other"))
    assert snapshot(store.client) == before


def test_keys_of_two_tenants_do_not_meet(store):
    first = store.accept(a_new_job(key="k", fingerprint="f"))
    other = a_new_job(key="k", fingerprint="other", tenant="ten_2")
    assert store.jobs.create(other, now_ms=store.now_ms).job_id == other.id != first.id


def test_a_request_whose_reply_was_lost_may_be_sent_again(store):
    # Given a client that repeats a call because the connection broke before the reply,
    new = store.accept()
    before = snapshot(store.client)
    # When the very same job comes a second time, then it is the same job and nothing was written.
    assert store.jobs.create(new, now_ms=store.now_ms).job_id == new.id
    assert snapshot(store.client) == before


def test_a_key_is_remembered_for_a_day(store):
    store.accept(a_new_job(key="k", fingerprint="f"))
    left_ms = store.client.pttl(f"cab:idempotency:{TENANT}:k")
    assert 86_300_000 < left_ms <= 86_400_000


@pytest.mark.parametrize("owner", ["", "ten_2"], ids=["gone", "another tenant's"])
def test_an_upload_that_is_not_the_callers_is_refused_by_name(store, owner):
    # Given a good upload and one that is not there or not ours,
    an_upload(store, "upl_good")
    if owner:
        an_upload(store, "upl_bad", owner)
    before = snapshot(store.client)
    # When a job names both, then it is refused, names the bad one, and writes nothing.
    with pytest.raises(Gone, match="upl_bad"):
        store.accept(a_new_job(a_spec(uploads=("upl_good", "upl_bad")), key="k"))
    assert snapshot(store.client) == before


def test_a_used_upload_lives_on(store):
    an_upload(store, "upl_1", ttl_ms=1000)
    store.accept(a_new_job(a_spec(uploads=("upl_1",))))
    assert store.client.pttl("cab:upload:upl_1") == -1


def test_the_quota_counts_unfinished_jobs_of_the_tenant(store):
    # Given a tenant with one job of one allowed,
    store.comparing_job(a_new_job(quota=1))
    with pytest.raises(QuotaExceeded):
        store.accept(a_new_job(quota=1))
    # Then another tenant is not concerned, and its own place is free after the end.
    store.accept(a_new_job(quota=1, tenant="ten_2"))
    store.finish(store.client.srandmember(f"cab:tenant:{TENANT}:open"))
    store.accept(a_new_job(quota=1))


def test_words_of_callers_come_back_as_they_were(store):
    # Given captions with quotes, control characters, percent signs and other scripts,
    text = 'He said "100 %d"\\ \u0000 \u2028 字幕 🎬 @row@'
    spec = a_spec()
    spec = type(spec)(clips=spec.clips, variants=spec.variants, name=text, metadata={"a": text})
    # When it is accepted and read, then nothing has changed.
    new = store.accept(a_new_job(spec))
    assert store.jobs.read(new.id).spec == spec


def test_the_list_of_a_tenant_is_newest_first(store):
    first = store.accept()
    store.clock.advance(1)
    second = store.accept()
    store.accept(a_new_job(tenant="ten_2"))
    assert [job.id for job in read_page(store.connection, TENANT, limit=9)[1]] == [
        second.id,
        first.id,
    ]
    _, older = read_page(store.connection, TENANT, before_ms=store.now_ms, limit=9)
    assert [job.id for job in older] == [first.id]


def test_an_event_is_frozen_with_its_sequence_in_front(store):
    new = store.accept()
    body = store.jobs.event_body(new.id, 1)
    assert body.startswith('{"sequence":1,"id":')
    assert json.loads(body)["type"] == "job.created"
