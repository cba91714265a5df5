"""How cuts end or stop, and how events and the API say so. Pure but for the links."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from service.jobs.context import CutContext
from service.jobs.outcomes import End, News
from service.model.cut import CutDoc, Failure
from service.model.lifecycle import CutState
from service.nemo.errors import CreditsSpent, PlanBlocked, RateLimited
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


def pause_for(error: Exception, cut: CutContext) -> Failure | None:
    """What a person must do about an error; none when no person can help."""
    link = cut.services.nemo.register_link(
        cut.doc.bind_id or cut.services.tokens.bind_id(cut.job.account_id)
    )
    match error:
        case CreditsSpent():
            hint = f"Register the account ({link}) or top up its credits, then resume the job."
            return Failure("no_credits", error.detail, hint, stage=cut.claim.state)
        case PlanBlocked():
            hint = f"Register or upgrade your plan to unlock export: {link}"
            return Failure("plan_blocked", error.detail, hint, stage=cut.claim.state)
        case RateLimited():
            hint = "Set NEMO_TOKEN, or wait until the backend issues tokens again."
            return Failure("rate_limited", error.detail, hint, stage=cut.claim.state)
        case _:
            return None
