"""States, which may follow which, and where each is worked on. Pure.

A clip is fetched once per job; a cut (one variant of one clip at one revision) is the unit of work;
a job's status follows from its cuts.
"""

from __future__ import annotations

from enum import StrEnum
from typing import assert_never


class RowKind(StrEnum):
    """Kinds of work the due set knows."""

    CLIP = "clip"
    CUT = "cut"
    FINISH = "finish"
    EVENT = "event"
    DELIVERY = "delivery"
    EXPERIMENT = "experiment"
    TOKEN = "token"  # noqa: S105  a kind of row


class Queue(StrEnum):
    """Celery queues, by the kind of pool that serves them."""

    FLOW = "flow"
    TRANSFER = "transfer"
    MEDIA = "media"
    HOOKS = "hooks"


class ClipState(StrEnum):
    PENDING = "pending"
    FETCHING = "fetching"
    PROBING = "probing"
    READY = "ready"
    FAILED = "failed"
    CANCELED = "canceled"


class CutState(StrEnum):
    QUEUED = "queued"
    SESSION_OPEN = "session_open"
    UPLOADED = "uploaded"
    CAPTIONING = "captioning"
    RECOVERING = "recovering"
    CAPTIONED = "captioned"
    RENDERING = "rendering"
    RENDERED = "rendered"
    STORED = "stored"
    ACTION_REQUIRED = "action_required"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"


class JobStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    ACTION_REQUIRED = "action_required"
    COMPARING = "comparing"
    CANCELING = "canceling"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"


ENDED_CLIP = frozenset({ClipState.READY, ClipState.FAILED, ClipState.CANCELED})
ENDED_CUT = frozenset({CutState.SUCCEEDED, CutState.FAILED, CutState.CANCELED, CutState.EXPIRED})
ENDED_JOB = frozenset(
    {
        JobStatus.SUCCEEDED,
        JobStatus.PARTIAL,
        JobStatus.FAILED,
        JobStatus.CANCELED,
        JobStatus.EXPIRED,
    }
)

_CLIP_NEXT: dict[ClipState, frozenset[ClipState]] = {
    ClipState.PENDING: frozenset({ClipState.FETCHING, ClipState.FAILED, ClipState.CANCELED}),
    ClipState.FETCHING: frozenset({ClipState.PROBING, ClipState.FAILED, ClipState.CANCELED}),
    ClipState.PROBING: frozenset({ClipState.READY, ClipState.FAILED, ClipState.CANCELED}),
    ClipState.READY: frozenset(),
    ClipState.FAILED: frozenset(),
    ClipState.CANCELED: frozenset(),
}

_CUT_NEXT: dict[CutState, frozenset[CutState]] = {
    CutState.QUEUED: frozenset({CutState.SESSION_OPEN}),
    CutState.SESSION_OPEN: frozenset({CutState.UPLOADED, CutState.QUEUED}),
    CutState.UPLOADED: frozenset({CutState.CAPTIONING, CutState.QUEUED}),
    CutState.CAPTIONING: frozenset({CutState.CAPTIONED, CutState.RECOVERING, CutState.UPLOADED}),
    CutState.RECOVERING: frozenset({CutState.CAPTIONED}),
    CutState.CAPTIONED: frozenset({CutState.RENDERING, CutState.UPLOADED}),
    CutState.RENDERING: frozenset({CutState.RENDERED, CutState.CAPTIONED}),
    CutState.RENDERED: frozenset({CutState.STORED, CutState.RENDERING}),
    CutState.STORED: frozenset({CutState.SUCCEEDED}),
    CutState.ACTION_REQUIRED: frozenset(
        {
            CutState.QUEUED,
            CutState.SESSION_OPEN,
            CutState.UPLOADED,
            CutState.RECOVERING,
            CutState.CAPTIONED,
        }
    ),
}


def clip_may_become(state: ClipState, following: ClipState) -> bool:
    """Whether a clip may go from one state to the other."""
    return following in _CLIP_NEXT[state]


def cut_may_become(state: CutState, following: CutState) -> bool:
    """Whether a cut may go from one state to the other.

    A cut that has not ended may always fail, be canceled, expire or wait for a person.
    """
    if state in ENDED_CUT:
        return False
    if following in ENDED_CUT and following is not CutState.SUCCEEDED:
        return True
    if following is CutState.ACTION_REQUIRED:
        return state is not CutState.ACTION_REQUIRED
    return following in _CUT_NEXT[state]


def clip_queue(state: ClipState) -> Queue:
    """The queue on which a clip in this state is worked on."""
    match state:
        case ClipState.PENDING | ClipState.FETCHING:
            return Queue.TRANSFER
        case ClipState.PROBING:
            return Queue.MEDIA
        case ClipState.READY | ClipState.FAILED | ClipState.CANCELED:
            return Queue.MEDIA
        case _:
            assert_never(state)


def cut_queue(state: CutState) -> Queue:
    """The queue on which a cut in this state is worked on."""
    match state:
        case CutState.SESSION_OPEN | CutState.RENDERED:
            return Queue.TRANSFER
        case CutState.STORED:
            return Queue.MEDIA
        case (
            CutState.QUEUED
            | CutState.UPLOADED
            | CutState.CAPTIONING
            | CutState.RECOVERING
            | CutState.CAPTIONED
            | CutState.RENDERING
            | CutState.ACTION_REQUIRED
            | CutState.SUCCEEDED
            | CutState.FAILED
            | CutState.CANCELED
            | CutState.EXPIRED
        ):
            return Queue.FLOW
        case _:
            assert_never(state)


def job_end(cuts: list[CutState], *, cancel_asked: bool) -> JobStatus:
    """The terminal status of a job whose cuts have all ended.

    A failed job is never called done: `partial` when some cuts succeeded and some did not.
    """
    succeeded = sum(state is CutState.SUCCEEDED for state in cuts)
    if succeeded == len(cuts):
        return JobStatus.SUCCEEDED
    if cancel_asked and CutState.CANCELED in cuts:
        return JobStatus.CANCELED
    if succeeded:
        return JobStatus.PARTIAL
    if all(state is CutState.EXPIRED for state in cuts):
        return JobStatus.EXPIRED
    return JobStatus.FAILED
