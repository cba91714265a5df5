"""delete_job: an ended job goes at once with all there is of it; what is under way stays."""

from __future__ import annotations

import pytest

from service.errors import Conflict, NotFound
from service.model.rows import delivery_row, event_row
from service.store.commands import LeaseLost
from service.store.retention import Retention
from service.store.revisions import add_cut
from service.store.scripts import Refusal
from tests.builders import TENANT, a_delivery, a_new_cut, a_new_job, a_spec
from tests.integration.store.invariants import assert_nothing_stays, snapshot
from tests.integration.store.test_retention import TTL_S, ended_job, retire, upload


def delete(store, job_id: str, tenant: str = TENANT, *, force: bool = False) -> bool:
    return Retention(store.connection).delete_job(
        job_id,
        tenant,
        remember_ms=TTL_S * 1000,
        uncounted_ms=5_000,
        force=force,
        now_ms=store.now_ms,
    )


def test_nothing_is_left_but_its_name(store):
    # Given an ended job with evidence, and an event that is still on its way to a webhook
    job, cuts = store.ready_job(a_new_job(a_spec(hooks=True)))
    for cut in cuts:
        store.commands.evidence(cut, f"edt_{cut[-3]}", "done", "{}", now_ms=store.now_ms)
        store.end(cut, "succeeded")
    store.finish(job.id)
    assert store.client.keys("cab:evidence:*")
    assert any(row.startswith("event:") for row in store.client.zrange("cab:due", 0, -1))
    # When it is deleted
    assert delete(store, job.id)
    # Then all of it has gone, and its files are to go
    left = {f"cab:expired:{job.id}", "cab:clock", "cab:trash"}
    kept = set(store.client.keys("cab:*")) - set(store.client.keys("cab:account:*"))
    assert kept - set(store.client.keys("cab:overdue:*")) == left
    assert store.client.pttl(f"cab:expired:{job.id}") > 0
    assert Retention(store.connection).read_trash(9) == [f"jobs/{job.id}"]
    assert store.jobs.was_accepted(job.id, TENANT)
    Retention(store.connection).note_deleted(f"jobs/{job.id}")
    assert_nothing_stays(store.client)


def test_again_changes_nothing(store):
    job = ended_job(store)
    assert delete(store, job.id)
    before = snapshot(store.client)
    assert not delete(store, job.id)
    assert snapshot(store.client) == before


def test_what_has_outlived_its_time_was_gone_before(store):
    job = ended_job(store)
    store.clock.advance(TTL_S)
    retire(store)
    assert not delete(store, job.id)


def test_another_tenants_is_not_there(store):
    job = ended_job(store)
    before = snapshot(store.client)
    with pytest.raises(NotFound):
        delete(store, job.id, "ten_2")
    with pytest.raises(NotFound):
        delete(store, "job_none")
    assert snapshot(store.client) == before
    delete(store, job.id)
    with pytest.raises(NotFound):
        delete(store, job.id, "ten_2")


@pytest.mark.parametrize("status", ["queued", "comparing"])
def test_what_has_not_ended_stays(store, status: str):
    job = store.accept() if status == "queued" else store.comparing_job()
    before = snapshot(store.client)
    with pytest.raises(Conflict) as refused:
        delete(store, job.id)
    assert refused.value.extra == {"job_status": status}
    assert snapshot(store.client) == before


def test_a_revision_under_way_holds_it(store):
    # Given an ended job of which a revision is being made
    job = ended_job(store)
    add_cut(store.connection, a_new_cut(job.id), now_ms=store.now_ms)
    with pytest.raises(Conflict):
        delete(store, job.id)
    # When that has ended, then it can go
    store.end(f"cut:{job.id}.0.A.2", "failed")
    assert delete(store, job.id)


def test_its_uploads_go_when_nobody_else_uses_them(store):
    # Given two jobs of one upload
    upload(store)
    spec = a_spec(uploads=("upl_1",))
    first, second = ended_job(store, spec=spec), ended_job(store, spec=spec)
    # When one is deleted, then the upload stays; with the other it goes at the next sweep
    delete(store, first.id)
    retire(store)
    assert store.accounts.read_upload("upl_1") is not None
    delete(store, second.id)
    retire(store)
    assert store.accounts.read_upload("upl_1") is None


def test_a_worker_that_holds_its_event_finds_nothing(store):
    # Given an event that a worker is about to fan out
    job = ended_job(store, spec=a_spec(hooks=True))
    event = next(row for row in store.client.zrange("cab:due", 0, -1) if row.startswith("event:"))
    claim = store.claim(event)
    # When the job is deleted meanwhile, then what the worker writes makes nothing anew
    delete(store, job.id)
    with pytest.raises(LeaseLost, match="GONE"):
        store.deliveries.fan_out(claim, [], now_ms=store.now_ms)
    assert store.client.keys(f"cab:*{job.id}*") == [f"cab:expired:{job.id}"]


def test_a_delivery_of_it_leaves_the_line_of_its_receiver(store):
    # Given a receiver that takes one at a time, with a delivery of each of two jobs
    store = store.with_settings(webhook_slots=1)
    job, other = (ended_job(store, spec=a_spec(hooks=True)) for _ in range(2))
    for each in (job, other):
        event = store.claim(event_row(each.id, 1))
        delivery = a_delivery(delivery_row(each.id, 1, "job"), line="one")
        store.deliveries.fan_out(event, [delivery], now_ms=store.now_ms)
    store.claim(delivery_row(job.id, 1, "job"))
    assert store.try_claim(delivery_row(other.id, 1, "job")) is Refusal.WAITING
    # When the job at the front is deleted, then the other's turn has come
    delete(store, job.id)
    assert store.due_in_ms(delivery_row(other.id, 1, "job")) <= 0
    assert store.claim(delivery_row(other.id, 1, "job")).fence == 1
