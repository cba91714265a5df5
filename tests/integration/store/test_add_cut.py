"""add_cut: one write adds the next revision of a cut, also to a job that has ended."""

from __future__ import annotations

import json

import pytest

from service.errors import Conflict, Gone, IdempotencyReused, QuotaExceeded
from service.model.cut import CutDoc
from service.model.documents import read_document
from service.model.job import MAX_REVISIONS
from service.store.commands import Claim
from service.store.revisions import AddedCut, add_cut
from service.store.scripts import Refusal
from tests.builders import ACCOUNT, LOOK_MS, TENANT, a_new_cut, a_new_job, a_spec, an_event
from tests.integration.store.invariants import snapshot


def add(store, job: str, **changes) -> AddedCut:
    return add_cut(store.connection, a_new_cut(job, **changes), now_ms=store.now_ms)


def ended_job(store, **changes) -> str:
    new = store.comparing_job(a_new_job(**changes))
    store.finish(new.id)
    return new.id


def test_one_write_makes_row_event_and_doorbell(store):
    # Given a job that has ended and will expire,
    job = ended_job(store)
    store.silence()
    # When a message adds a revision,
    added = add(store, job)
    # Then it is the second one, due now and rung for, on the job's account,
    assert added == AddedCut(f"cut:{job}.0.A.2", 2, replayed=False)
    assert (store.due_in_ms(added.row), store.bells("flow")) == (0, [added.row])
    row = store.row(added.row)
    assert (row["state"], row["account"]) == ("queued", ACCOUNT)
    doc = read_document(CutDoc, row["doc"])
    assert doc == CutDoc(0, "A", revision=2, wish="make it bigger")
    # the event tells its number, and the job has not been opened again,
    event = store.jobs.event(job, store.jobs.read(job).sequence)
    assert (event["type"], event["data"]["cut"]["revision"]) == ("cut.created", 2)
    assert store.jobs.read(job).status == "succeeded"
    # but nothing of it expires now.
    assert store.client.zscore("cab:retention", job) is None
    keys = [key for key in store.client.keys(f"cab:*{job}*") if "idempotency" not in key]
    assert {store.client.pttl(key) for key in keys} == {-1}
    assert store.jobs.read(job).expires_ms == 0


def test_its_end_starts_the_time_to_live_again(store):
    job = ended_job(store, ttl_ms=1000)
    added = add(store, job)
    store.clock.advance(500)
    store.end(added.row, "succeeded", events=[an_event("cut.succeeded")])
    read = store.jobs.read(job)
    assert (read.status, read.expires_ms) == ("succeeded", store.now_ms + 1000)
    assert 0 < store.client.pttl(f"cab:row:{added.row}") <= 86_401_000


def test_revisions_run_one_after_another_within_a_variant(store):
    # Given a job of two clips whose first cuts are under way,
    new, _cuts = store.ready_job(a_new_job(a_spec(clips=2)))
    # When two messages for the first clip and one for the second come, and one for B,
    second, third = add(store, new.id, key="1"), add(store, new.id, key="2")
    other = add(store, new.id, key="3", clip=1)
    elsewhere = add(store, new.id, key="4", label="B")
    assert [second.revision, third.revision, other.revision, elsewhere.revision] == [2, 3, 2, 2]
    # Then each waits for all that its session had open,
    firsts = {f"cut:{new.id}.{clip}.A.1" for clip in range(2)}
    assert set(store.row(second.row)["after"].split()) == firsts
    assert set(store.row(third.row)["after"].split()) == {*firsts, second.row}
    assert set(store.row(other.row)["after"].split()) == {*firsts, second.row, third.row}
    assert store.try_claim(second.row) is Refusal.WAITING
    assert store.due_in_ms(second.row) == LOOK_MS
    # and the end of what it waits for wakes it at once.
    for clip in range(2):
        store.silence()
        store.end(f"cut:{new.id}.{clip}.A.1", "succeeded")
    assert set(store.bells("flow")) == {second.row, third.row, other.row}
    assert isinstance(store.try_claim(second.row), Claim)
    assert store.try_claim(third.row) is Refusal.WAITING


def test_a_running_job_ends_without_its_later_revisions(store):
    # Given a job with a message on its way,
    new, cuts = store.ready_job()
    added = add(store, new.id)
    # When its first cuts end while the revision has not begun, then it compares and ends,
    for cut in cuts:
        store.end(cut, "succeeded")
    assert store.jobs.read(new.id).status == "comparing"
    store.finish(new.id)
    # and lives on until the revision has ended too.
    assert store.jobs.read(new.id).expires_ms == 0
    store.end(added.row, "failed")
    assert store.jobs.read(new.id).status == "succeeded"
    assert store.jobs.read(new.id).expires_ms > 0


