"""Why a job or a revision was not taken, as errors for the caller."""

from __future__ import annotations

from service.errors import Conflict, Gone, IdempotencyReused, QuotaExceeded, StoreUnavailable
from service.model.job import MAX_REVISIONS
from service.store.connection import Refused
from service.store.scripts import Refusal

_NEARLY_FULL = "Redis has little memory left, and running jobs need it."


def job_refusal(refused: Refused, quota: int) -> Exception:
    """The error of a job that was not accepted; `quota` is how many the tenant may have."""
    match refused.refusal:
        case Refusal.KEY_REUSED:
            return IdempotencyReused()
        case Refusal.UPLOAD_GONE:
            return Gone(
                f"There is no upload {refused.reply[1]}.",
                hint="It was never made, has expired or was deleted. Upload the file again.",
            )
        case Refusal.FULL:
            return StoreUnavailable(_NEARLY_FULL)
        case _:
            return QuotaExceeded(f"{quota} jobs of this tenant are unfinished, which is its limit.")


def cut_refusal(refusal: Refusal) -> Exception:
    """The error of a revision that was not added."""
    match refusal:
        case Refusal.KEY_REUSED:
            return IdempotencyReused()
        case Refusal.GONE:
            return Gone("The job has expired.", hint="Send the job anew.")
        case Refusal.STATE:
            return Conflict("The job is being canceled.", hint="`retry` makes a new job of it.")
        case Refusal.FULL:
            return StoreUnavailable(_NEARLY_FULL)
        case _:
            return QuotaExceeded(
                f"This cut has {MAX_REVISIONS} revisions, which is the limit.",
                hint="`retry` makes a new job of it.",
            )
