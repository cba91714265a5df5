"""The table of errors (SEED, protocol appendix C): what each leads to, on a running engine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from service.clock import FakeClock
from service.model.lifecycle import CutState
from service.nemo.dialect import Heartbeat, HeartbeatForm
from service.nemo.errors import (
    BackendUnavailable,
    CreditsSpent,
    FormatRefused,
    MalformedRequest,
    PlanBlocked,
    RenderUnknown,
    ScopeMissing,
    SessionLost,
    SizeRefused,
)
from service.store.commands import Commands
from tests.builders import an_event
from tests.integration.jobs.harness import Follower, Harness


class Failing:
    """A backend client one of whose calls fails so many times."""

    def __init__(self, nemo: Any, call: str, error: Exception, times: int = 1) -> None:
        self._nemo, self._call, self._error, self._left = nemo, call, error, times

    def __getattr__(self, name: str) -> Any:
        if name == self._call and self._left:
            self._left -= 1

            def fail(*_: Any, **__: Any) -> Any:
                raise self._error

            return fail
        return getattr(self._nemo, name)


def worker_failing(engine: Harness, call: str, error: Exception, times: int = 1):
    worker = engine.worker("w")
    double: Any = Failing(worker.nemo, call, error, times)
    return replace(worker, nemo=double)


def resume(engine: Harness, job: str) -> int:
    return engine.services.jobs.resume(job, an_event("job.resumed"), now_ms=engine.clock.now_ms())


class TestPauses:
    """What a person can mend keeps what was paid for."""

    @pytest.mark.rule("P-161")
    def test_spent_credits_pause_and_resume_where_it_stopped(self, engine, small_clip):
        # Given an account that the backend calls empty when the edit is sent,
        worker = worker_failing(engine, "converse", CreditsSpent())
        job = engine.submit(small_clip, "A")
        engine.run(lambda: engine.read(job).status == "action_required", worker)
        failure = engine.doc(job, "A").failure
        assert failure.code == "no_credits"
        assert "Top up" in failure.hint
        # When somebody tops it up and says so, twice,
        assert [resume(engine, job), resume(engine, job)] == [1, 0]
        # Then the cut goes on in its session and ends well, paid once.
        assert engine.run_job(job).status == "succeeded"
        assert list(engine.edits_sent().values()) == [1]
        assert engine.doc(job, "A").failure is None
        assert engine.event_types(job).count("job.resumed") == 1

    @pytest.mark.rule("P-161")
    def test_an_anonymous_account_is_shown_where_to_register(self, make_engine, small_clip):
        engine = make_engine(balance=0)
        worker = worker_failing(engine, "converse", CreditsSpent())
        job = engine.submit(small_clip, "A")
        engine.run(lambda: engine.read(job).status == "action_required", worker)
        assert "register?bind=anon_" in engine.doc(job, "A").failure.hint

    @pytest.mark.rule("P-126")
    def test_a_blocked_plan_keeps_the_edited_session(self, engine, small_clip):
        # Given a plan that blocks the export, when it is upgraded and the job resumed,
        worker = worker_failing(engine, "submit_render", PlanBlocked())
        job = engine.submit(small_clip, "A")
        engine.run(lambda: engine.read(job).status == "action_required", worker)
        assert engine.doc(job, "A").failure.code == "plan_blocked"
        session = engine.doc(job, "A").session_id
        resume(engine, job)
        # Then the same edit is rendered; it is not paid for again.
        assert engine.run_job(job).status == "succeeded"
        assert engine.doc(job, "A").session_id == session
        assert list(engine.edits_sent().values()) == [1]

    def test_a_resumed_cut_has_its_whole_deadline_again(self, engine, small_clip):
        worker = worker_failing(engine, "converse", CreditsSpent())
        job = engine.submit(small_clip, "A", deadline_s=600)
        engine.run(lambda: engine.read(job).status == "action_required", worker)
        engine.clock.advance(3 * 86_400)
        resume(engine, job)
        assert engine.run_job(job).status == "succeeded"

    def test_a_paused_job_can_be_canceled(self, engine, small_clip):
        worker = worker_failing(engine, "converse", CreditsSpent())
        job = engine.submit(small_clip, "A")
        engine.run(lambda: engine.read(job).status == "action_required", worker)
        engine.cancel(job)
        assert engine.run_job(job).status == "canceled"


class TestLostSessions:
    @pytest.mark.rule("P-159")
    def test_before_the_edit_a_new_session_is_opened(self, engine, small_clip, sandbox):
        # Given a session that is gone when the clip is there,
        worker = worker_failing(engine, "credits", SessionLost())
        job = engine.submit(small_clip, "A")
        ended = engine.run_job(job, worker)
        # Then a second one takes its place, with the clip uploaded again, and nothing paid twice.
        assert ended.status == "succeeded"
        assert len(sandbox.books["uploads"]) == 2
        assert ended.charged == 50

    def test_a_second_loss_ends_the_cut(self, engine, small_clip):
        worker = worker_failing(engine, "credits", SessionLost(), times=9)
        ended = engine.run_job(engine.submit(small_clip, "A"), worker)
        assert ended.status == "failed"

    @pytest.mark.rule("P-160")
    def test_after_the_edit_a_person_is_asked_before_it_is_paid_again(self, engine, small_clip):
        # Given a session that is lost with its paid edit,
        worker = worker_failing(engine, "submit_render", SessionLost())
        job = engine.submit(small_clip, "A")
        engine.run(lambda: engine.read(job).status == "action_required", worker)
        failure = engine.doc(job, "A").failure
        assert (failure.code, failure.extra["charged"]) == ("session_lost", "yes")
        assert "pays for it again" in failure.hint
        # When somebody agrees, then the edit is sent once more, under an id of its own.
        resume(engine, job)
        assert engine.run_job(job).status == "succeeded"
        assert list(engine.edits_sent().values()) == [1, 1]
        assert engine.read(job).charged == 100


class TestEnds:
    @pytest.mark.rule("P-162", "P-163", "P-164")
    @pytest.mark.parametrize(
        ("call", "error", "words"),
        [
            ("upload", FormatRefused(), "Supported: mp4"),
            ("upload", SizeRefused(), "Compress or trim"),
            ("submit_render", ScopeMissing(), "scopes read, write, upload and render"),
            ("create_session", MalformedRequest("body.user_id: missing"), ""),
        ],
    )
    def test_what_nobody_can_mend_ends_the_cut_and_says_what_to_do(
        self, engine, small_clip, call, error, words
    ):
        ended = engine.run_job(engine.submit(small_clip, "A"), worker_failing(engine, call, error))
        assert ended.status == "failed"
        failure = engine.doc(ended.id, "A").failure
        assert failure.code == error.code
        assert words in failure.hint

    @pytest.mark.rule("P-166")
    def test_a_passing_fault_is_tried_again(self, engine, small_clip):
        worker = worker_failing(engine, "create_session", BackendUnavailable(sent=False), times=3)
        assert engine.run_job(engine.submit(small_clip, "A"), worker).status == "succeeded"

    @pytest.mark.rule("P-166")
    def test_a_fault_that_does_not_pass_ends_at_the_deadline(self, engine, small_clip):
        worker = worker_failing(engine, "create_session", BackendUnavailable(), times=10_000)
        job = engine.submit(small_clip, "A", deadline_s=120)
        assert engine.run_job(job, worker).status == "expired"

    def test_a_render_that_the_backend_forgot_is_asked_for_once_more(
        self, engine, small_clip, sandbox
    ):
        worker = worker_failing(engine, "poll_render", RenderUnknown())
        ended = engine.run_job(engine.submit(small_clip, "A"), worker)
        assert ended.status == "succeeded"
        assert len(sandbox.books["renders"]) == 2


class TestSettling:
    @pytest.mark.rule("P-086")
    def test_a_change_seen_after_a_loss_must_stand(self, engine, small_clip):
        # Given a worker that died after its stream, so that the edit is found in the state,
        worker = engine.worker("doomed")

        def die() -> None:
            raise SystemExit

        double: Any = Follower(worker.nemo, "converse", die)
        job = engine.submit(small_clip, "A")
        with pytest.raises(SystemExit):
            engine.run(lambda: False, replace(worker, nemo=double))
        engine.run(
            lambda: bool(engine.doc(job, "A").recovery and engine.doc(job, "A").recovery.seen)
        )
        seen_ms = engine.clock.now_ms()
        # When it is looked for, then it counts only after it has stood for `settle_s`.
        engine.run_cut_to(job, "A", CutState.RENDERING)
        assert engine.clock.now_ms() - seen_ms >= engine.settings.settle_s * 1000
        assert engine.run_job(job).status == "succeeded"


class SlowAnswer:
    """A backend client whose answers take five minutes, with a sign of life every ten seconds."""

    def __init__(self, nemo: Any, clock: FakeClock) -> None:
        self._nemo, self._clock = nemo, clock

    def converse(self, *args: Any, on_event: Any, **kwargs: Any) -> Any:
        said = self._nemo.converse(*args, on_event=lambda _: None, **kwargs)
        for _ in range(30):
            self._clock.advance(10)
            on_event(Heartbeat(HeartbeatForm.COMMENT))
        return said

    def __getattr__(self, name: str) -> Any:
        return getattr(self._nemo, name)


class TestProgress:
    @pytest.mark.rule("P-076")
    def test_it_is_told_every_two_minutes(self, engine, small_clip):
        # Given a stream of five minutes with a heartbeat every ten seconds,
        worker = engine.worker("w")
        slow: Any = SlowAnswer(worker.nemo, engine.clock)
        job = engine.submit(small_clip, "A")
        # When the job runs with the settings of production,
        done = engine.run_job(job, replace(worker, nemo=slow))
        # Then it is told after two minutes and after four, for whoever names the event.
        told = [each for each in engine.services.jobs.events(job) if each["type"] == "job.progress"]
        assert [each["data"]["seconds"] for each in told] == [120, 240]
        assert told[0]["data"]["cut"] == {"label": "A", "clip": 0, "revision": 1}
        assert done.status == "succeeded"

    def test_it_is_told_at_an_event_of_any_kind(self, make_engine, small_clip):
        # Given words of progress at every event, when a job runs,
        engine = make_engine(progress_every_s=0.0)
        job = engine.submit(small_clip, "A")
        engine.run_job(job)
        # Then they are among its events, without a second of them counting as a change of state.
        types = engine.event_types(job)
        assert "job.progress" in types
        assert types[-1] == "job.succeeded"

    def test_a_progress_that_cannot_be_told_ends_nothing(
        self, make_engine, small_clip, monkeypatch
    ):
        engine = make_engine(progress_every_s=0.0)

        def refuse(*_: Any, **__: Any) -> None:
            from service.errors import StoreUnavailable

            raise StoreUnavailable

        monkeypatch.setattr(Commands, "note", refuse)
        assert engine.run_job(engine.submit(small_clip, "A")).status == "succeeded"
