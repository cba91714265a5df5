"""How far a job is, in words: what happens next, when, and what is told of failures to whom."""

from __future__ import annotations

from dataclasses import replace

import pytest

from api.page_state import ASK_OWNER, job_state
from service.model.cut import ClipDoc, CutDoc, Failure, RenderIntent, ResultFile
from service.model.job import ClipSpec, Job, JobSpec, VariantSpec
from service.model.lifecycle import ClipState, CutState, JobStatus
from service.store.due import Due
from service.store.jobs import ClipRow, CutRow

NOW_MS = 1_795_564_800_000
SPEC = JobSpec(clips=(ClipSpec(url="https://a.example/b.mp4"),), variants=(VariantSpec("A"),))
JOB = Job("job_1", "ten_1", "acc_1", JobStatus.RUNNING, NOW_MS, NOW_MS, SPEC, 1)
READY = ClipRow("clip:job_1.0", ClipState.READY, ClipDoc(0))


def cut(state: CutState, **doc) -> CutRow:
    return CutRow("cut:job_1.0.A.1", state, CutDoc(0, "A", **doc))


def told(row: CutRow, due: Due | None = None, *, owner: bool = True, job: Job = JOB):
    found = {} if due is None else {row.row: due}
    return job_state(job, [READY], [row], found, now_ms=NOW_MS, owner=owner)


def test_a_render_says_when_it_is_asked_for_again():
    render = RenderIntent("render_x", 1, NOW_MS, submitted=True, polls=3, progress=0.4)
    state = told(cut(CutState.RENDERING, render=render), Due(NOW_MS + 12_000, 0))
    (line,) = state["cuts"]
    assert line["text"] == "A is being rendered."
    assert line["next"] == "The editor is asked whether it is done."
    assert line["next_at"] == "2026-11-25T00:00:12.000Z"
    assert (line["render_progress"], line["polls"]) == (0.4, 3)


@pytest.mark.parametrize("due", [None, Due(NOW_MS, 0), Due(NOW_MS + 5, NOW_MS + 60_000)])
def test_what_is_worked_on_now_names_no_time(due: Due | None):
    assert told(cut(CutState.RENDERING), due)["cuts"][0]["next_at"] is None


@pytest.mark.parametrize("state", list(CutState))
@pytest.mark.parametrize("status", list(JobStatus))
def test_every_state_has_words(state: CutState, status: JobStatus):
    found = told(cut(state), job=replace(JOB, status=status))
    assert found["text"].endswith(".")
    assert found["cuts"][0]["text"].startswith("A ")
    assert 0 <= found["progress"] <= 1


@pytest.mark.parametrize("state", list(ClipState))
def test_every_state_of_a_clip_has_words(state: ClipState):
    row = replace(READY, state=state)
    found = job_state(JOB, [row], [], {}, now_ms=NOW_MS, owner=True)
    assert found["clips"][0]["text"].startswith("Clip 1 ")


def test_a_cut_goes_forward_on_its_way():
    way = [CutState.QUEUED, CutState.UPLOADED, CutState.CAPTIONING, CutState.RENDERING,
           CutState.STORED, CutState.SUCCEEDED]  # fmt: skip
    steps = [told(cut(each))["progress"] for each in way]
    assert steps == sorted(set(steps))


def test_a_failure_has_its_cause_and_next_step_for_the_owner_alone():
    failure = Failure("render_failed", "It broke at https://a.example/b.mp4?token=x", "Send it.")
    row = cut(CutState.FAILED, failure=failure)
    (line,) = told(row)["cuts"]
    assert (line["error"]["detail"], line["error"]["hint"]) == (failure.detail, "Send it.")
    (line,) = told(row, owner=False)["cuts"]
    assert line["error"] == {"code": "render_failed", "detail": "", "hint": ASK_OWNER}


def test_nothing_is_asked_again_of_a_job_that_will_not_change():
    done = cut(CutState.SUCCEEDED, result=ResultFile("k", 1, "s"))
    ended = replace(JOB, status=JobStatus.SUCCEEDED)
    assert told(done, job=ended)["ask_again_s"] is None
    # But a revision of it may be under way
    again = job_state(ended, [READY], [done, cut(CutState.RENDERING)], {}, now_ms=1, owner=True)
    assert again["ask_again_s"] is not None


def test_the_state_does_not_change_while_time_passes():
    row, due = cut(CutState.RENDERING), Due(NOW_MS + 30_000, 0)
    later = job_state(JOB, [READY], [row], {row.row: due}, now_ms=NOW_MS + 9_000, owner=True)
    assert later == told(row, due)
