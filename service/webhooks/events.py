"""Events: what happened to a job, as small frozen bodies. Pure.

The store writes the sequence in front when it appends one; after that the bytes never change, and
every try to every endpoint sends the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from service.ids import new_id


class EventType(StrEnum):
    """The catalogue. docs/webhooks.md describes each; a test compares the two."""

    JOB_CREATED = "job.created"
    JOB_RUNNING = "job.running"
    JOB_ACTION_REQUIRED = "job.action_required"
    JOB_RESUMED = "job.resumed"
    JOB_PROGRESS = "job.progress"
    JOB_CANCELING = "job.canceling"
    JOB_SUCCEEDED = "job.succeeded"
    JOB_PARTIAL = "job.partial"
    JOB_FAILED = "job.failed"
    JOB_CANCELED = "job.canceled"
    JOB_EXPIRED = "job.expired"
    JOB_EXPIRING = "job.expiring"
    CLIP_READY = "clip.ready"
    CLIP_FAILED = "clip.failed"
    CUT_CREATED = "cut.created"
    CUT_CAPTIONED = "cut.captioned"
    CUT_RENDERING = "cut.rendering"
    CUT_SUCCEEDED = "cut.succeeded"
    CUT_FAILED = "cut.failed"
    CUT_ACTION_REQUIRED = "cut.action_required"
    CUT_CANCELED = "cut.canceled"
    CUT_EXPIRED = "cut.expired"
    EXPERIMENT_DECIDED = "experiment.decided"
    EXPERIMENT_INVALID = "experiment.invalid"
    ENDPOINT_DISABLED = "endpoint.disabled"
    WEBHOOK_TEST = "webhook.test"


#: Those that belong to a tenant and no job: no webhook of a job is told of them.
OF_NO_JOB = frozenset({EventType.ENDPOINT_DISABLED, EventType.WEBHOOK_TEST})


def notice_body(kind: EventType, event_id: str, data: Mapping[str, Any], *, now_ms: int) -> str:
    """The whole body of an event that belongs to no job: its sequence is 0."""
    body = {
        "sequence": 0,
        "id": event_id,
        "type": kind,
        "timestamp": iso_time(now_ms),
        "data": dict(data),
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def event_body(kind: EventType, job_id: str, data: Mapping[str, Any], *, now_ms: int) -> str:
    """The body of an event, without its sequence: id, type, timestamp, data with `job_id`."""
    body = {
        "id": new_id("evt", now_ms),
        "type": kind,
        "timestamp": iso_time(now_ms),
        "data": {"job_id": job_id, **data},
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def iso_time(at_ms: int) -> str:
    """A time as RFC 3339 in UTC with milliseconds."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def is_wanted(kind: str, patterns: tuple[str, ...]) -> bool:
    """Whether an event type matches one of an endpoint's patterns, such as `job.*`.

    Progress goes only to those who name it: it comes often and says little.
    """
    if kind == EventType.JOB_PROGRESS:
        return kind in patterns
    return any(fnmatchcase(kind, pattern) for pattern in patterns)
