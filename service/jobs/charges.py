"""What a job's edits are expected to cost, what they did cost, and who must be asked for more."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from service.errors import BackendError
from service.jobs.context import CutContext
from service.model.cut import EditIntent, Failure
from service.model.job import JobSpec
from service.nemo.accounts import TokenPending
from service.settings import Settings
from service.store.connection import OverLimit

_log = logging.getLogger(__name__)


def edit_price(spec: JobSpec, settings: Settings) -> int:
    """Credits that one edit of a job is expected to cost at most."""
    return settings.edit_credits + spec.allow_generation * settings.generation_credits


def _price(spec: JobSpec, settings: Settings, tools: Sequence[str] | None) -> tuple[int, bool]:
    """What an edit can have cost by the tools that it called, and whether that is certain."""
    if not spec.allow_generation:
        return settings.edit_credits, True
    if tools is None or any("generat" in name.lower() for name in tools):
        return edit_price(spec, settings), False
    return settings.edit_credits, True


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
    try:
        taken = services.commands.reserve(
            cut.claim,
            amount=amount,
            total=total,
            mark=mark,
            now_ms=services.clock.now_ms(),
            scope="job" if first else cut.claim.row,
            limit=spec.max_credits,
        )
    except OverLimit as over:
        return over_limit(spec, amount + over.committed)
    return None if taken else too_few(cut, amount, total)


def book_charge(
    cut: CutContext, intent: EditIntent, *, confirmed: bool, tools: Sequence[str] | None = None
) -> tuple[int | None, int | None]:
    """Credits that an edit cost, and the balance after it; booked once. None where not known.

    An edit that was not seen in the state takes no charge that may be that of another beside it,
    and neither does one that may have generated: `tools` are those it called, None if nobody heard.
    """
    services = cut.services
    price, certain = _price(cut.job.spec, services.settings, tools)
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
        most=price,
        confirmed=confirmed and certain,
        now_ms=services.clock.now_ms(),
    )
    extra = {"row": cut.claim.row, "edit_id": intent.edit_id, "charged": say_charged(charge)}
    _log.info("edit_booked", extra=extra)
    return charge, balance.total


def say_charged(charge: int | None) -> str:
    """A charge in the words of the API: yes, no or unknown."""
    if charge is None:
        return "unknown"
    return "yes" if charge else "no"


def over_limit(spec: JobSpec, amount: int) -> Failure:
    """Why a job may not cost this much."""
    detail = f"The job would come to {amount} credits; its `max_credits` is {spec.max_credits}."
    hint = "Nothing was spent on this. Send a new job with a higher `max_credits`."
    return Failure("max_credits", detail, hint, stage="uploaded")


def too_few(cut: CutContext, amount: int, total: int) -> Failure:
    """The account does not have what the job needs; nothing was spent."""
    link = cut.services.nemo.register_link(
        cut.doc.bind_id or cut.services.tokens.bind_id(cut.job.account_id)
    )
    detail = f"The job needs about {amount} credits; the account has {total}, some set aside."
    hint = f"Nothing was spent. Register the account ({link}) or top it up, then resume the job."
    return Failure("no_credits", detail, hint, stage="uploaded")