def test_a_revision_that_waits_for_a_person_is_not_the_jobs_status(store):
    # Given an ended job whose second revision waits for credits,
    job = ended_job(store)
    added = add(store, job)
    until_ms = store.now_ms + 1000
    claim = store.claim(added.row)
    store.commit(claim, "action_required", pause=1, free=True, ready_ms=until_ms)
    assert store.jobs.read(job).status == "succeeded"
    # When the job is resumed, then that cut goes on; asked again, nothing more happens.
    assert store.jobs.resume(job, an_event("job.resumed"), now_ms=store.now_ms) == 1
    assert store.jobs.resume(job, an_event("job.resumed"), now_ms=store.now_ms) == 0
    claim = store.claim(added.row)
    assert claim.resumed
    store.commit(claim, "succeeded", ended=True, pause=-1)
    with pytest.raises(Conflict):
        store.jobs.resume(job, an_event("job.resumed"), now_ms=store.now_ms)


def test_the_same_message_again_gives_the_same_revision(store):
    new, _ = store.ready_job()
    first = add(store, new.id)
    before = snapshot(store.client)
    assert add(store, new.id) == AddedCut(first.row, 2, replayed=True)
    assert snapshot(store.client) == before


def test_another_message_under_the_same_key_is_refused(store):
    new, _ = store.ready_job()
    add(store, new.id)
    before = snapshot(store.client)
    with pytest.raises(IdempotencyReused):
        add(store, new.id, fingerprint="other")
    assert snapshot(store.client) == before


def test_a_key_of_a_job_is_no_key_of_a_message_nor_the_other_way_round(store):
    new, _ = store.ready_job(a_new_job(key="job", fingerprint="f"))
    with pytest.raises(IdempotencyReused):
        add(store, new.id, key="job", fingerprint="f")
    add(store, new.id, key="message", fingerprint="f")
    with pytest.raises(IdempotencyReused):
        store.accept(a_new_job(key="message", fingerprint="f"))


@pytest.mark.parametrize("gone", [True, False], ids=["expired", "canceling"])
def test_a_job_that_cannot_take_one(store, gone):
    new = store.accept()
    if not gone:
        store.jobs.cancel(new.id, an_event("job.canceling"), now_ms=store.now_ms)
    before = snapshot(store.client)
    with pytest.raises(Gone if gone else Conflict):
        add(store, "job_gone" if gone else new.id)
    assert snapshot(store.client) == before


def test_revisions_are_bounded(store):
    job = ended_job(store)
    store.client.hset(f"cab:job:{job}", "revision:0.A", MAX_REVISIONS)
    before = snapshot(store.client)
    with pytest.raises(QuotaExceeded):
        add(store, job)
    assert snapshot(store.client) == before


def test_cancel_reaches_a_revision_of_a_running_job(store):
    new, cuts = store.ready_job()
    added = add(store, new.id)
    store.jobs.cancel(new.id, an_event("job.canceling"), now_ms=store.now_ms)
    for row in (*cuts, added.row):
        claim = store.claim(row)
        assert claim.cancel_asked
        store.commit(claim, "canceled", ended=True)
    store.finish(new.id, "canceled")


def test_units_are_read_with_and_without_revisions(store):
    job = ended_job(store)
    for key in "12":
        add(store, job, key=key)
    read = store.jobs.read(job)
    assert read.revisions == {"0.A": 3}
    clips, cuts = store.jobs.read_units(read)
    assert (len(clips), [cut.doc.revision for cut in cuts]) == (1, [1, 1])
    clips, cuts = store.jobs.read_units(read, revisions=True)
    named = [cut.row.removeprefix(f"cut:{job}.") for cut in cuts]
    assert (len(clips), named) == (1, ["0.A.1", "0.A.2", "0.A.3", "0.B.1"])


def test_a_retry_knows_what_it_is_one_of(store):
    first = ended_job(store)
    again = a_new_job()
    again = type(again)(**{n: getattr(again, n) for n in again.__slots__} | {"retry_of": first})
    store.accept(again)
    assert store.jobs.read(again.id).retry_of == first
    assert store.jobs.read(first).retry_of == ""
    body = json.loads(store.jobs.event_body(again.id, 1))
    assert body["type"] == "job.created"
    assert store.client.sismember(f"cab:tenant:{TENANT}:open", again.id)
