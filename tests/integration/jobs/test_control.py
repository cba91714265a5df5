"""Only the captions may differ: what a backend adds to one variant is asked away, or said."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from service.jobs import comparison
from service.jobs.advance import advance
from service.jobs.comparison import read_report
from service.model.lifecycle import CutState
from service.model.rows import cut_row
from tests.integration.jobs.harness import wait_until


class SecondDisobeyed:
    """A backend client whose second message meets an agent that adds what nobody asked for."""

    def __init__(self, nemo: Any, board: Any) -> None:
        self._nemo, self._board, self._messages = nemo, board, 0

    def converse(self, *args: Any, **kwargs: Any) -> Any:
        self._messages += 1
        self._board.set({"obedience": 0.0 if self._messages == 2 else 1.0})
        return self._nemo.converse(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._nemo, name)


@pytest.mark.rule("P-088")
def test_variants_with_nothing_added_are_not_confounded(engine, small_clip):
    ended = engine.run_job(engine.submit(small_clip))
    assert ended.result["confounded"] == []
    # And while measuring is switched off, nothing is claimed.
    assert ended.result["status"] == "unavailable"
    assert ended.result["controlled"] is None


def test_variants_that_differ_in_captions_alone_are_controlled(make_engine, small_clip):
    # Given a job of which the pictures and the sound are measured, when it has run,
    engine = make_engine(compare_deadline_s=60.0)
    ended = engine.run_job(engine.submit(small_clip))
    # Then it says so, and of the clip too.
    assert ended.status == "succeeded"
    assert ended.result["status"] == "done", ended.result
    assert ended.result["controlled"] is True, ended.result
    (clip,) = ended.result["clips"]
    assert (clip["controlled"], clip["reason"]) == (True, None)
    assert clip["control"]["differences"] == []
    # And how far captions of this size can be judged; everything is among its files.
    assert clip["verdict"]["result"] == "unknown"
    assert "low confidence" in clip["verdict"]["text"]
    full = json.loads(read_report(ended.id, engine.services.files))
    assert (full["job"], full["clips"][0]["variants"]) == (ended.id, ["A", "B"])
    assert full["clips"][0]["measures"]["A"]["cues"]["measured"] > 0
    assert len(json.dumps(ended.result)) < 6000


def test_a_video_that_is_gone_leaves_the_job_a_success(make_engine, small_clip):
    # Given a job whose finished video is lost before it is compared,
    engine = make_engine(compare_deadline_s=60.0)
    job = engine.submit(small_clip)
    for label in "AB":
        engine.run_cut_to(job, label, CutState.SUCCEEDED)
    engine.services.files.delete(engine.doc(job, "B").result.file)
    # When it ends, then it has succeeded and says why nothing was compared.
    ended = engine.run_job(job)
    assert ended.status == "succeeded"
    assert ended.result["status"] == "unavailable"
    assert ended.result["reason"].startswith("Clip 1: ")
    assert ended.result["controlled"] is None


def test_a_canceled_job_ends_without_being_measured(make_engine, small_clip, monkeypatch):
    # Given a job of three variants, of which two have their video and one renders,
    engine = make_engine(compare_deadline_s=60.0)
    job = engine.submit(small_clip, "ABC")
    engine.run_cut_to(job, "C", CutState.RENDERING)

    def end(label):
        engine.clock.advance(5)
        advance(cut_row(job, 0, label), engine.services)
        return engine.cut(job, label).state is CutState.SUCCEEDED

    for label in "AB":
        wait_until(partial(end, label), timeout_s=20)
    measured = []
    monkeypatch.setattr(comparison, "measure_clip", lambda *a, **_: measured.append(a))
    # When it is canceled, then it ends, and nothing was measured or pictured.
    assert engine.cut(job, "C").state is not CutState.SUCCEEDED
    engine.cancel(job)
    ended = engine.run_job(job)
    assert (ended.status, measured) == ("canceled", [])
    assert ended.result["status"] == "unavailable"
    assert ended.result["reason"] == "The job was canceled."
    assert read_report(job, engine.services.files) is None
    # And the videos that there are stay.
    assert engine.services.files.size(engine.doc(job, "A").result.file) > 0


@pytest.mark.rule("P-089")
def test_music_in_one_variant_is_asked_away_where_the_reservation_covers_it(
    make_engine, small_clip, sandbox
):
    # Given a backend that adds music to the second edit, and edits at half of what was set aside,
    engine = make_engine(edit_credits=100)
    worker = engine.worker("w")
    double: Any = SecondDisobeyed(worker.nemo, sandbox.world.board)
    job = engine.submit(small_clip)
    # When the job runs,
    ended = engine.run_job(job, replace(worker, nemo=double))
    # Then one more message, under an id of its own, has removed the music; nothing is confounded.
    assert ended.status == "succeeded"
    corrected = [label for label in "AB" if engine.doc(job, label).corrected]
    assert len(corrected) == 1
    assert list(engine.edits_sent().values()) == [1, 1, 1]
    assert ended.result["confounded"] == []
    # And the paid captions of the corrected variant are still what is said of it.
    assert engine.doc(job, corrected[0]).edit.charged == "yes"


def test_a_correction_is_sent_once(make_engine, small_clip, sandbox):
    # Given a backend that never obeys, when the job runs,
    sandbox.world.board.set({"obedience": 0.0})
    sandbox.world.board.set({"two_stage": "both", "two_stage_s": 0.0}, session_id="#2")
    engine = make_engine(edit_credits=400, balance=10_000)
    job = engine.submit(small_clip)
    ended = engine.run_job(job)
    # Then there is no second correction of a cut.
    assert ended.status == "succeeded"
    assert len(engine.edits_sent()) <= 4


@pytest.mark.rule("P-088", "P-089")
def test_music_that_no_reservation_covers_is_said(engine, small_clip, sandbox):
    # Given music in one session, and edits that cost all that was set aside,
    sandbox.world.board.set({"obedience": 0.0}, session_id="#2")
    job = engine.submit(small_clip)
    ended = engine.run_job(job)
    # Then nothing more is sent, and the result says what confounds it.
    assert len(engine.edits_sent()) == 2
    (found,) = ended.result["confounded"]
    assert found["only"][0].startswith("audio")
    assert ended.result["controlled"] is False
    assert engine.cut(job, "A").state is CutState.SUCCEEDED
