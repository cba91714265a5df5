"""No render is left behind: one that nobody waits for is dropped, a resumed cut keeps its own."""

from __future__ import annotations

from collections import Counter

import pytest

from service.model.lifecycle import CutState
from service.nemo.errors import BackendUnavailable, TokenRejected
from tests.integration.jobs.harness import Harness
from tests.integration.jobs.test_remedies import resume, worker_failing


@pytest.fixture
def endless(engine, sandbox) -> Harness:
    """An engine whose renders are never done."""
    sandbox.world.board.set({"processing_s": 100_000.0})
    engine._wait_for_backend = lambda: None
    return engine


def statuses(engine: Harness) -> Counter[str]:
    """How the backend's renders stand."""
    return Counter(render["status"] for render in engine.sandbox.books["renders"].values())


@pytest.mark.rule("P-120")
def test_the_render_of_a_canceled_job_is_dropped(endless, small_clip):
    # Given a render under way, when its job is canceled,
    job = endless.submit(small_clip, "A")
    endless.run(lambda: statuses(endless).total() == 1)
    endless.cancel(job)
    # Then the backend is told that nobody waits for it.
    assert endless.run_job(job).status == "canceled"
    assert statuses(endless) == {"cancelled": 1}


@pytest.mark.rule("P-120")
def test_the_render_of_an_expired_cut_is_dropped(endless, small_clip):
    # Given a render that is under way at the deadline, then it ends with the cut.
    job = endless.submit(small_clip, "A", deadline_s=120)
    assert endless.run_job(job).status == "expired"
    assert statuses(endless) == {"cancelled": 1}


@pytest.mark.rule("P-120")
def test_a_render_that_took_too_long_is_dropped_before_the_next_and_so_is_that(endless, small_clip):
    # Given renders that are never done in as many polls as there may be,
    job = endless.submit(small_clip, "A", deadline_s=86_400)
    # when both have been given up, then neither goes on.
    assert endless.run_job(job).status == "failed"
    assert endless.doc(job, "A").failure.code == "render_timeout"
    assert statuses(endless) == {"cancelled": 2}


def test_a_cut_without_a_render_has_none_to_drop(engine, small_clip):
    job = engine.submit(small_clip, "A")
    engine.run_cut_to(job, "A", CutState.UPLOADED)
    engine.cancel(job)
    assert engine.run_job(job).status == "canceled"
    assert not [row for row in engine.sandbox.books["requests"] if row.endswith("/cancel")]


def test_a_render_that_cannot_be_dropped_holds_no_cancel_up(endless, small_clip):
    # Given a backend that refuses to drop it, when the job is canceled, then it ends all the same.
    job = endless.submit(small_clip, "A")
    endless.run(lambda: statuses(endless).total() == 1)
    endless.cancel(job)
    worker = worker_failing(endless, "cancel_render", BackendUnavailable())
    assert endless.run_job(job, worker).status == "canceled"


@pytest.mark.rule("P-126")
def test_a_resumed_cut_goes_on_with_the_render_it_has(engine, small_clip):
    # Given a token that dies while a render is polled, and a person who gives another,
    worker = worker_failing(engine, "poll_render", TokenRejected())
    job = engine.submit(small_clip, "A")
    engine.run(lambda: engine.read(job).status == "action_required", worker)
    render_id = engine.doc(job, "A").render.render_id
    assert engine.doc(job, "A").failure.code == "auth"
    resume(engine, job)
    # When the cut goes on, then it fetches that render and asks for no other.
    assert engine.run_job(job).status == "succeeded"
    assert list(engine.sandbox.books["renders"]) == [render_id]
    assert engine.sandbox.books["orphaned_renders"] == []


@pytest.mark.rule("P-121")
def test_a_finished_render_that_cannot_be_had_is_not_made_again(engine, small_clip, sandbox):
    # Given a finished render that neither its address nor the API's own download has,
    sandbox.world.board.set({"result_dead": True, "fallback": "none"})
    # when the job ends, then it says that the result is gone; a second render would be so too.
    ended = engine.run_job(engine.submit(small_clip, "A"))
    assert ended.status == "failed"
    assert engine.doc(ended.id, "A").failure.code in {"result_gone", "render_unknown"}
    assert statuses(engine) == {"completed": 1}


@pytest.mark.rule("P-108")
def test_a_draft_that_changes_between_two_renders_earns_no_third(engine, small_clip, sandbox):
    # Given renders that fail, and a backend that adds to the draft after the first of them,
    sandbox.world.board.set({"render_fail": "always"})
    job = engine.submit(small_clip, "A")
    engine.run(lambda: len(engine.sandbox.books["renders"]) == 1)
    (session,) = sandbox.world.sessions._sessions.values()
    session.draft["t"].append({"tt": 1, "sg": [{"music": 1}]})
    # when the job has ended, then it has asked for one new render and no more.
    assert engine.run_job(job).status == "failed"
    assert engine.doc(job, "A").failure.code == "render_failed"
    assert statuses(engine).total() == 2
