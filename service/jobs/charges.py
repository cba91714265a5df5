"""What a job's edits are expected to cost, what they did cost, and who must be asked for more."""

from __future__ import annotations

from service.errors import BackendError
from service.jobs.context import CutContext
from service.model.cut import EditIntent, Failure
from service.model.job import Job


def estimate(job: Job, edit_credits: int) -> int:
    """Credits a whole job is expected to cost: one edit for each cut."""
    return len(job.spec.clips) * len(job.spec.variants) * edit_credits


def book_charge(cut: CutContext, intent: EditIntent) -> int | None:
    """Credits that went while the edit ran, at most one edit's; booked once.

    Other edits of the account may run beside this one, so the difference is a bound, not a receipt.
    """
    services = cut.services
    expected = services.settings.edit_credits
    try:
        token = services.tokens.token_for(cut.job.account_id)
        balance = services.nemo.credits(token)
    except BackendError:
        return None
    charge = max(0, min((intent.balance or 0) - balance.total, expected))
    if charge == 0 and balance.frozen:  # a run still under way may yet be charged
        return None
    services.commands.settle(
        cut.claim,
        edit_id=intent.edit_id,
        charge=charge,
        release=expected,
        now_ms=services.clock.now_ms(),
    )
    return charge


def say_charged(charge: int | None) -> str:
    """A charge in the words of the API: yes, no or unknown."""
    if charge is None:
        return "unknown"
    return "yes" if charge else "no"


def over_limit(cut: CutContext, amount: int) -> Failure | None:
    """Why the job may not cost this much, if its caller has set a limit below it."""
    most = cut.job.spec.max_credits
    if most is None or amount <= most:
        return None
    detail = f"The job is expected to cost {amount} credits; `max_credits` is {most}."
    hint = "Nothing was spent. Cancel it and send it with a higher `max_credits` or fewer variants."
    return Failure("max_credits", detail, hint, stage="uploaded")


def too_few(cut: CutContext, amount: int, total: int) -> Failure:
    """The account does not have what the job needs; nothing was spent."""
    link = cut.services.nemo.register_link(
        cut.doc.bind_id or cut.services.tokens.bind_id(cut.job.account_id)
    )
    detail = f"The job needs about {amount} credits; the account has {total}, some set aside."
    hint = f"Nothing was spent. Register the account ({link}) or top it up, then resume the job."
    return Failure("no_credits", detail, hint, stage="uploaded")
