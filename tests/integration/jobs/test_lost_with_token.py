"""A token dies in the middle of a job, and the session goes with it."""

from __future__ import annotations

import pytest

from service.model.lifecycle import CutState
from tests.builders import an_event
from tests.integration.jobs.account import world

__all__ = ["world"]


@pytest.mark.rule("P-157")
@pytest.mark.parametrize("state", [CutState.SESSION_OPEN, CutState.UPLOADED])
def test_a_session_that_went_with_its_token_is_rebuilt_from_the_upload(world, small_clip, state):
    # Given a backend for which a client is another user with its next token,
    job = world.engine.submit(small_clip, "A")
    world.engine.run_cut_to(job, "A", state)
    before = world.engine.doc(job, "A").session_id
    world.expire()
    # When the job goes on with the new token, then the old session is not there any more:
    done = world.engine.run_job(job)
    # the clip is sent into a new one, nobody is asked, and one edit is paid for.
    assert done.status == "succeeded"
    assert world.engine.doc(job, "A").session_id not in {"", before}
    assert world.engine.doc(job, "A").lost_session == before
    assert "job.action_required" not in world.engine.event_types(job)
    assert list(world.engine.edits_sent().values()) == [1]
    assert done.charged == 50


@pytest.mark.rule("P-157", "P-160")
def test_a_paid_edit_that_went_with_its_token_is_asked_about(world, small_clip):
    # Given the same after the edit was paid for,
    job = world.engine.submit(small_clip, "A")
    world.engine.run_cut_to(job, "A", CutState.RENDERING)
    world.expire()
    # When the state cannot be read for the render, then a person is asked first,
    assert world.engine.run_until_paused(job).charged == 50
    failure = world.engine.doc(job, "A").failure
    assert (failure.code, failure.extra["charged"]) == ("session_lost", "yes")
    # and only then it is rebuilt and paid for again.
    now_ms = world.engine.clock.now_ms()
    world.engine.services.jobs.resume(job, an_event("job.resumed"), now_ms=now_ms)
    assert world.engine.run_job(job).status == "succeeded"
    assert list(world.engine.edits_sent().values()) == [1, 1]
