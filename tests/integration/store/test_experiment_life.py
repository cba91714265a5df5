"""How long a job with an experiment is kept, when that begins, and how all of it goes."""

from __future__ import annotations

import pytest

from service.errors import Conflict, NotFound
from service.experiments.intake import read_experiment, read_item
from service.store.scripts import Refusal
from tests.builders import TENANT, endpoint_fields
from tests.integration.store.invariants import assert_nothing_stays, snapshot
from tests.integration.store.test_delete_job import delete
from tests.integration.store.test_experiments import (
    KEEP_S,
    attach,
    attach_plan,
    close,
    look,
    send,
)
from tests.integration.store.test_retention import TTL_S, ended_job, retire
from tests.outcomes import a_batch, an_experiment, an_outcome


def test_all_of_it_goes_with_its_job(store, experiments):
    # Given an ended job whose experiment has every kind of record and is closed
    job = ended_job(store)
    attach(store, experiments, job.id)
    source = {"source": "s", "revision": 1, "variant": "A", "units": 3, "metrics": {}}
    said = send(store, experiments, job.id, an_outcome("e", "u"), a_batch("b", 2), source)
    assert said == ["accepted"] * 3
    look(store, experiments, job.id)
    assert store.client.get(f"cab:experiments:{TENANT}") == "4"
    assert len(store.client.keys(f"cab:job:{job.id}:experiment*")) == 5
    close(store, job.id)
    assert_nothing_stays(store.client)
    # When its time is over, then the trash names what was counted, which goes by that name.
    store.clock.advance(KEEP_S)
    retire(store)
    assert f"experiments/{job.id}" in store.client.zrange("cab:trash", 0, -1)
    assert experiments.drop(job.id, now_ms=store.now_ms)
    assert not experiments.drop(job.id, now_ms=store.now_ms)
    assert store.client.keys(f"cab:job:{job.id}*") == []
    assert store.client.get(f"cab:experiments:{TENANT}") is None


def test_a_book_is_one_tenants_and_of_one_plan(store, experiments):
    # Given a book that was opened, as it may lie where nobody knows the job
    job = store.accept()
    attach(store, experiments, job.id)
    before = snapshot(store.client)
    # When another tenant, or with another plan, somebody opens it, then it stays as it is.
    other = an_experiment(planned_units=2000)
    for tenant, plan, error in (("ten_2", an_experiment(), NotFound), (TENANT, other, Conflict)):
        with pytest.raises(error):
            experiments.attach(job.id, tenant, plan, begin=True, now_ms=store.now_ms)
    with pytest.raises(NotFound):
        experiments.freeze(job.id, "ten_2", least={}, point="{}", verdict="v", now_ms=store.now_ms)
    # Nor does another tenant end it.
    with pytest.raises(NotFound):
        store.plans.close(job.id, "ten_2", "winner", "", now_ms=store.now_ms)
    assert snapshot(store.client) == before


def test_what_was_counted_goes_although_nobody_ends_it(store, experiments):
    def lasting() -> list[str]:
        names = [name for name in store.client.keys("cab:*experiment*") if ":row:" not in name]
        return [name for name in names if store.client.pttl(name) < 0]

    # Given an experiment that has begun, then one that has every kind of record
    job = store.accept()
    attach(store, experiments, job.id)
    assert lasting() == []
    source = {"source": "s", "revision": 1, "variant": "A", "units": 3, "metrics": {}}
    send(store, experiments, job.id, an_outcome("e", "u"), source)
    look(store, experiments, job.id)
    # Then Redis itself forgets each of them one day.
    assert len(store.client.keys(f"cab:job:{job.id}:experiment*")) == 5
    assert lasting() == []


def test_a_job_is_kept_while_its_experiment_runs_and_for_a_while_after(store, experiments):
    # Given an ended job whose time is long over, but for its experiment
    job = ended_job(store)
    attach(store, experiments, job.id)
    store.clock.advance(2 * TTL_S)
    retire(store)
    assert store.jobs.read(job.id).expires_ms == 0
    # When its verdict has been told, then it is kept thirty days more, and no longer.
    assert close(store, job.id)
    assert store.jobs.read(job.id).expires_ms == store.now_ms + KEEP_S * 1000
    store.clock.advance(KEEP_S - 1)
    retire(store)
    assert store.jobs.read(job.id) is not None
    store.clock.advance(1)
    retire(store)
    assert store.jobs.read(job.id) is None


def test_a_job_whose_own_life_is_longer_keeps_it(store, experiments):
    job = ended_job(store, ttl_ms=2 * KEEP_S * 1000)
    attach(store, experiments, job.id)
    close(store, job.id)
    assert store.jobs.read(job.id).expires_ms == store.now_ms + 2 * KEEP_S * 1000


