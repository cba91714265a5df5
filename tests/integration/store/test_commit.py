"""commit: the outcome of a step, all of it or nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.errors import StoreError
from service.store.commands import LeaseLost
from service.store.scripts import Refusal
from tests.builders import a_new_job, a_spec, an_event
from tests.integration.store.invariants import snapshot


def test_a_claim_that_was_overtaken_writes_nothing(store):
    # Given a row taken over after its lease,
    _, (a, _b) = store.ready_job(a_new_job(a_spec(hooks=True)))
    old = store.claim(a, "w1")
    store.clock.advance(70)
    store.claim(a, "w2")
    before = snapshot(store.client)
    # When the first holder commits all it can, then nothing changes.
    with pytest.raises(LeaseLost, match="FENCED"):
        store.commit(old, "succeeded", ended=True, events=[an_event()], pause=1, session=("A", "x"))
    assert snapshot(store.client) == before


def test_a_claim_commits_once(store):
    _, (a, _b) = store.ready_job()
    claim = store.claim(a)
    store.commit(claim, "failed", ended=True)
    before = snapshot(store.client)
    with pytest.raises(LeaseLost, match="ENDED"):
        store.commit(claim, "failed", ended=True)
    assert snapshot(store.client) == before


def test_a_commit_from_another_state_is_refused(store):
    _, (a, _b) = store.ready_job()
    claim = store.claim(a)
    before = snapshot(store.client)
    with pytest.raises(StoreError, match="STATE"):
        store.commit(replace(claim, state="rendering"), "rendered")
    assert snapshot(store.client) == before


@pytest.mark.parametrize("keep", [True, False])
def test_a_commit_whose_reply_was_lost_may_be_sent_again(store, keep):
    # Given a client that repeats a call because the connection broke before the reply,
    new, (a, _b) = store.ready_job()
    claim = store.claim(a)
    change = {"doc": '{"intent":1}', "keep": keep, "events": [an_event("cut.x")]}
    store.commit(claim, "captioning", **change)
    before = snapshot(store.client)
    # When the very same commit comes a second time, then it is done and nothing was written.
    store.commit(claim, "captioning", **change)
    assert snapshot(store.client) == before
    assert store.event_types(new.id) == ["job.created", "cut.x"]


def test_a_row_that_is_gone_is_lost(store):
    _, (a, _b) = store.ready_job()
    claim = store.claim(a)
    store.clock.advance(1)
    with pytest.raises(LeaseLost, match="GONE"):
        store.commit(replace(claim, row="cut:none"))


def test_an_expired_lease_that_nobody_took_may_still_commit(store):
    _, (a, _b) = store.ready_job()
    claim = store.claim(a)
    store.clock.advance(500)
    store.commit(claim, "session_open")
    assert store.row(a)["state"] == "session_open"


def test_kept_the_row_stays_with_its_holder_under_a_new_lease(store):
    _, (a, _b) = store.ready_job()
    claim = store.claim(a)
    store.clock.advance(50)
    store.commit(claim, "session_open", keep=True)
    assert store.due_in_ms(a) == 70_000
    assert store.try_claim(a, "w2") is Refusal.HELD
    store.commit(replace(claim, state="session_open"), "uploaded")


def test_given_back_for_now_it_is_rung_for_on_its_new_queue(store):
    _, (a, _b) = store.ready_job()
    store.silence()
    store.commit(store.claim(a), "session_open", queue="transfer")
    assert store.bells("transfer") == [a]
    assert store.due_in_ms(a) == 0
    assert store.claim(a).queue == "transfer"


def test_given_back_for_later_nobody_is_rung_for(store):
    _, (a, _b) = store.ready_job()
    store.silence()
    store.commit(store.claim(a), "rendering", ready_ms=store.now_ms + 30_000)
    assert store.bells("flow") == []
    assert store.due_in_ms(a) == 30_000


def test_an_ended_row_leaves_due_set_slot_and_lease(store):
    new, (a, _b) = store.ready_job()
    store.end(a, "succeeded")
    assert not store.is_due(a)
    assert (store.row(a)["lease"], store.row(a)["open"]) == ("0", "0")
    assert store.client.scard(f"cab:account:{new.account_id}:slots") == 0


def test_it_wakes_the_rows_that_waited_for_this_one(store):
    new = store.accept()
    clip, a, b = [row.row for row in new.rows]
    store.silence()
    store.end(clip, "ready", wake=[a, b])
    assert store.bells("flow") == [a, b]
    assert (store.due_in_ms(a), store.due_in_ms(b)) == (0, 0)


def test_it_does_not_wake_a_row_that_somebody_works_on_or_that_has_ended(store):
    _, (a, b) = store.ready_job()
    held = store.claim(a)
    due = store.due_in_ms(a)
    store.silence()
    store.end(b, "failed", wake=[a, b])
    assert (store.bells("flow"), store.due_in_ms(a)) == ([], due)
    assert not store.is_due(b)
    store.commit(held)


def test_what_a_session_leaves_is_kept_for_its_later_cuts(store):
    new, (a, _b) = store.ready_job()
    assert store.jobs.read_session(new.id, "A") == ""
    store.commit(store.claim(a), "session_open", session=("A", "left"))
    assert store.jobs.read_session(new.id, "A") == "left"


class TestEvents:
    def test_they_are_numbered_in_the_order_of_commits(self, store):
        new, (a, b) = store.ready_job()
        store.commit(store.claim(a), events=[an_event("cut.x"), an_event("cut.y")])
        store.commit(store.claim(b), events=[an_event("cut.z")])
        events = store.jobs.events(new.id)
        assert [e["type"] for e in events] == ["job.created", "cut.x", "cut.y", "cut.z"]
        assert [e["sequence"] for e in events] == [1, 2, 3, 4]
        assert store.jobs.events(new.id, after=2) == events[2:]

    def test_each_has_a_row_for_hooks(self, store):
        new, (a, _b) = store.ready_job(a_new_job(a_spec(hooks=True)))
        store.silence()
        store.commit(store.claim(a), events=[an_event("cut.x")])
        assert store.bells("hooks") == [f"event:{new.id}.2"]


class TestJobStatus:
    """A job's status follows from its cuts."""

    def test_the_first_work_makes_it_running_and_says_so_once(self, store):
        new = store.accept()
        store.end(new.rows[0].row, "ready", first=an_event("job.running"))
        store.clock.advance(60)
        store.commit(store.claim(new.rows[1].row), first=an_event("job.running"))
        assert store.jobs.read(new.id).status == "running"
        assert store.event_types(new.id) == ["job.created", "job.running"]

    def test_it_runs_while_a_cut_is_open(self, store):
        new, (a, _b) = store.ready_job()
        store.end(a, "succeeded")
        assert store.jobs.read(new.id).status == "running"
        assert not store.is_due(f"finish:{new.id}")

    @pytest.mark.parametrize("last", ["succeeded", "failed", "expired"])
    def test_the_last_cut_makes_it_comparing_and_its_finish_due(self, store, last):
        new, (a, b) = store.ready_job()
        store.end(a, "succeeded")
        store.silence()
        store.end(b, last)
        assert store.jobs.read(new.id).status == "comparing"
        assert store.bells("media") == [f"finish:{new.id}"]
        assert store.row(f"finish:{new.id}")["fence"] == "0"

    def test_a_person_is_waited_for_while_one_cut_needs_it(self, store):
        # Given two cuts that both need a person,
        new, (a, b) = store.ready_job()
        for row in (a, b):
            store.commit(
                store.claim(row), "action_required", free=True, pause=1, ready_ms=store.now_ms
            )
            assert store.jobs.read(new.id).status == "action_required"
        # When one goes on, then the job still waits; when both do, it runs.
        store.commit(store.claim(a), "uploaded", pause=-1)
        assert store.jobs.read(new.id).status == "action_required"
        store.commit(store.claim(b), "uploaded", pause=-1)
        assert store.jobs.read(new.id).status == "running"

    def test_a_cut_that_nobody_acted_on_ends_and_is_no_longer_waited_for(self, store):
        new, (a, b) = store.ready_job()
        store.commit(store.claim(a), "action_required", free=True, pause=1, ready_ms=store.now_ms)
        store.end(a, "expired", pause=-1)
        assert store.jobs.read(new.id).status == "running"
        store.end(b, "succeeded")
        assert store.jobs.read(new.id).status == "comparing"

    def test_a_pause_sets_a_deadline_of_its_own(self, store):
        _, (a, _b) = store.ready_job()
        until_ms = store.now_ms + 604_800_000
        store.commit(
            store.claim(a), "action_required", free=True, pause=1, ready_ms=until_ms,
            deadline_ms=until_ms,
        )  # fmt: skip
        assert store.due_in_ms(a) == 604_800_000
        store.clock.advance(7_200)
        assert store.try_claim(a) is Refusal.NOT_YET


class TestCanceled:
    """A row that is asked to cancel does not wait for its next step."""

    def test_the_holder_is_told(self, store):
        new, (a, _b) = store.ready_job()
        claim = store.claim(a)
        store.jobs.cancel(new.id, an_event("job.canceling"), now_ms=store.now_ms)
        assert store.commit(claim, keep=True) is True

    def test_what_would_wait_is_due_now(self, store):
        new, (a, _b) = store.ready_job()
        claim = store.claim(a)
        store.jobs.cancel(new.id, an_event("job.canceling"), now_ms=store.now_ms)
        store.silence()
        store.commit(claim, "rendering", ready_ms=store.now_ms + 30_000)
        assert (store.due_in_ms(a), store.bells("flow")) == (0, [a])
