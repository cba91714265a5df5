"""How many viewers and days an experiment would need: a form on the page, and its answer. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from api.page_view import PageView
from api.page_words import count, items, say_days
from service.errors import InvalidRequest
from service.experiments.metrics import Kind
from service.experiments.plan import Plan, Unit, write_plan
from service.experiments.proposal import Proposal, read_proposal
from service.experiments.sizing import Size

#: What is kept of the page's own address when the form is sent.
_KEPT = ("clip", "left", "right", "revision")
_USUAL_EFFECT = "10"


@dataclass(frozen=True, slots=True)
class Entry:
    """A number to be given: what it is called, what was given, and what is wrong with it."""

    name: str
    title: str
    given: str
    least: str = "0"
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is needed: a sentence in both languages, and a row for each way to look."""

    text: str
    zh: str
    rows: tuple[tuple[str, ...], ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SizingForm:
    """The form; `answer` is None while nothing was asked, or where something is wrong."""

    entries: tuple[Entry, ...]
    kept: tuple[tuple[str, str], ...]
    answer: Answer | None
    fault: str
    asked: bool


def offer_sizing(view: PageView, asked: Mapping[str, str]) -> SizingForm | None:
    """The form for the owner of a job whose experiment is still to come; None for others."""
    labels = [str(each.get("label")) for each in items(view.job, "variants")]
    shown = view.experiment
    waits = shown is None or (shown.access == "shown" and shown.status == "waiting")
    if not view.rights.owner or not waits or len(labels) < 2:
        return None
    plan = shown.plan if shown else None
    entries = _read_entries(plan, asked)
    is_asked = "value" in asked
    wrong = any(each.fault for each in entries)
    proposal, fault = _propose(plan, labels, entries) if is_asked and not wrong else (None, "")
    return SizingForm(
        entries,
        tuple((name, asked[name]) for name in _KEPT if name in asked),
        _answer(proposal) if proposal else None,
        fault,
        is_asked,
    )


def _is_rate(plan: Plan | None) -> bool:
    return plan is None or plan.primary.kind is Kind.PROPORTION


def _is_timed(plan: Plan | None) -> bool:
    return plan is not None and plan.primary.unit is Unit.SECONDS


def _count(plan: Plan | None, typed: float) -> float:
    """What was typed, in percent or seconds, in the metric's own unit."""
    if _is_rate(plan):
        return typed / 100
    return typed * 100 if _is_timed(plan) else typed


def _read_entries(plan: Plan | None, asked: Mapping[str, str]) -> tuple[Entry, ...]:
    called = plan.primary.called if plan else "rate"
    timed = ", in seconds" if _is_timed(plan) else ""
    own = f"The {called} of a viewer today{timed}"
    value = f"The {called} today, in %" if _is_rate(plan) else own
    usual = f"{100 * plan.mde:g}" if plan else _USUAL_EFFECT
    entries = [Entry("value", value, asked.get("value", ""))]
    if not _is_rate(plan):
        title = f"Standard deviation of the {called}{timed}"
        entries.append(Entry("deviation", title, asked.get("deviation", "")))
    entries += [
        Entry("effect", "Smallest change that matters, in %", asked.get("effect", usual)),
        Entry("per_day", "Viewers a day", asked.get("per_day", "")),
    ]
    return tuple(_check(each) for each in entries) if "value" in asked else tuple(entries)


def _check(entry: Entry) -> Entry:
    """An entry with what is wrong with it; only the value and the effect must be there."""
    number = _number(entry.given)
    if not entry.given.strip() and entry.name in {"deviation", "per_day"}:
        return entry
    if number is None:
        return replace(entry, fault="Give a number.")
    if number < 0 or (number == 0 and entry.name != "per_day"):
        return replace(entry, fault="It must be more than 0.")
    return entry


def _number(text: str) -> float | None:
    try:
        number = float(text[:40])
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _propose(
    plan: Plan | None, labels: list[str], entries: tuple[Entry, ...]
) -> tuple[Proposal | None, str]:
    """A plan with what it needs, or why there is none."""
    given = {each.name: _number(each.given) for each in entries}
    value, effect = given["value"] or 0.0, (given["effect"] or 0.0) / 100
    assume: dict[str, Any] = {
        "value": _count(plan, value),
        "units_per_day": given["per_day"],
    }
    deviation = given.get("deviation")
    if deviation is not None:
        assume["deviation"] = _count(plan, deviation)
    primary = {"name": "rate", "kind": Kind.PROPORTION.value}
    planned = write_plan(plan) if plan else {"primary": primary}
    try:
        document = {**planned, "mde": effect, "assume": assume}
        return read_proposal(document, labels, seed="page"), ""
    except InvalidRequest as refused:
        details = dict.fromkeys(each.detail for each in refused.errors)
        return None, f"With these numbers nothing can be told. {' '.join(details)}"


def _answer(proposal: Proposal) -> Answer | None:
    sizing = proposal.sizing
    if sizing is None:
        return None
    return Answer(
        sizing.sentence.en,
        sizing.sentence.zh,
        (
            _row("looked at whenever you like", sizing.any_look),
            _row("looked at once, at the end", sizing.one_look),
        ),
        proposal.plan.labels,
    )


def _row(name: str, size: Size) -> tuple[str, ...]:
    days = "not known" if size.days is None else say_days(size.days)
    return (name, count(size.units), *map(count, size.by_variant), days)
