"""Rules of the protocol that only a running engine shows."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from service.nemo.errors import DuplicateRender
from tests.integration.jobs.harness import Follower


@pytest.mark.rule("P-081")
def test_words_without_a_change_are_no_edit(engine, small_clip, sandbox):
    # Given an agent that says that it is done and has changed nothing,
    sandbox.world.board.set({"edit_applied": "never"})
    job = engine.submit(small_clip, "A")
    # When the job runs, then the edit is looked for, not believed, and not sent again.
    assert engine.run_job(job).status == "failed"
    assert engine.doc(job, "A").failure.code == "edit_unconfirmed"
    assert list(engine.edits_sent().values()) == [1]


@pytest.mark.rule("P-103")
def test_the_output_is_mp4_in_high_quality_at_1080p_unless_asked_otherwise(engine, small_clip):
    # Given a job that names no output, when its render is submitted,
    asked: list[dict[str, Any]] = []
    worker = engine.worker("w")

    class Listening:
        def __getattr__(self, name: str) -> Any:
            call = getattr(worker.nemo, name)
            if name != "submit_render":
                return call

            def submit(*args: Any, **kwargs: Any) -> Any:
                asked.append(dict(kwargs["output"]))
                return call(*args, **kwargs)

            return submit

    double: Any = Listening()
    job = engine.submit(small_clip, "A", output={})
    engine.run_job(job, replace(worker, nemo=double))
    # Then that is what the backend was asked for.
    assert asked == [{"format": "mp4", "quality": "high", "resolution": "1080p"}]


@pytest.mark.rule("P-106")
def test_a_duplicate_id_means_that_the_render_was_accepted(engine, small_clip, sandbox):
    # Given a submit that arrived, and is answered as a duplicate,
    worker = engine.worker("w")

    def refuse() -> None:
        raise DuplicateRender

    double: Any = Follower(worker.nemo, "submit_render", refuse)
    # When the job runs, then that render is polled, and there is no other.
    ended = engine.run_job(engine.submit(small_clip, "A"), replace(worker, nemo=double))
    assert ended.status == "succeeded"
    assert len(sandbox.books["renders"]) == 1


@pytest.mark.rule("P-110")
def test_a_render_is_polled_every_30_seconds(engine, small_clip, sandbox):
    # Given a render that takes long, when it is polled, then 30 s lie between two looks.
    sandbox.world.board.set({"processing_s": 100_000.0})
    engine._wait_for_backend = lambda: None
    job = engine.submit(small_clip, "A")
    looks: list[int] = []

    def polled(count: int) -> bool:
        doc = engine.doc(job, "A")
        return bool(doc.render and doc.render.polls >= count)

    for count in (1, 2, 3, 4):
        engine.run(lambda: polled(count))  # noqa: B023  run before the next turn
        looks.append(engine.clock.now_ms())
    assert [later - earlier for earlier, later in pairwise(looks)] == [30_000] * 3


@pytest.mark.rule("P-152")
def test_a_reply_full_of_gui_phrases_leads_to_no_second_message(engine, small_clip, sandbox):
    # Given replies that tell a person to click, drag and export, when a job runs,
    job = engine.submit(small_clip, "A")
    ended = engine.run_job(job)
    # Then one message was sent, and the caller reads none of it.
    assert ended.status == "succeeded"
    assert list(engine.edits_sent().values()) == [1]
    assert len(sandbox.books["runs"]) == 1
    assert "click" not in engine.doc(job, "A").edit.text.lower()
