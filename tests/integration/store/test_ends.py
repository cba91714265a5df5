"""finish and cancel: exactly one of them wins; what is left lives for its time."""

from __future__ import annotations

import pytest

from service.errors import Conflict, NotFound, StoreError
from service.model.lifecycle import JobStatus
from service.store.commands import LeaseLost
from service.store.scripts import Refusal
from tests.builders import ACCOUNT, a_delivery, a_new_job, a_spec, an_event
from tests.integration.store.invariants import snapshot


def cancel(store, job: str) -> JobStatus:
    return store.jobs.cancel(job, an_event("job.canceling"), now_ms=store.now_ms)


class TestFinish:
    def test_it_ends_the_job_with_its_result_and_last_event(self, store):
        new = store.comparing_job()
        store.clock.advance(5)
        store.finish(new.id)
        job = store.jobs.read(new.id)
        assert (job.status, job.ended_ms) == ("succeeded", store.now_ms)
        assert store.event_types(new.id)[-1] == "job.succeeded"

    def test_it_releases_what_was_set_aside(self, store):
        new, (a, b) = store.ready_job()
        claim = store.claim(a)
        store.commands.reserve(claim, amount=100, total=100, mark="0", now_ms=store.now_ms)
        store.commit(claim, "failed", ended=True)
        store.end(b, "failed")
        store.finish(new.id, "failed")
        assert store.accounts.read_account(ACCOUNT)["reserved"] == "0"

    def test_it_happens_once(self, store):
        new = store.comparing_job()
        claim = store.claim(f"finish:{new.id}")
        again = {"status": "failed", "result": "{}", "event": an_event("job.failed")}
        store.commands.finish(claim, **{**again, "status": "succeeded"}, now_ms=store.now_ms)
        before = snapshot(store.client)
        with pytest.raises(LeaseLost, match="ENDED"):
            store.commands.finish(claim, **again, now_ms=store.now_ms)
        assert snapshot(store.client) == before

    def test_a_holder_that_was_overtaken_does_not_end_it(self, store):
        new = store.comparing_job()
        old = store.claim(f"finish:{new.id}")
        store.clock.advance(70)
        store.finish(new.id, "partial")
        with pytest.raises(LeaseLost, match="FENCED"):
            store.commands.finish(
                old, status="failed", result="{}", event=an_event(), now_ms=store.now_ms
            )
        assert store.jobs.read(new.id).status == "partial"

    def test_a_job_that_has_ended_is_not_ended_again(self, store):
        # Given an ended job with a finish row that is open by some fault,
        new = store.comparing_job()
        claim = store.claim(f"finish:{new.id}")
        store.client.hset(f"cab:job:{new.id}", "status", "failed")
        with pytest.raises(StoreError, match="STATE"):
            store.commands.finish(
                claim, status="succeeded", result="{}", event=an_event(), now_ms=store.now_ms
            )
        store.client.hset(f"cab:job:{new.id}", "status", "comparing")
        store.commit(claim)


