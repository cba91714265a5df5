"""What a job's edits are expected to cost, what they did cost, and who must be asked for more."""

from __future__ import annotations

from service.errors import BackendError
from service.jobs.context import CutContext
from service.model.cut import EditIntent, Failure
from service.model.job import JobSpec
from service.nemo.accounts import TokenPending
from service.settings import Settings


def edit_price(spec: JobSpec, settings: Settings) -> int:
    """Credits that one edit of a job is expected to cost at most."""
    return settings.edit_credits + spec.allow_generation * settings.generation_credits


def estimate(spec: JobSpec, settings: Settings) -> int:
    """Credits a whole job is expected to cost: one edit for each cut."""
    return len(spec.clips) * len(spec.variants) * edit_price(spec, settings)


def reserve(cut: CutContext, total: int, mark: str) -> Failure | None:
    """Set the credits aside before the first paid message, all or nothing; why not, if not.

    The first revision reserves for the whole job, a later one for itself. `mark` was read before
    the balance `total`, so that a charge booked in between is not counted twice.
    """
    services = cut.services
    first = cut.doc.revision == 1
    spec, settings = cut.job.spec, services.settings
    amount = estimate(spec, settings) if first else edit_price(spec, settings)
    refusal = over_limit(cut, amount)
    if refusal is not None:
        return refusal
    scope = "job" if first else cut.claim.row
    now_ms = services.clock.now_ms()
    if services.commands.reserve(
        cut.claim, amount=amount, total=total, mark=mark, now_ms=now_ms, scope=scope
    ):
        return None
    return too_few(cut, amount, total)


def book_charge(
    cut: CutContext, intent: EditIntent, *, confirmed: bool
) -> tuple[int | None, int | None]:
    """Credits that an edit cost, and the balance after it; booked once. None where not known.

    An edit that was not seen in the state takes no charge that may be that of another beside it.
    """
    services = cut.services
    mark = services.commands.read_mark(cut.job.account_id)
    try:
        balance = services.nemo.credits(services.tokens.token_for(cut.job.account_id))
    except (BackendError, TokenPending):
        return None, None
    if balance.frozen and balance.total >= (intent.balance or 0):
        return None, balance.total  # a run still under way may yet be charged
    charge = services.commands.settle(
        cut.claim,
        edit_id=intent.edit_id,
        total=balance.total,
        mark=mark,
        most=edit_price(cut.job.spec, services.settings),
        confirmed=confirmed,
        now_ms=services.clock.now_ms(),
    )
    return charge, balance.total


def say_charged(charge: int | None) -> str:
    """A charge in the words of the API: yes, no or unknown."""
    if charge is None:
        return "unknown"
    return "yes" if charge else "no"


def over_limit(cut: CutContext, amount: int) -> Failure | None:
    """Why the job may not cost this much, if its caller has set a limit below it."""
    most = cut.job.spec.max_credits
    if cut.doc.revision > 1:
        job = cut.services.jobs.read(cut.job.id)
        amount += job.charged if job else 0
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
