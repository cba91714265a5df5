"""How cuts end or stop, and how events and the API say so. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from service.jobs.outcomes import End, News
from service.model.cut import CutDoc, Failure
from service.model.lifecycle import CutState
from service.webhooks.events import EventType


def cancel(doc: CutDoc) -> End:
    """End a cut because its job was canceled; say whether its edit was charged."""
    charged = "no" if doc.intent is None else (doc.edit.charged if doc.edit else "unknown")
    failure = Failure("canceled", "The job was canceled.", extra={"charged": charged})
    ended = replace(doc, failure=failure)
    return End(CutState.CANCELED, ended, (told(EventType.CUT_CANCELED, ended),))


def fail(doc: CutDoc, failure: Failure) -> End:
    """End a cut badly."""
    ended = replace(doc, failure=failure)
    return End(CutState.FAILED, ended, (told(EventType.CUT_FAILED, ended),))


def expire(doc: CutDoc, failure: Failure) -> End:
    """End a cut whose time has passed."""
    ended = replace(doc, failure=failure)
    return End(CutState.EXPIRED, ended, (told(EventType.CUT_EXPIRED, ended),))


def cut_name(doc: CutDoc) -> dict[str, Any]:
    """How events and the API name a cut."""
    return {"label": doc.label, "clip": doc.clip, "revision": doc.revision}


def failure_data(failure: Failure) -> dict[str, Any]:
    """A failure as events and the API show it."""
    return {
        "code": failure.code,
        "detail": failure.detail,
        "hint": failure.hint,
        "retryable": failure.retryable,
        "stage": failure.stage,
        **failure.extra,
    }


def told(kind: EventType, doc: CutDoc) -> News:
    """An event about a cut."""
    data: dict[str, Any] = {"cut": cut_name(doc)}
    if doc.failure is not None:
        data["error"] = failure_data(doc.failure)
    if doc.result is not None:
        data["video"] = {"size": doc.result.size, "sha256": doc.result.sha256}
    return News(kind, data)
