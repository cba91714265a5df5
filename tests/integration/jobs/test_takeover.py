"""Workers die while a video is rendered, fetched or compared: another one takes over."""

from __future__ import annotations

import pytest

from service.model.lifecycle import CutState
from tests.integration.jobs.harness import Follower, Killed, Meddler, killed_by, run_until_dead


class TestTheRender:
    """One render for each cut, whoever dies."""

    @pytest.mark.rule("P-104", "P-105")
    @pytest.mark.parametrize("double", [Meddler, Follower])
    @pytest.mark.parametrize("call", ["submit_render", "poll_render"])
    def test_a_worker_that_dies_leaves_one_render(self, engine, small_clip, sandbox, double, call):
        job = engine.submit(small_clip)
        run_until_dead(engine, killed_by(engine, double, call))
        assert engine.run_job(job).status == "succeeded"
        assert len(sandbox.books["renders"]) == 2
        assert sorted(engine.edits_sent().values()) == [1, 1]

    def test_a_worker_that_dies_fetching_the_video_leaves_it_whole(self, engine, small_clip):
        job = engine.submit(small_clip, "A")
        run_until_dead(engine, killed_by(engine, Meddler, "download"))
        assert engine.run_job(job).status == "succeeded"

    def test_a_session_edited_by_somebody_else_is_not_rendered(self, engine, small_clip, sandbox):
        # Given a draft that changed after the edit was confirmed,
        job = engine.submit(small_clip, "A")
        worker = engine.worker("w2")
        read_state = worker.nemo.state

        def state(token, session_id):
            if engine.doc(job, "A").render:  # it is about to be submitted
                (mine,) = sandbox.world.sessions._sessions.values()
                mine.draft["t"].append({"tt": 7, "sg": [{"theirs": 1}]})
            return read_state(token, session_id)

        worker.nemo.state = state
        engine.run(lambda: engine.read(job).expires_ms > 0, worker)
        # Then it is not rendered, and the job says why.
        assert engine.doc(job, "A").failure.code == "draft_changed"
        assert sandbox.books["renders"] == {}


class TestCrashes:
    def test_a_step_that_always_kills_its_worker_ends_the_cut(self, engine, small_clip):
        # Given a clip whose upload kills every worker that tries it,
        job = engine.submit(small_clip, "A")
        engine.run_cut_to(job, "A", CutState.SESSION_OPEN)
        for _ in range(engine.settings.crash_limit):
            run_until_dead(engine, killed_by(engine, Meddler, "upload"))
        # Then the cut fails instead of killing a sixth.
        assert engine.run_job(job).status == "failed"
        assert engine.doc(job, "A").failure.code == "crashed"

    def test_a_comparison_that_always_kills_its_worker_does_not_hold_the_job(
        self, engine, small_clip, monkeypatch
    ):
        job = engine.submit(small_clip, "A")
        engine.run_cut_to(job, "A", CutState.SUCCEEDED)

        def die(*_: object) -> None:
            raise Killed

        monkeypatch.setattr("service.jobs.finish.compare", die)
        for _ in range(engine.settings.crash_limit):
            run_until_dead(engine, engine.services)
        # Then the job ends with its videos and without a comparison.
        assert engine.run_job(job).status == "succeeded"
        assert engine.read(job).result == {}
