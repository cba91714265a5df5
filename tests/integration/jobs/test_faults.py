"""Workers die, leases run out, streams break: nothing is paid twice, nothing is lost."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import Any

import pytest

from service.jobs.advance import advance
from service.model.lifecycle import CutState
from service.model.rows import cut_row
from service.nemo.fingerprints import fingerprint
from tests.integration.jobs.harness import (
    Follower,
    Meddler,
    killed_by,
    run_until_dead,
    wait_until,
)


class TestTheEdit:
    """A paid message is sent at most once."""

    @pytest.mark.rule("P-068", "P-069", "P-084")
    def test_a_worker_that_dies_after_the_intent_leaves_an_edit_that_nobody_sends(
        self, engine, small_clip, sandbox
    ):
        # Given a worker that dies between writing down its intent and sending,
        job = engine.submit(small_clip, "A")
        run_until_dead(engine, killed_by(engine, Meddler, "converse"))
        assert engine.cut(job, "A").state is CutState.CAPTIONING
        intent = engine.doc(job, "A").intent
        # When another takes over, then it looks and waits, but never sends,
        engine.run_cut_to(job, "A", CutState.RECOVERING)
        ended = engine.run_job(job)
        assert engine.edits_sent() == {}
        # and the job ends by saying that it cannot know, and that nothing was charged.
        assert ended.status == "failed"
        failure = engine.doc(job, "A").failure
        assert (failure.code, failure.extra["charged"]) == ("edit_unconfirmed", "no")
        assert engine.doc(job, "A").intent == intent
        assert sandbox.books["charges"] == []

    @pytest.mark.rule("P-068")
    def test_what_is_about_to_be_sent_is_on_disk_first(self, engine, small_clip, sandbox):
        # Given a look into the store and at the backend in the moment before a message is sent,
        worker, seen = engine.worker("w"), []
        job = engine.submit(small_clip, "A")

        def look() -> None:
            row = json.loads(engine.client.hget(f"cab:row:{cut_row(job, 0, 'A')}", "doc"))
            token = engine.services.tokens.token_for(engine.account)
            state = engine.services.nemo.state(token, row["session_id"])
            seen.append((row["intent"], fingerprint(state), engine.clock.now_ms()))

        meddled: Any = Meddler(worker.nemo, "converse", look)
        engine.run_job(job, replace(worker, nemo=meddled))
        # Then the edit's id, the message's hash, the time and the state's fingerprint lay there,
        ((intent, fingerprint_then, then_ms),) = seen
        assert intent["fingerprint"] == fingerprint_then
        assert intent["at_ms"] == then_ms
        # and they are those of the message that the backend received.
        assert sandbox.books["edits"] == {intent["edit_id"]: 1}
        assert sandbox.books["messages"] == {intent["message_sha256"]: 1}

    @pytest.mark.rule("P-082")
    def test_it_is_looked_for_on_the_vendors_schedule(self, engine, small_clip):
        # Given an edit that nobody confirms,
        job = engine.submit(small_clip, "A")
        run_until_dead(engine, killed_by(engine, Meddler, "converse"))
        engine.run_cut_to(job, "A", CutState.RECOVERING)
        since_ms, looks = engine.doc(job, "A").recovery.since_ms, []
        # When time passes, then it is looked at 30, 90, 150, 210 and 270 seconds after the loss.
        while engine.cut(job, "A").state is CutState.RECOVERING:
            before = engine.doc(job, "A").recovery.looks
            advance(cut_row(job, 0, "A"), engine.services)
            cut = engine.cut(job, "A")
            if cut.state is not CutState.RECOVERING or cut.doc.recovery.looks > before:
                looks.append(round((engine.clock.now_ms() - since_ms) / 1000))
            engine.clock.advance(1)
        assert looks == [30, 90, 150, 210, 270]
        engine.run_job(job)

    @pytest.mark.rule("P-083")
    def test_a_worker_that_dies_after_the_stream_has_its_edit_confirmed(self, engine, small_clip):
        # Given a worker that dies when the edit has been made but not been written down,
        job = engine.submit(small_clip, "A")
        run_until_dead(engine, killed_by(engine, Follower, "converse"))
        # When another takes over, then it finds the edit in the state and goes on to the video.
        assert engine.run_job(job).status == "succeeded"
        assert list(engine.edits_sent().values()) == [1]
        assert engine.read(job).charged == 50

    @pytest.mark.rule("P-083")
    def test_a_stream_that_is_cut_after_the_edit_is_confirmed_from_the_state(
        self, engine, small_clip, sandbox
    ):
        # Given a backend whose connections break after two events while its run goes on,
        sandbox.world.board.set({"drop_after_events": 2, "run_continues": True})
        job = engine.submit(small_clip, "A")
        engine.run_cut_to(job, "A", CutState.RECOVERING)
        # Then the job succeeds with one send, and knows what it cost.
        assert engine.run_job(job).status == "succeeded"
        assert list(engine.edits_sent().values()) == [1]
        doc = engine.doc(job, "A")
        assert doc.edit.charged == "yes"
        # And the loss is kept for its story.
        assert doc.recovery is None
        assert "broke" in doc.survived.reason

    @pytest.mark.rule("P-067", "P-084")
    def test_a_stream_that_is_cut_before_the_edit_is_not_sent_again(
        self, engine, small_clip, sandbox
    ):
        sandbox.world.board.set({"drop_after_events": 1})
        job = engine.submit(small_clip, "A")
        assert engine.run_job(job).status == "failed"
        assert engine.doc(job, "A").failure.code == "edit_unconfirmed"
        assert list(engine.edits_sent().values()) == [1]
        assert sandbox.books["charges"] == []

    def test_what_the_backend_said_instead_of_an_edit_is_told(self, engine, small_clip, sandbox):
        # Given a backend that answers in words and changes nothing,
        sandbox.world.board.set({"edit_applied": "never"})
        job = engine.submit(small_clip, "A")
        # When the edit is given up, then its words stand in the error, and the hint names them.
        engine.run_job(job)
        failure = engine.doc(job, "A").failure
        assert failure.code == "edit_unconfirmed"
        assert failure.extra["said"]
        assert "```" not in failure.extra["said"]
        assert failure.hint.startswith("`said` is what the backend answered")

    def test_a_cut_whose_edit_is_looked_for_does_not_expire(self, engine, small_clip, sandbox):
        # Given a stream lost twenty seconds before the deadline,
        sandbox.world.board.set({"drop_after_events": 2, "run_continues": True})
        job = engine.submit(small_clip, "A", deadline_s=20)
        # When the edit is found after it, then the cut expires knowing what it cost.
        engine.run_job(job)
        doc = engine.doc(job, "A")
        assert (engine.cut(job, "A").state, doc.failure.code) == (CutState.EXPIRED, "expired")
        assert doc.edit.charged == "yes"

    def test_a_lease_too_old_does_not_send_and_a_new_one_does(self, engine, small_clip):
        # Given a worker that is held up until more than a third of its lease is gone,
        job = engine.submit(small_clip, "A")
        intents = []

        def hold_up() -> None:
            intents.append(engine.doc(job, "A").intent.edit_id)
            engine.clock.advance(21)

        worker = engine.worker("slow")
        worker = replace(worker, nemo=Meddler(worker.nemo, "converse", hold_up))
        # When it goes on, then that edit is never sent, and another is, once.
        assert engine.run_job(job, worker).status == "succeeded"
        ((sent, times),) = engine.edits_sent().items()
        assert times == 1
        assert sent not in intents


class Streaming:
    """A cut whose paid stream a worker reads in a thread, slowly."""

    def __init__(self, engine, clip, edit_s: float) -> None:
        self.engine = engine
        self.board = engine.sandbox.world.board
        self.board.set({"edit_s": edit_s})
        self.job = engine.submit(clip, "A")
        engine.run_cut_to(self.job, "A", CutState.UPLOADED)
        self.row = cut_row(self.job, 0, "A")
        self.worker = engine.worker("reader")
        self.thread = threading.Thread(target=advance, args=(self.row, self.worker))

    def __enter__(self) -> Streaming:
        self.thread.start()
        wait_until(lambda: self.engine.sandbox.books["streams"] == 1)
        self.board.set({"edit_s": 0.02})
        return self

    def __exit__(self, *_: object) -> None:
        self.thread.join(20)
        assert not self.thread.is_alive()


class TestAReaderThatLostItsLease:
    @pytest.mark.rule("P-073")
    def test_it_reads_on_and_the_new_owner_waits_for_what_it_saw(self, engine, small_clip):
        # Given a worker that reads a paid stream, and has not renewed its lease for too long,
        with Streaming(engine, small_clip, edit_s=1.5) as stream:
            engine.clock.advance(75)
            # When another takes the row over, then it does not send,
            advance(stream.row, engine.services)
            assert engine.cut(stream.job, "A").state is CutState.RECOVERING
            # and while the first says that it reads, the other neither fails nor asks.
            for _ in range(40):
                stream.worker.leases.renew_all()
                engine.clock.advance(10)
                advance(stream.row, engine.services)
            assert engine.doc(stream.job, "A").recovery.looks == 0
        # When the stream has ended, then its owner uses what was left, and the job succeeds.
        assert engine.run_job(stream.job).status == "succeeded"
        assert list(engine.edits_sent().values()) == [1]

    def test_its_evidence_is_used_at_once(self, engine, small_clip):
        with Streaming(engine, small_clip, edit_s=0.5) as stream:
            engine.clock.advance(75)
            advance(stream.row, engine.services)
            stream.worker.leases.renew_all()
            stream.worker.leases.renew_all()
        # Given a stream that has ended, when its owner is woken, then it need not wait any more.
        advance(stream.row, engine.services)
        assert engine.cut(stream.job, "A").state not in {CutState.RECOVERING, CutState.CAPTIONING}
        engine.run_job(stream.job)


class TestCancel:
    def test_a_stream_is_shut_down_and_the_result_says_whether_it_was_charged(
        self, engine, small_clip, sandbox
    ):
        # Given a stream of a minute, when its job is canceled,
        with Streaming(engine, small_clip, edit_s=60) as stream:
            engine.cancel(stream.job)
            stream.worker.leases.renew_all()
            # Then the worker is free within five seconds,
            wait_until(lambda: not stream.thread.is_alive(), timeout_s=5)
        ended = engine.run_job(stream.job)
        assert ended.status == "canceled"
        # and what is said of the charge is true by the backend's books.
        wait_until(lambda: sandbox.books["runs"][0]["outcome"] == "aborted")
        assert engine.doc(stream.job, "A").failure.extra["charged"] in {"no", "unknown"}
        assert sandbox.books["charges"] == []

    @pytest.mark.rule("P-094")
    def test_a_run_that_goes_on_without_us_is_not_called_free(self, engine, small_clip, sandbox):
        # Given a backend that finishes and charges what its client has hung up on,
        sandbox.world.board.set({"run_on_disconnect": "continue"})
        with Streaming(engine, small_clip, edit_s=2) as stream:
            engine.cancel(stream.job)
            stream.worker.leases.renew_all()
        engine.run_job(stream.job)
        wait_until(lambda: sandbox.books["charges"] != [])
        # Then the job, which could not know, did not say that nothing was charged.
        assert engine.doc(stream.job, "A").failure.extra["charged"] != "no"

    def test_an_edit_written_down_but_not_sent_was_not_charged(self, engine, small_clip):
        # Given a job canceled in the moment in which an edit is prepared,
        job = engine.submit(small_clip, "A")
        engine.run_cut_to(job, "A", CutState.UPLOADED)
        worker = engine.worker("w2")
        worker = replace(worker, nemo=Meddler(worker.nemo, "credits", lambda: engine.cancel(job)))
        engine.run(lambda: engine.read(job).expires_ms > 0, worker)
        # Then nothing was sent, and the result says so.
        assert engine.edits_sent() == {}
        assert engine.doc(job, "A").failure.extra["charged"] == "no"

    def test_a_cancel_that_the_renewer_saw_before_the_stream_began_sends_nothing(
        self, engine, small_clip
    ):
        # Given a cancel that is seen just before the worker listens for one,
        job = engine.submit(small_clip, "A")
        engine.run_cut_to(job, "A", CutState.UPLOADED)
        worker = engine.worker("w2")
        commit = worker.commands.commit

        def commit_then_cancel(claim, change, *, now_ms):
            asked = commit(claim, change, now_ms=now_ms)
            if change.state == CutState.CAPTIONING:
                engine.cancel(job)
                worker.leases.renew_all()
            return asked

        worker.commands.commit = commit_then_cancel
        engine.run(lambda: engine.read(job).expires_ms > 0, worker)
        assert engine.edits_sent() == {}
        assert engine.doc(job, "A").failure.extra["charged"] == "no"

    def test_a_job_canceled_while_it_renders_ends_without_its_video(self, engine, small_clip):
        job = engine.submit(small_clip, "A")
        engine.run_cut_to(job, "A", CutState.RENDERING)
        engine.cancel(job)
        assert engine.run_job(job).status == "canceled"
        assert engine.doc(job, "A").failure.extra["charged"] == "yes"
