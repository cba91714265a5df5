"""How far a job is, in words for people: what `/jobs/{id}/state` answers. Pure.

The text changes only when the job does, so that its ETag holds: times are instants, never spans.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from service.jobs.view import failure_data
from service.model.cut import CutDoc, Failure
from service.model.job import Job
from service.model.lifecycle import ENDED_CLIP, ENDED_CUT, ENDED_JOB, ClipState, CutState, JobStatus
from service.store.due import Due
from service.store.jobs import ClipRow, CutRow
from service.webhooks.events import iso_time

#: How soon to ask again while a job is under way.
ASK_AGAIN_S = 2
#: What is told of a failure to whoever has only a link.
ASK_OWNER = "Ask whoever gave you this link."

#: What a clip does in each state, and what comes next.
_CLIP_WORDS: Mapping[ClipState, tuple[str, str]] = {
    ClipState.PENDING: ("waits for its turn", "It is fetched."),
    ClipState.FETCHING: ("is being fetched", "It is looked into."),
    ClipState.PROBING: ("is being looked into", "Its variants are made."),
    ClipState.READY: ("is ready", ""),
    ClipState.FAILED: ("cannot be used", ""),
    ClipState.CANCELED: ("was canceled", ""),
}
#: The same of a cut.
_CUT_WORDS: Mapping[CutState, tuple[str, str]] = {
    CutState.QUEUED: ("waits for its clip and its turn", "A session is opened in the editor."),
    CutState.SESSION_OPEN: ("is being sent to the editor", "The editor is asked for captions."),
    CutState.UPLOADED: ("waits to be captioned", "The editor is asked for captions."),
    CutState.CAPTIONING: ("is being captioned", "The editor answers, within 15 minutes."),
    CutState.RECOVERING: (
        "lost its connection to the editor",
        "It is looked whether the captions are there; they are never paid twice.",
    ),
    CutState.CAPTIONED: ("has its captions", "The editor is asked to render it."),
    CutState.RENDERING: ("is being rendered", "The editor is asked whether it is done."),
    CutState.RENDERED: ("is rendered", "The video is fetched."),
    CutState.STORED: ("is fetched", "The video is looked into."),
    CutState.ACTION_REQUIRED: ("waits for its owner", "The owner resumes the job, or cancels it."),
    CutState.SUCCEEDED: ("is done", ""),
    CutState.FAILED: ("has failed", ""),
    CutState.CANCELED: ("was canceled", ""),
    CutState.EXPIRED: ("took too long and was ended", ""),
}
_JOB_WORDS: Mapping[JobStatus, str] = {
    JobStatus.QUEUED: "The job waits for its turn.",
    JobStatus.RUNNING: "The variants are being made.",
    JobStatus.ACTION_REQUIRED: "The job waits for its owner.",
    JobStatus.COMPARING: "The videos are there and are being compared.",
    JobStatus.CANCELING: "The job is being canceled.",
    JobStatus.SUCCEEDED: "All variants are done.",
    JobStatus.PARTIAL: "Some variants are done, others have failed.",
    JobStatus.FAILED: "No variant could be made.",
    JobStatus.CANCELED: "The job was canceled.",
    JobStatus.EXPIRED: "The job took too long and was ended.",
}
#: The way of a cut; how far along it a state is.
_WAY = (
    CutState.QUEUED,
    CutState.SESSION_OPEN,
    CutState.UPLOADED,
    CutState.CAPTIONING,
    CutState.RECOVERING,
    CutState.CAPTIONED,
    CutState.RENDERING,
    CutState.RENDERED,
    CutState.STORED,
    CutState.SUCCEEDED,
)


def job_state(
    job: Job,
    clips: Sequence[ClipRow],
    cuts: Sequence[CutRow],
    due: Mapping[str, Due],
    *,
    now_ms: int,
    owner: bool,
) -> dict[str, Any]:
    """The state of a job with its clips and cuts, those of all revisions.

    `progress` is from 0 to 1. `next_at` is when something happens next, null where that has begun
    or waits for something else. `ask_again_s` is null when nothing will change any more. Who is
    not the owner is told of failures by their code and title alone.
    """
    settled = job.status in ENDED_JOB and all(row.state in ENDED_CUT for row in cuts)
    first = [row for row in cuts if row.doc.revision == 1]
    steps = [_share_done(row.state) for row in first]
    return {
        "object": "job_state",
        "job_id": job.id,
        "status": job.status.value,
        "text": _JOB_WORDS[job.status],
        "ended": job.status in ENDED_JOB,
        "updated_at": iso_time(job.updated_ms),
        "progress": 1.0 if settled else round(sum(steps) / len(steps), 2) if steps else 0.0,
        "clips": [_clip(row, due.get(row.row), now_ms, owner) for row in clips],
        "cuts": [_cut(row, due.get(row.row), now_ms, owner) for row in cuts],
        "comparison": job.result.get("status"),
        "ask_again_s": None if settled else ASK_AGAIN_S,
    }


def job_words(status: JobStatus) -> str:
    """What a job's status means, in a sentence."""
    return _JOB_WORDS[status]


def shown_error(failure: Failure, *, owner: bool) -> dict[str, Any]:
    """A failure with its code, its cause and the next step."""
    if owner:
        return failure_data(failure)
    return {"code": failure.code, "detail": "", "hint": ASK_OWNER}


def _clip(row: ClipRow, due: Due | None, now_ms: int, owner: bool) -> dict[str, Any]:  # noqa: FBT001
    text, following = _CLIP_WORDS[row.state]
    body = {
        "clip": row.doc.index,
        "status": row.state.value,
        "text": f"Clip {row.doc.index + 1} {text}.",
        **_next(following, None if row.state in ENDED_CLIP else due, now_ms),
        "error": None,
    }
    if row.doc.failure is not None:
        body["error"] = shown_error(row.doc.failure, owner=owner)
    return body


def _cut(row: CutRow, due: Due | None, now_ms: int, owner: bool) -> dict[str, Any]:  # noqa: FBT001
    doc, (text, following) = row.doc, _CUT_WORDS[row.state]
    body = {
        "label": doc.label,
        "clip": doc.clip,
        "revision": doc.revision,
        "status": row.state.value,
        "text": f"{doc.label} {text}.",
        **_next(following, None if row.state in ENDED_CUT else due, now_ms),
        **_render(row.state, doc),
        "video": row.state is CutState.SUCCEEDED and doc.result is not None,
        "error": None,
    }
    if doc.failure is not None:
        body["error"] = shown_error(doc.failure, owner=owner)
    return body


def _next(text: str, due: Due | None, now_ms: int) -> dict[str, Any]:
    """What happens next and when; a row that is held, or due, is at it now."""
    waits = due is not None and due.lease_ms <= now_ms < due.ready_ms
    return {
        "next": text or None,
        "next_at": iso_time(due.ready_ms) if due is not None and waits else None,
    }


def _render(state: CutState, doc: CutDoc) -> dict[str, Any]:
    """How far a render is, as a share from 0 to 1, and how often it was asked for."""
    if state is not CutState.RENDERING or doc.render is None:
        return {"render_progress": None, "polls": None}
    return {"render_progress": doc.render.progress, "polls": doc.render.polls}


def _share_done(state: CutState) -> float:
    """How much of its way a cut has gone, from 0 to 1; one that has ended is at its end."""
    if state in ENDED_CUT:
        return 1.0
    return _WAY.index(state) / (len(_WAY) - 1) if state in _WAY else 0.0
