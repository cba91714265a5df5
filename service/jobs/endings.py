"""How cuts end or stop, and how events and the API say so. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from service.jobs.outcomes import End, News
from service.model.cut import CutDoc, Failure
from service.model.lifecycle import CutState
from service.webhooks.events import EventType


def paid(doc: CutDoc) -> str:
    """Whether credits were spent on a cut: yes, no or unknown, never a guess."""
    if doc.edit is not None and doc.edit.charged != "no":
        return doc.edit.charged
    if doc.intent is not None and doc.edit is None:
        return "unknown"
    return doc.charged


def cancel(doc: CutDoc) -> End:
    """End a cut because its job was canceled; say whether its edit was charged."""
    failure = Failure("canceled", "The job was canceled.")
    return _end(CutState.CANCELED, EventType.CUT_CANCELED, doc, failure)


def survive(doc: CutDoc) -> CutDoc:
    """Go on after the loss of a stream, and keep what is known of it for the job's story."""
    return replace(doc, recovery=None, survived=doc.recovery or doc.survived)


def fail(doc: CutDoc, failure: Failure) -> End:
    """End a cut badly."""
    return _end(CutState.FAILED, EventType.CUT_FAILED, doc, failure)


def expire(doc: CutDoc, failure: Failure) -> End:
    """End a cut whose time has passed."""
    return _end(CutState.EXPIRED, EventType.CUT_EXPIRED, doc, failure)


def _end(state: CutState, kind: EventType, doc: CutDoc, failure: Failure) -> End:
    extra = {"charged": paid(doc), **failure.extra}
    ended = replace(doc, failure=replace(failure, extra=extra))
    return End(state, ended, (told(kind, ended),))


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
