"""After a message was sent, no error sends it again, and every end says what it cost."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from service.errors import StoreError
from service.model.lifecycle import CutState
from service.nemo.errors import BackendConfused, BackendUnavailable, SessionLost, TokenRejected
from service.vault import Vault, new_vault_key
from tests.integration.jobs.harness import Harness, Killed
from tests.integration.jobs.test_remedies import resume, worker_failing
from tests.receiver import Receiver


class AfterTheStream:
    """A backend client whose state calls fail so many times once a message was answered."""

    def __init__(self, nemo: Any, error: Exception, times: int) -> None:
        self._nemo, self._error, self._left, self._sent = nemo, error, times, False

    def converse(self, *args: Any, **kwargs: Any) -> Any:
        answer = self._nemo.converse(*args, **kwargs)
        self._sent = True
        return answer

    def __getattr__(self, name: str) -> Any:
        if name == "state" and self._sent and self._left:
            self._left -= 1
            raise self._error
        return getattr(self._nemo, name)


def worker_after(engine: Harness, error: Exception, times: int = 1):
    worker = engine.worker("w")
    double: Any = AfterTheStream(worker.nemo, error, times)
    return replace(worker, nemo=double)


class TestAfterTheStream:
    @pytest.mark.rule("P-067")
    @pytest.mark.parametrize(
        "error", [BackendConfused("odd"), BackendUnavailable(), TokenRejected()], ids=repr
    )
    def test_an_error_loses_no_paid_edit_and_sends_none_again(self, engine, small_clip, error):
        # Given a state that cannot be read right after the paid stream,
        job = engine.submit(small_clip, "A")
        # When the job goes on, then the edit is found later, and was sent once.
        assert engine.run_job(job, worker_after(engine, error)).status == "succeeded"
        assert list(engine.edits_sent().values()) == [1]
        assert engine.read(job).charged == 50

    def test_a_token_that_stays_dead_is_a_persons_business_and_resuming_only_looks(
        self, engine, small_clip
    ):
        # Given a token that died during the stream, and a person who gives another,
        job = engine.submit(small_clip, "A")
        worker = worker_after(engine, TokenRejected(), times=9)
        engine.run(lambda: engine.read(job).status == "action_required", worker)
        assert engine.doc(job, "A").failure.code == "auth"
        resume(engine, job)
        # When the job goes on, then nothing is sent again.
        assert engine.run_job(job).status == "succeeded"
        assert list(engine.edits_sent().values()) == [1]

    def test_a_state_that_can_never_be_read_ends_the_job(self, engine, small_clip):
        # Given a backend that never tells its state again, when the looks are used up,
        job = engine.submit(small_clip, "A", deadline_s=600)
        ended = engine.run_job(job, worker_after(engine, BackendUnavailable(), times=10_000))
        # Then the job has ended, and says that the edit may have been made.
        failure = engine.doc(job, "A").failure
        assert (ended.status, failure.code) == ("failed", "edit_unconfirmed")
        assert failure.extra["charged"] in {"yes", "unknown"}

    def test_looks_keep_their_distance_after_an_outage(self, engine, small_clip):
        # Given a cut in recovery, and an outage that outlasts the whole schedule,
        job = engine.submit(small_clip, "A")
        worker = worker_after(engine, BackendUnavailable(), times=10_000)
        engine.run(lambda: engine.cut(job, "A").state is CutState.RECOVERING, worker)
        engine.clock.advance(1_000)
        # When it is over, then the cut is not given up within the same second.
        before_ms = engine.clock.now_ms()
        engine.run_job(job, worker)
        assert engine.clock.now_ms() - before_ms > 60_000


class TestCharged:
    def test_a_paid_edit_that_was_lost_is_not_called_free_when_canceled(self, engine, small_clip):
        # Given an edit that was paid and lost with its session, when the job is canceled,
        worker = worker_failing(engine, "submit_render", SessionLost())
        job = engine.submit(small_clip, "A")
        engine.run(lambda: engine.read(job).status == "action_required", worker)
        engine.cancel(job)
        engine.run_job(job)
        # Then it says that it was charged.
        assert engine.doc(job, "A").failure.extra["charged"] == "yes"

    @pytest.mark.rule("P-094", "P-160")
    def test_an_edit_that_was_lost_before_it_was_booked_is_booked_all_the_same(
        self, engine, small_clip
    ):
        # Given a session that is gone when the state is looked at, just after the paid stream,
        job = engine.submit(small_clip, "A")
        engine.run(
            lambda: engine.read(job).status == "action_required",
            worker_after(engine, SessionLost(), times=2),
        )
        # Then the person who is asked is told that it was charged,
        failure = engine.doc(job, "A").failure
        assert (failure.code, failure.extra["charged"]) == ("session_lost", "yes")
        # and the job's books have it, as has the word of the canceled cut.
        assert engine.read(job).charged == 50
        engine.cancel(job)
        engine.run_job(job)
        assert engine.doc(job, "A").failure.extra["charged"] == "yes"

    def test_an_edit_that_was_lost_and_cost_nothing_is_called_free(
        self, engine, small_clip, sandbox
    ):
        # Given an edit that was never applied, and a session that is gone when it is looked for,
        sandbox.world.board.set({"edit_applied": "never"})
        job = engine.submit(small_clip, "A")
        engine.run(
            lambda: engine.read(job).status == "action_required",
            worker_after(engine, SessionLost(), times=2),
        )
        assert engine.doc(job, "A").failure.extra["charged"] == "no"
        engine.cancel(job)
        assert engine.run_job(job).charged == 0

    def test_a_step_that_kills_its_worker_while_paying_says_that_it_does_not_know(
        self, engine, small_clip, sandbox
    ):
        # Given a worker that dies each time it reads the state after the stream,
        engine.settings = replace(engine.settings, crash_limit=2)
        job = engine.submit(small_clip, "A")

        def dying():
            worker = engine.worker("doomed")
            double: Any = AfterTheStream(worker.nemo, Killed(), times=99)
            double._sent = double._sent or engine.edits_sent() != {}
            return replace(worker, nemo=double)

        for _ in range(20):
            try:
                engine.run_job(job, dying())
                break
            except Killed:
                continue
        failure = engine.doc(job, "A").failure
        assert failure.code == "crashed"
        assert failure.extra["charged"] == "unknown"
        assert sum(charge["credits"] for charge in sandbox.books["charges"]) == 50

    @pytest.mark.rule("P-094")
    def test_two_edits_of_one_account_are_each_charged_their_own(self, make_engine, small_clip):
        # Given two edits of one job, when both are made,
        engine = make_engine(balance=1000)
        job = engine.submit(small_clip)
        engine.run_job(job)
        # Then each has its own charge, and the job their sum.
        docs = [engine.doc(job, label) for label in "AB"]
        assert [doc.edit.credits for doc in docs] == [50, 50]
        assert engine.read(job).charged == 100


class TestDeliveries:
    def test_a_delivery_that_cannot_be_signed_ends(self, make_engine, small_clip, monkeypatch):
        # Given a secret sealed under a key that is gone,
        with Receiver() as receiver:
            engine = make_engine(caller_loopback_ports=(receiver.port,), caller_http=True)
            monkeypatch.setattr(engine.services.vault, "_fernet", Vault([new_vault_key()])._fernet)
            job = engine.submit(small_clip, "A", webhook={"url": receiver.url, "events": ["job.*"]})
            # When workers fail over it again and again, then the deliveries are given up.
            for _ in range(200):
                with suppress(StoreError):
                    engine.run_job(job)
                    break
            assert engine.read(job).expires_ms > 0
            assert receiver.received == []

    def test_a_receiver_that_wants_nothing_more_gets_nothing_more(self, make_engine, small_clip):
        with Receiver(replies=[410]) as receiver:
            engine = make_engine(caller_loopback_ports=(receiver.port,), caller_http=True)
            job = engine.submit(small_clip, "A", webhook={"url": receiver.url, "events": ["job.*"]})
            engine.run_job(job)
            # Deliveries that were on their way when it said so may still come.
            assert len(receiver.received) < len(engine.services.jobs.events(job))