class TestCancel:
    def test_open_clips_and_cuts_are_woken_to_end(self, store):
        new = store.accept()
        store.silence()
        assert cancel(store, new.id) is JobStatus.CANCELING
        rows = {row.row for row in new.rows}
        assert {*store.bells("flow"), *store.bells("transfer")} == rows
        assert all(store.claim(row).cancel_asked for row in rows)
        assert store.event_types(new.id) == ["job.created", "job.canceling"]

    def test_it_reaches_a_row_that_waits_for_a_render(self, store):
        new, (a, _b) = store.ready_job()
        store.commit(store.claim(a), "rendering", ready_ms=store.now_ms + 30_000)
        cancel(store, new.id)
        assert store.claim(a).cancel_asked

    def test_it_reaches_a_row_that_waits_for_a_person(self, store):
        new, (a, b) = store.ready_job()
        until_ms = store.now_ms + 604_800_000
        store.commit(
            store.claim(a), "action_required", pause=1, free=True, ready_ms=until_ms,
            deadline_ms=until_ms,
        )  # fmt: skip
        cancel(store, new.id)
        store.end(a, "canceled", pause=-1)
        assert store.jobs.read(new.id).status == "canceling"
        store.end(b, "canceled")
        store.finish(new.id, "canceled")
        assert store.jobs.read(new.id).status == "canceled"

    def test_a_row_in_work_keeps_its_lease(self, store):
        new, (a, _b) = store.ready_job()
        claim = store.claim(a)
        cancel(store, new.id)
        assert store.try_claim(a, "w2") is Refusal.HELD
        store.commit(claim, "canceled", ended=True)

    def test_it_is_idempotent(self, store):
        new = store.accept()
        cancel(store, new.id)
        before = snapshot(store.client)
        assert cancel(store, new.id) is JobStatus.CANCELING
        assert snapshot(store.client) == before

    def test_an_ended_job_says_how_it_ended(self, store):
        new = store.comparing_job()
        store.finish(new.id, "partial")
        before = snapshot(store.client)
        assert cancel(store, new.id) is JobStatus.PARTIAL
        assert snapshot(store.client) == before

    def test_an_unknown_job_is_not_found(self, store):
        with pytest.raises(NotFound):
            cancel(store, "job_none")

    def test_a_cut_that_succeeds_all_the_same_counts(self, store):
        new, (a, b) = store.ready_job()
        cancel(store, new.id)
        store.end(a, "succeeded")
        store.end(b, "canceled")
        assert store.jobs.read(new.id).status == "canceling"
        assert store.is_due(f"finish:{new.id}")

    def test_ended_rows_are_not_marked(self, store):
        new, (a, _b) = store.ready_job()
        store.end(a, "succeeded")
        cancel(store, new.id)
        assert "cancel" not in store.row(a)
        assert not store.is_due(a)


class TestExactlyOneWins:
    def test_comparing_first(self, store):
        # Given a job whose videos exist, when it is to be canceled, then that is refused.
        new = store.comparing_job()
        before = snapshot(store.client)
        with pytest.raises(Conflict):
            cancel(store, new.id)
        assert snapshot(store.client) == before
        store.finish(new.id)
        assert store.jobs.read(new.id).status == "succeeded"

    def test_cancel_first(self, store):
        # Given a canceled job, when its last cut succeeds, then it does not start to compare.
        new, (a, b) = store.ready_job()
        store.end(a, "succeeded")
        cancel(store, new.id)
        store.end(b, "succeeded")
        assert store.jobs.read(new.id).status == "canceling"
        assert store.jobs.read(new.id).cancel_asked


class TestTimeToLive:
    def lives(self, store, new) -> int:
        return store.client.pttl(f"cab:job:{new.id}")

    def test_it_starts_when_nothing_of_the_job_is_open(self, store):
        new = store.comparing_job()
        assert self.lives(store, new) == -1
        store.finish(new.id)
        assert self.lives(store, new) > 600_000_000
        for key in store.client.keys(f"cab:*{new.id}*"):
            assert store.client.pttl(key) > 600_000_000, key
        expires_ms = store.now_ms + 604_800_000
        assert store.jobs.read(new.id).expires_ms == expires_ms
        assert store.client.zscore("cab:retention", new.id) == expires_ms

    def test_events_on_their_way_hold_it_off(self, store):
        # Given an ended job with a webhook,
        new = store.comparing_job(a_new_job(a_spec(hooks=True)))
        store.finish(new.id)
        events = [f"event:{new.id}.{n}" for n in (1, 2)]
        # When one event is fanned out to nobody and the other to one endpoint, it lives on,
        store.deliveries.fan_out(store.claim(events[0]), [], now_ms=store.now_ms)
        row = f"delivery:{new.id}.2.job"
        made = [a_delivery(row)]
        store.deliveries.fan_out(store.claim(events[1]), made, now_ms=store.now_ms)
        assert self.lives(store, new) == -1
        # until that delivery has ended.
        store.deliveries.record_attempt(
            store.claim(row), state="delivered", doc="{}", next_ms=0, now_ms=store.now_ms
        )
        assert self.lives(store, new) > 0
        assert store.client.pttl(f"cab:row:{row}") > 0

    def test_a_clip_still_being_fetched_holds_it_off(self, store):
        # Given a job canceled while its clip is fetched,
        new = store.accept()
        clip, a, b = [row.row for row in new.rows]
        claim = store.claim(clip)
        cancel(store, new.id)
        store.end(a, "canceled")
        store.end(b, "canceled")
        store.finish(new.id, "canceled")
        assert self.lives(store, new) == -1
        # When the fetch ends too, then its life begins to run out.
        store.commit(claim, "canceled", ended=True)
        assert self.lives(store, new) > 0
