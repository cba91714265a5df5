"""What follows from an error of the backend: the table of SEED and protocol, appendix C.

An error that may pass is tried again; one that a person can mend pauses the cut and keeps its
edited session; any other ends the cut.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from service.errors import CaptionAbError
from service.jobs.charges import book_charge, say_charged
from service.jobs.context import CutContext
from service.jobs.endings import fail, paid
from service.jobs.outcomes import Advance, Outcome, Pause, Wait
from service.model.cut import CutDoc, Failure
from service.model.lifecycle import CutState
from service.nemo.errors import (
    CreditsSpent,
    MalformedRequest,
    PlanBlocked,
    RateLimited,
    SessionLost,
    TokenRejected,
)

_log = logging.getLogger(__name__)

#: Where a paused cut goes on. A render is asked for anew, which is free; an edit is not.
_RESUME = {
    CutState.CAPTIONING: CutState.UPLOADED,
    CutState.RENDERING: CutState.CAPTIONED,
    CutState.RENDERED: CutState.CAPTIONED,
}


def remedy(error: CaptionAbError, cut: CutContext, *, state: CutState) -> Outcome:
    """The outcome of a step that met an error in a state."""
    match error:
        case TokenRejected():
            return _renew_token(error, cut, state)
        case SessionLost():
            return _replace_session(error, cut, state)
        case CreditsSpent():
            return _pause(error, "no_credits", _credits_hint(cut), cut, state)
        case PlanBlocked():
            hint = f"Register or upgrade your plan to unlock export: {_link(cut)}"
            return _pause(error, "plan_blocked", hint, cut, state)
        case RateLimited() if not error.retryable:
            return _pause(error, "rate_limited", error.hint_text, cut, state)
        case MalformedRequest():
            _log.error("request_malformed", extra={"row": cut.claim.row, "state": state})
    if error.retryable:
        delay_s = error.retry_in_s or cut.services.settings.step_retry_s
        return Wait(delay_s, cut.doc, state)
    return fail(cut.doc, _failure(error, error.code, error.hint_text, state))


def _renew_token(error: TokenRejected, cut: CutContext, state: CutState) -> Outcome:
    """1001: an anonymous token is renewed once; a token somebody gave us is theirs to mend."""
    if cut.services.tokens.reject(cut.job.account_id) and not cut.doc.reauthenticated:
        return Wait(0.0, replace(cut.doc, reauthenticated=1), state)
    hint = "Give a valid token (PUT /v1/account/nemo-token, or NEMO_TOKEN), then resume the job."
    return _pause(error, "auth", hint, cut, state)


def _replace_session(error: SessionLost, cut: CutContext, state: CutState) -> Outcome:
    """1002: before an edit a new session costs nothing; after it, a person is asked first."""
    doc, charged = cut.doc, _charged_so_far(cut)
    fresh = replace(
        doc,
        session_id="",
        uploaded_as="",
        lost_session=doc.session_id,
        intent=None,
        edit=None,
        render=None,
        recovery=None,
        charged=charged,
    )
    if doc.edit is None and doc.intent is None:
        if doc.lost_session:
            return fail(doc, _failure(error, "session_lost", error.hint_text, state))
        return Advance(CutState.QUEUED, fresh)
    hint = "The edit is lost with its session. `resume` pays for it again; `cancel` does not."
    if doc.revision > 1:
        hint = "The edits are lost with their session. `retry` makes a new job, and pays again."
        return fail(doc, _failure(error, "session_lost", hint, state))
    failure = replace(_failure(error, "session_lost", hint, state), extra={"charged": charged})
    return Pause(failure, fresh, CutState.QUEUED)


def _charged_so_far(cut: CutContext) -> str:
    """What a cut has cost; an edit that was sent is booked before it is forgotten."""
    doc, said = cut.doc, paid(cut.doc)
    if doc.intent is None or doc.edit is not None or doc.charged != "no":
        return said
    return say_charged(book_charge(cut, doc.intent, confirmed=False)[0])


def _pause(
    error: CaptionAbError, code: str, hint: str, cut: CutContext, state: CutState
) -> Outcome:
    doc: CutDoc = replace(cut.doc, reauthenticated=0)
    resume = _RESUME.get(state, state)
    if state is CutState.CAPTIONING and doc.intent is not None:
        resume = CutState.RECOVERING  # it may have been sent: never send it again
    return Pause(_failure(error, code, hint, state), doc, resume)


def _failure(error: CaptionAbError, code: str, hint: str, state: CutState) -> Failure:
    return Failure(code, error.detail, hint, error.retryable, state, dict(error.info.extra))


def _credits_hint(cut: CutContext) -> str:
    if cut.services.tokens.is_anonymous(cut.job.account_id):
        return f"Register the account to get more credits: {_link(cut)}. Then resume the job."
    return "Top up the credits of your NemoVideo account, then resume the job."


def _link(cut: CutContext) -> str:
    bind_id = cut.doc.bind_id or cut.services.tokens.bind_id(cut.job.account_id)
    return cut.services.nemo.register_link(bind_id)
