"""What would change the verdict on an experiment, in plain words. Pure.

There is a sentence for each state with each of its reasons: the same pairs as in `sentences.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.page_words import count, figure, instant, is_number, items, part, say_days
from service.experiments.metrics import Kind
from service.experiments.plan import Plan

_FROZEN = "Nothing: it is frozen with its snapshot. What comes later is shown and changes nothing."
_ENDED = "Nothing any more: the test has ended and its verdict is frozen."
_ANEW = "start a new job, because a plan never changes while it runs"
_SPOILED = "Nothing heals it, and more viewers would not either."

#: By state and reason; what stands in braces are the facts below.
CHANGES: Mapping[str, str] = {
    "no_data/no_units": (
        "Viewers. Being assigned a variant is not counted: an outcome has to come for each viewer, "
        "if only that they have seen it."
    ),
    "collecting/min_runtime": (
        "Time. It can be given from {earliest} on, whatever the numbers say before."
    ),
    "collecting/few_units": (
        "More viewers: each variant needs {min_units}, and these have fewer: {short}."
    ),
    "collecting/few_outcomes": (
        "More viewers: each variant needs {min_outcomes} who did it and as many who did "
        "not. So far: {did}."
    ),
    "collecting/few_values": (
        "More viewers who add to the {metric}: each variant needs as much of it as from "
        "{min_units} who are alike."
    ),
    "collecting/no_variance": (
        "Viewers who differ from each other. Where all of a variant have the same value, look at "
        "what is sent as the {metric}: it may be a constant."
    ),
    "collecting/before_planned": (
        "Its one look: at {planned} viewers, {missing} more than now, and not before {earliest}. "
        "Until then no interval is shown, as looking early would make it wrong."
    ),
    "collecting/undecided": (
        "About {missing} more viewers, {days} at the traffic of late, if the difference is the "
        "planned one of {mde}. A larger one shows sooner, a smaller one may never show."
    ),
    "collecting/too_slow": (
        "More traffic: about {missing} more viewers are needed, {days} as they come now, but the "
        "test ends in {end}. Otherwise {anew}, with more time or for a larger effect."
    ),
    "collecting/no_traffic": (
        "Viewers: about {missing} more are needed, and none came of late. See whether the player "
        "still sends outcomes."
    ),
    "collecting/past_need": (
        "A larger difference than there seems to be: with so many viewers one of {mde} shows in "
        "{power} of tests. It goes on and ends in {end} at the latest."
    ),
    "winner/ahead": _FROZEN,
    "winner/ahead_with_harm": (
        f"{_FROZEN} Whether the gain is worth the harm to a guardrail is for you to weigh."
    ),
    "leading/ahead": (
        f"{_FROZEN} To learn whether the captions are the reason, {{anew}}, with viewers divided "
        "by chance."
    ),
    "leading/ahead_with_harm": (
        f"{_FROZEN} To learn whether the captions are the reason, for the gain and for the harm, "
        "{anew}, with viewers divided by chance."
    ),
    "no_difference/within_rope": (
        f"{_FROZEN} By the plan less than {{rope}} counts as none; to look for less, {{anew}}, "
        "with a narrower range."
    ),
    "no_difference/ahead_within_rope": (
        f"{_FROZEN} {{variant}} is surely ahead, but by the plan less than {{rope}} counts as none."
    ),
    "inconclusive/deadline": (
        f"{_ENDED} To go on, {{anew}}: with more time or more traffic{{need}}, or for an effect "
        "larger than {mde}."
    ),
    "inconclusive/max_units": (
        f"{_ENDED} To go on, {{anew}}, with a higher limit{{need}}, or for an effect larger "
        "than {mde}."
    ),
    "inconclusive/planned_units": (
        f"{_ENDED} A test for one look may not be looked at again. To go on, {{anew}}, planned for "
        "more viewers, or one that may be looked at at any time."
    ),
    "inconclusive/no_units": (
        f"{_ENDED} See why no outcomes came, then {{anew}}: outcomes are counted, assignments are "
        "not."
    ),
    "inconclusive/few_units": (
        f"{_ENDED} Each variant needed {{min_units}} viewers; these had fewer: {{short}}. To go "
        "on, {anew}, with more traffic or more time."
    ),
    "inconclusive/few_outcomes": (
        f"{_ENDED} Each variant needed {{min_outcomes}} who did it and as many who did not; at the "
        "end: {did}. To go on, {anew}, with more traffic, or a metric that is neither so rare nor "
        "so common."
    ),
    "inconclusive/few_values": (
        f"{_ENDED} Each variant needed as much of the {{metric}} as from {{min_units}} viewers who "
        "are alike. To go on, {anew}, with more traffic, or a metric to which more viewers add."
    ),
    "inconclusive/no_variance": (
        f"{_ENDED} All viewers of a variant had the same {{metric}}. See what is sent as that, "
        "then {anew}."
    ),
    "inconclusive/before_planned": (
        f"{_ENDED} It lacked {{missing}} viewers for its one look. To go on, {{anew}}, with more "
        "time, planned for fewer viewers, or one that may be looked at at any time."
    ),
    "invalid_srm/shares": (
        f"{_SPOILED} Find why viewers of one variant are missing: a video that fails to load, "
        "outcomes that are sent by one player only, bots, a cache that gives everybody the same "
        "variant, weights that are others elsewhere. Then {anew}."
    ),
    "invalid_data/multiple_exposure": (
        f"{_SPOILED} Find why the same viewer sees several variants: an id that is new on each "
        "visit, two services that assign with other weights. Then {anew}."
    ),
    "invalid_data/counter_overflow": (
        f"{_SPOILED} See in which unit values are sent: whole numbers are expected, such as "
        "hundredths of a second. Then {anew}."
    ),
}


def tell_change(plan: Plan, verdict: Mapping[str, Any]) -> str:
    """What would change the verdict, its figures filled in; empty for a state not known here."""
    text = CHANGES.get(f"{verdict.get('state')}/{verdict.get('reason')}", "")
    return text.format(**_facts(plan, verdict))


def _facts(plan: Plan, verdict: Mapping[str, Any]) -> dict[str, str]:
    rows = items(verdict, "variants")
    seen = [(str(each.get("label")), int(figure(each, "exposed", 0))) for each in rows]
    units = sum(number for _, number in seen)
    needed = verdict.get("needed_units")
    missing = count(max(0, needed - units)) if is_number(needed) else "an unknown number of"
    started = figure(verdict, "started_at_ms", 0)
    few = [f"{label} has {count(number)}" for label, number in seen if number < plan.min_units]
    return {
        "metric": plan.primary.called,
        "anew": _ANEW,
        "earliest": instant(started + plan.min_runtime_s * 1000),
        "min_units": count(plan.min_units),
        "min_outcomes": count(plan.min_outcomes),
        "short": ", ".join(few) or "none of those that are counted",
        "did": _did(plan, rows),
        "planned": count(plan.planned_units),
        "missing": missing,
        "need": f" (it was to need about {count(needed)} viewers)" if is_number(needed) else "",
        "days": say_days(verdict.get("days_left")),
        "end": say_days(verdict.get("days_to_end")),
        "mde": f"{100 * plan.mde:g} %",
        "rope": f"{100 * plan.rope:g} %",
        "power": f"{100 * plan.power:g} %",
        "variant": str(verdict.get("variant") or ""),
    }


def _did(plan: Plan, rows: list[Mapping[str, Any]]) -> str:
    """Of each variant, how many did it; a proportion is that share of its units."""
    if plan.primary.kind is not Kind.PROPORTION:
        return "too few"
    told = []
    for each in rows:
        own = part(part(each, "metrics"), plan.primary.name)
        units, value = figure(own, "units", 0), figure(own, "value", 0)
        told.append(f"{count(round(units * value))} of {count(units)} in {each.get('label')}")
    return ", ".join(told)