def test_a_running_experiment_holds_back_the_deletion_of_its_job_unless_forced(store, experiments):
    # Given an ended job with a running experiment
    job = ended_job(store)
    attach(store, experiments, job.id)
    before = snapshot(store.client)
    # When its owner deletes it, then it stays as it is, and says why.
    with pytest.raises(Conflict, match="experiment"):
        delete(store, job.id)
    assert snapshot(store.client) == before
    # By force it goes, and so does its row.
    assert delete(store, job.id, force=True)
    assert store.client.keys("cab:row:experiment:*") == []
    assert store.client.zrange("cab:trash", 0, -1) == [f"experiments/{job.id}", f"jobs/{job.id}"]


def test_a_closed_experiment_does_not_hold_the_deletion_back(store, experiments):
    job = ended_job(store)
    attach(store, experiments, job.id)
    close(store, job.id)
    assert delete(store, job.id)


def test_a_plan_of_a_job_that_runs_waits_until_its_videos_are_there(store):
    # Given a job that is comparing, with a plan whose row was looked at in vain
    job = store.comparing_job()
    attach_plan(store, job.id, TENANT, an_experiment())
    row = f"experiment:{job.id}"
    store.commands.park(store.claim(row), delay_s=300, now_ms=store.now_ms)
    assert store.try_claim(row) is Refusal.NOT_YET
    # When the job ends, then its experiment is looked at at once.
    store.finish(job.id)
    assert store.claim(row).state == "waiting"


def test_nothing_is_counted_before_it_begins(store, experiments):
    job = store.accept()
    plan = an_experiment()
    attach_plan(store, job.id, TENANT, plan)
    assert experiments.attach(job.id, TENANT, plan, begin=False, now_ms=store.now_ms) == 0
    with pytest.raises(Conflict, match="begun"):
        send(store, experiments, job.id, an_outcome("e", "u"))
    book = read_experiment(experiments, job.id)
    seen = read_item(an_outcome("e", "u"), "#", book, store.now_ms)
    with pytest.raises(Conflict, match="begun"):
        experiments.record(job.id, TENANT, book, [seen], now_ms=store.now_ms)
    # It begins once: a second call changes nothing.
    began_ms = experiments.attach(job.id, TENANT, plan, begin=True, now_ms=store.now_ms)
    store.clock.advance(5)
    assert experiments.attach(job.id, TENANT, plan, begin=True, now_ms=store.now_ms) == began_ms
    assert send(store, experiments, job.id, an_outcome("e", "u")) == ["accepted"]


def test_an_ended_job_waits_for_news_of_its_verdict(store, experiments):
    # Given an ended job, and an endpoint that listens
    job = ended_job(store)
    attach(store, experiments, job.id)
    store.endpoints.create(TENANT, "whe_1", endpoint_fields(), now_ms=store.now_ms)
    key = f"cab:job:{job.id}:plan"
    # When a verdict is told, then all stays until that has been sent, and goes in its turn.
    close(store, job.id)
    assert (store.client.pttl(key), store.client.pttl(f"cab:job:{job.id}")) == (-1, -1)
    (event,) = [row for row in store.client.zrange("cab:due", 0, -1) if row.startswith("event:")]
    store.deliveries.fan_out(store.claim(event), [], now_ms=store.now_ms)
    assert store.client.pttl(key) > 0


def test_a_job_knows_how_far_its_experiment_is(store, experiments):
    # Given an ended job; when it gets a plan, begins, once and again, and is closed
    job, told = ended_job(store), []

    def note() -> None:
        told.append(store.jobs.read(job.id).experiment)

    note()
    attach(store, experiments, job.id)
    note()
    for _ in range(2):
        assert store.plans.begin(job.id, TENANT, now_ms=store.now_ms)
        note()
    assert close(store, job.id)
    note()
    # Then each is noted with it, and nothing begins that is over
    assert not store.plans.begin(job.id, TENANT, now_ms=store.now_ms)
    note()
    assert told == ["", "waiting", "running", "running", "winner", "winner"]


def test_nothing_begins_that_is_not_there(store, experiments):
    # Given a job without an experiment, and one whose experiment runs
    bare, job = ended_job(store), ended_job(store)
    attach(store, experiments, job.id)
    before = snapshot(store.client)
    # When it is begun where there is none, by somebody else, and for no job
    with pytest.raises(Conflict):
        store.plans.begin(bare.id, TENANT, now_ms=store.now_ms)
    for job_id, tenant_id in ((job.id, "ten_2"), ("job_0", TENANT)):
        with pytest.raises(NotFound):
            store.plans.begin(job_id, tenant_id, now_ms=store.now_ms)
    # Then nothing has changed
    assert snapshot(store.client) == before
