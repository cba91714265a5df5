"""The job resource: complete, small, and the same for a job just accepted."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from service.jobs.view import MAX_TEXT_CHARS, initial_units, job_data
from service.model.cut import (
    ClipDoc,
    CutDoc,
    Edit,
    Failure,
    MediaInfo,
    Recovery,
    RenderIntent,
    ResultFile,
)
from service.model.job import (
    CaptionsSpec,
    ClipSpec,
    Job,
    JobSpec,
    VariantSpec,
    clip_rows,
    cut_rows,
)
from service.model.lifecycle import ClipState, CutState, JobStatus
from service.store.jobs import ClipRow, CutRow

MEDIA = MediaInfo(12.5, 1920, 1080, 30000, 1001, "h264", "aac", "mp4")
ID = "job_00000000000000000000000000"


def a_job(*, clips: int = 1, labels: str = "AB", **changes) -> Job:
    spec = JobSpec(
        clips=tuple(ClipSpec(url=f"https://media.example.com/{n}.mp4") for n in range(clips)),
        variants=tuple(VariantSpec(label, {"preset": "outline"}) for label in labels),
        captions=CaptionsSpec("1\n...", "srt"),
    )
    fields = {"status": JobStatus.SUCCEEDED, "created_ms": 0, "updated_ms": 1, "spec": spec}
    return Job(ID, "ten_x", "acc_x", **{**fields, **changes})


def finished(job: Job, text: str = "Captions are on.") -> tuple[list[ClipRow], list[CutRow]]:
    clips, cuts = initial_units(job)
    done_clips = [
        ClipRow(each.row, ClipState.READY, ClipDoc(n, "f", "clip.mp4", 5, "a" * 64, media=MEDIA))
        for n, each in enumerate(clips)
    ]
    done_cuts = [
        CutRow(
            each.row,
            CutState.SUCCEEDED,
            CutDoc(
                each.doc.clip,
                each.doc.label,
                edit=Edit(text, ("add_text",) * 9, "f" * 64, False, "yes", 12),
                render=RenderIntent("render_1", 1, 0, polls=3, progress=1.0),
                result=ResultFile("jobs/x/A.mp4", 1_000_000, "b" * 64, MEDIA),
            ),
        )
        for each in cuts
    ]
    return done_clips, done_cuts


def test_a_finished_job_shows_its_videos():
    job = a_job(ended_ms=1_800_000_000_000)
    body = job_data(job, *finished(job), "https://ab.example.com/")
    cut = body["variants"][1]["cuts"][0]
    assert (
        cut["video"]["url"]
        == f"https://ab.example.com/v1/jobs/{ID}/variants/B/video?clip=0&revision=1"
    )
    assert cut["edit"] == {
        "text": "Captions are on.",
        "summary": "",
        "silent": False,
        "charged": "yes",
        "credits": 12,
        "balance_before": None,
        "balance_after": None,
        "actions": [],
    }
    assert body["clips"][0]["media"]["fps"] == "30000/1001"
    assert body["ended_at"] == "2027-01-15T08:00:00.000Z"
    assert body["expires_at"] is None


@pytest.mark.rule("P-075")
def test_no_inner_name_gets_out():
    job = a_job()
    text = json.dumps(job_data(job, *finished(job), "https://ab.example.com"))
    for inner in ("ten_x", "acc_x", "jobs/x/A.mp4", "f" * 64, "add_text"):
        assert inner not in text


def test_a_failure_says_what_to_do():
    job = a_job(labels="A")
    failure = Failure("credits", "No credits.", "Top up.", True, "captioning", {"url": "https://x"})
    cuts = [CutRow(cut_rows(ID, job.spec)[0], CutState.FAILED, CutDoc(0, "A", failure=failure))]
    clips = [ClipRow(clip_rows(ID, job.spec)[0], ClipState.FAILED, ClipDoc(0, failure=failure))]
    body = job_data(job, clips, cuts, "")
    error = body["variants"][0]["cuts"][0]["error"]
    assert error == {
        "code": "credits",
        "detail": "No credits.",
        "hint": "Top up.",
        "retryable": True,
        "stage": "captioning",
        "url": "https://x",
    }
    assert body["clips"][0]["error"] == error


def test_a_usual_job_is_small_whatever_the_backend_says():
    # Given three clips in four variants, each with a long reply of the backend
    job = a_job(clips=3, labels="ABCD")
    # When it is written
    body = job_data(job, *finished(job, text="word " * 2000), "https://ab.example.com")
    # Then it fits into a webhook
    assert len(json.dumps(body)) < 20_000
    assert len(body["variants"][0]["cuts"][0]["edit"]["text"]) == MAX_TEXT_CHARS


def test_rows_that_have_gone_are_shown_as_pending():
    body = job_data(a_job(), [], [], "")
    assert body["clips"][0]["status"] == "pending"
    assert body["variants"][0]["cuts"] == []


def test_a_cut_whose_edit_is_looked_for_says_why():
    # Given a cut whose stream was lost, looked for once; and the same when it has gone on
    job = a_job()
    clips, (cut, other) = initial_units(job)
    lost = Recovery(since_ms=1_800_000_000_000, looks=1, reason="The connection broke.")
    doc = replace(cut.doc, recovery=lost)
    for state, told in ((CutState.RECOVERING, True), (CutState.CAPTIONED, False)):
        body = job_data(job, clips, [CutRow(cut.row, state, doc), other], "https://x.example")
        # Then the first tells it, and since when.
        note = body["variants"][0]["cuts"][0].get("note", "")
        assert note == told * (
            "The connection broke. The edit is looked for since 2027-01-15T08:00:00.000Z, 1 time "
            "so far; it is never sent again."
        )
        assert "note" not in body["variants"][1]["cuts"][0]
