"""Why a job or a revision was not taken, as errors for the caller."""

from __future__ import annotations

import math
from typing import Any

from service.errors import (
    Conflict,
    CreditQuotaExceeded,
    Gone,
    IdempotencyReused,
    NotFound,
    QuotaExceeded,
    RateExceeded,
    StoreUnavailable,
    UploadGone,
)
from service.model.job import MAX_REVISIONS
from service.model.limits import KeyUse
from service.store.connection import Refused
from service.store.scripts import Refusal

_OF_KEY = frozenset({Refusal.RATE, Refusal.KEY_JOBS, Refusal.KEY_CREDITS})
NEARLY_FULL = "Redis has little memory left, and running jobs need it."


def switched_off() -> Conflict:
    """The error of what is asked for an endpoint that is switched off."""
    return Conflict("The endpoint is switched off.", hint="Set `enabled` to true, then ask again.")


def job_refusal(refused: Refused, quota: int, use: KeyUse | None) -> Exception:
    """The error of a job that was not accepted; `quota` is how many the tenant may have."""
    if use is not None and refused.refusal in _OF_KEY:
        return key_refusal(refused, use)
    match refused.refusal:
        case Refusal.KEY_REUSED:
            return IdempotencyReused()
        case Refusal.UPLOAD_GONE:
            upload_id = refused.reply[1]
            return UploadGone(f"There is no upload {upload_id}.", upload_id=upload_id)
        case Refusal.FULL:
            return StoreUnavailable(NEARLY_FULL)
        case _:
            return QuotaExceeded(
                f"{quota} jobs of this tenant are unfinished, which is its limit.",
                **_violated("tenant-open-jobs"),
            )


def key_refusal(refused: Refused, use: KeyUse) -> Exception:
    """The error of work that goes beyond a limit of the key that asks for it."""
    match refused.refusal:
        case Refusal.RATE:
            return RateExceeded(
                f"{use.jobs_per_minute} jobs of this key were accepted within a minute.",
                policy="jobs",
                retry_after_s=math.ceil(int(refused.reply[1]) / 1000),
            )
        case Refusal.KEY_JOBS:
            return QuotaExceeded(
                f"{use.open_jobs} jobs of this key are unfinished, which is its limit.",
                **_violated("key-open-jobs"),
            )
        case _:
            taken = int(refused.reply[1])
            return CreditQuotaExceeded(
                f"This is expected to cost {use.credits} credits; of the {use.month_credits} of "
                f"this key and month, {taken} are spent or set aside.",
                credits=use.credits,
                month_credits=use.month_credits,
                taken_credits=taken,
                **_violated("key-month-credits"),
            )


def cut_refusal(refused: Refused, use: KeyUse | None) -> Exception:
    """The error of a revision that was not added."""
    if use is not None and refused.refusal in _OF_KEY:
        return key_refusal(refused, use)
    match refused.refusal:
        case Refusal.KEY_REUSED:
            return IdempotencyReused()
        case Refusal.GONE:
            return Gone("The job has expired.", hint="Send the job anew.")
        case Refusal.STATE:
            return Conflict("The job is being canceled.", hint="`retry` makes a new job of it.")
        case Refusal.FULL:
            return StoreUnavailable(NEARLY_FULL)
        case _:
            return QuotaExceeded(
                f"This cut has {MAX_REVISIONS} revisions, which is the limit.",
                hint="`retry` makes a new job of it.",
                **_violated("revisions"),
            )


def _violated(policy: str) -> dict[str, Any]:
    """The member of a problem by which a client tells limits apart."""
    return {"violated-policies": [policy]}


def experiment_refusal(refusal: Refusal, detail: str, hint: str) -> Exception:
    """The error of what was refused to an experiment; `detail` is of its own state."""
    match refusal:
        case Refusal.GONE:
            return NotFound("There is no such job.")
        case Refusal.FULL:
            return StoreUnavailable(NEARLY_FULL)
        case _:
            return Conflict(detail, hint=hint)
