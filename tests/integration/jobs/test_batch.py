"""Several clips in one session per variant, one by one, each with words and a render of its own."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from service.jobs.edits import message
from service.model.lifecycle import CutState
from service.model.rows import clip_row
from tests.integration.jobs.harness import Harness

WORDS = ("keep it short", "", "as loud as you can")


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    path = tmp_path / "notes.mp4"
    path.write_bytes(b"just some words\n" * 100)
    return path


def submit(engine: Harness, *paths: Path) -> str:
    clips = [
        {"upload_id": engine.upload(path), "instruction": words}
        for path, words in zip(paths, WORDS, strict=False)
    ]
    return engine.submit(paths[0], clips=clips)


def cuts_of(engine: Harness, job: str) -> dict[tuple[int, str], object]:
    _, cuts = engine.services.jobs.read_units(engine.read(job))
    return {(cut.doc.clip, cut.doc.label): cut for cut in cuts}


def test_three_clips_in_two_variants(engine, small_clip, sandbox):
    # When three clips are captioned in two variants,
    job = submit(engine, small_clip, small_clip, small_clip)
    ended = engine.run_job(job)
    cuts = cuts_of(engine, job)
    # Then each of the six has a video and a render of its own,
    assert (ended.status, len(cuts)) == ("succeeded", 6)
    assert {cut.state for cut in cuts.values()} == {CutState.SUCCEEDED}
    assert len({cut.doc.render.render_id for cut in cuts.values()}) == 6
    # made in one session for each variant, one after another,
    assert len(sandbox.books["sessions"]) == 2
    assert not any(run["overlapping"] for run in sandbox.books["runs"])
    for label in "AB":
        sessions = {cuts[clip, label].doc.session_id for clip in range(3)}
        assert len(sessions) == 1
        own = [run for run in sandbox.books["runs"] if run["session_id"] in sessions]
        begun = [run["request_id"] for run in sorted(own, key=lambda run: run["started_ms"])]
        assert begun == [cuts[clip, label].doc.intent.edit_id for clip in range(3)]
    # each message names its own file and no other, and carries its clip's own words.
    heads = {run["request_id"]: run["message_head"] for run in sandbox.books["runs"]}
    for (clip, _), cut in cuts.items():
        assert f'"clip-{clip + 1}.mp4"' in heads[cut.doc.intent.edit_id]
        row = engine.services.jobs.read_clip(clip_row(job, clip))
        text = message(ended, cut.doc, row.doc)
        assert hashlib.sha256(text.encode()).hexdigest() in sandbox.books["messages"]
        assert [words in text for words in WORDS if words] == [clip == 0, clip == 2]
        assert [f"clip-{n + 1}.mp4" in text for n in range(3)] == [n == clip for n in range(3)]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_bad_clip_does_not_sink_the_others(engine, small_clip, text_file, sandbox, place):
    # Given three clips of which one is text,
    paths = [small_clip] * 3
    paths[place] = text_file
    job = submit(engine, *paths)
    # When the job has ended, then it is partial and says which is missing and why,
    assert engine.run_job(job).status == "partial"
    for (clip, _), cut in cuts_of(engine, job).items():
        if clip == place:
            assert (cut.state, cut.doc.failure.code) == (CutState.FAILED, "unsupported_file")
        else:
            assert cut.state is CutState.SUCCEEDED
    # and only the others were sent and paid for.
    assert len(sandbox.books["runs"]) == 4
    assert {upload["filename"] for upload in sandbox.books["uploads"]} == {
        f"clip-{n + 1}.mp4" for n in range(3) if n != place
    }


def test_a_clip_that_lands_in_anothers_timeline_is_not_taken_for_it(engine, small_clip, sandbox):
    # Given a backend that joins the clips of a session, when two clips are captioned,
    sandbox.world.board.set({"batch": "join"})
    job = submit(engine, small_clip, small_clip)
    # Then the second says that it is mixed up, and the first is there.
    assert engine.run_job(job).status == "partial"
    cuts = cuts_of(engine, job)
    assert cuts[0, "A"].state is CutState.SUCCEEDED
    assert cuts[1, "A"].doc.failure.code == "timeline_mixed"
