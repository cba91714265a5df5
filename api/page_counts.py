"""The tables of an experiment: viewers, metrics, outlook, the numbers behind them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.page_interval import say_between
from api.page_values import say_p, say_value
from api.page_words import (
    NOTHING,
    count,
    figure,
    is_number,
    items,
    part,
    say_time,
    signed_percent,
)
from service.experiments import srm
from service.experiments.plan import Better, Method, Metric, Plan, Split


@dataclass(frozen=True, slots=True)
class Arrival:
    """A variant: its viewers, the share that was planned and the one that came."""

    label: str
    units: str
    planned: str
    real: str


@dataclass(frozen=True, slots=True)
class Shares:
    """Whether viewers came in the planned shares: `answer` is yes, no or unsure, `word` says it.

    `mixed` tells of viewers in several variants, if there are any.
    """

    answer: str
    word: str
    text: str
    mixed: str


@dataclass(frozen=True, slots=True)
class Beside:
    """A variant beside the control, what is to be said of that, and whether it is harm."""

    text: str
    says: str = ""
    harm: bool = False


@dataclass(frozen=True, slots=True)
class MetricRow:
    """A metric: `role` is decides, exploring or guardrail; a value of each variant."""

    name: str
    role: str
    rule: str
    cells: tuple[str, ...]
    compared: tuple[Beside, ...]


@dataclass(frozen=True, slots=True)
class OutlookRow:
    """What is believed of a variant; it decides nothing."""

    label: str
    best: str
    loss: str
    credible: str
    shrunk: str


@dataclass(frozen=True, slots=True)
class PairRow:
    """The numbers of a pair."""

    name: str
    cells: tuple[str, ...]


def list_arrivals(plan: Plan, units: Sequence[int]) -> tuple[Arrival, ...]:
    """Viewers of each variant."""
    whole = sum(units)
    return tuple(
        Arrival(
            arm.label,
            count(number),
            f"{100 * arm.weight:.1f} %",
            f"{100 * number / whole:.1f} %" if whole else NOTHING,
        )
        for arm, number in zip(plan.arms, units, strict=False)
    )


def tell_shares(plan: Plan, verdict: Mapping[str, Any]) -> Shares:
    """The state of the test of shares, in words."""
    rows = items(verdict, "variants")
    units = sum(int(figure(each, "exposed", 0)) for each in rows)
    mixed = figure(verdict, "multiple", 0)
    told = ""
    if mixed:
        seen = "1 viewer was" if mixed == 1 else f"{count(mixed)} viewers were"
        told = f"{seen} seen in a second variant, and not counted there."
    if verdict.get("reason") == "multiple_exposure":
        return Shares("no", "spoiled", "Too many viewers were seen in several variants.", told)
    log_p = part(verdict, "shares").get("log_p")
    if plan.split is not Split.RANDOMIZED or not is_number(log_p):
        text = "Somebody else decides who sees what, so audiences may differ."
        if plan.split is Split.RANDOMIZED:
            text = "Impressions were counted, which cannot tell how viewers were divided."
        return Shares("unsure", "not tested", text, told)
    if srm.is_mismatched(log_p, units):
        text = "The variants did not get the shares that were planned, so no result can be trusted."
        return Shares("no", "wrong", text, told)
    if units < srm.LEAST_UNITS:
        return Shares(
            "unsure", "too early", f"They are tested from {srm.LEAST_UNITS} viewers on.", told
        )
    return Shares("yes", "as planned", "The variants got the shares that were planned.", told)


def list_metrics(plan: Plan, verdict: Mapping[str, Any]) -> tuple[MetricRow, ...]:
    """All metrics, the one that decides first."""
    return (
        _primary_row(plan, verdict),
        *(_secondary_row(each, plan, verdict) for each in plan.secondary),
        *(_guardrail_row(each, plan, verdict) for each in plan.guardrails),
    )


def _cells(metric: Metric, verdict: Mapping[str, Any]) -> tuple[str, ...]:
    rows = items(verdict, "variants")
    found = [part(part(each, "metrics"), metric.name) for each in rows]
    return tuple(say_value(metric, each.get("value")) for each in found)


def _wanted(metric: Metric) -> str:
    return "lower is better" if metric.better is Better.LOWER else "higher is better"


def _primary_row(plan: Plan, verdict: Mapping[str, Any]) -> MetricRow:
    control = plan.labels[0]
    found = [each for each in items(verdict, "pairs") if each.get("base") == control]
    return MetricRow(
        plan.primary.called,
        "decides",
        f"It alone decides; {_wanted(plan.primary)}.",
        _cells(plan.primary, verdict),
        tuple(Beside(_compare(each, control)) for each in found),
    )


def _secondary_row(metric: Metric, plan: Plan, verdict: Mapping[str, Any]) -> MetricRow:
    found = [each for each in items(verdict, "secondary") if each.get("metric") == metric.name]
    return MetricRow(
        metric.called,
        "exploring",
        f"For exploring: it decides nothing; {_wanted(metric)}.",
        _cells(metric, verdict),
        tuple(
            Beside(_compare(each, plan.labels[0]), f"p {say_p(each.get('p_adjusted'))}, adjusted")
            for each in found
        ),
    )


def _guardrail_row(metric: Metric, plan: Plan, verdict: Mapping[str, Any]) -> MetricRow:
    found = [each for each in items(verdict, "guardrails") if each.get("metric") == metric.name]
    margin = f" by more than {100 * metric.harm_margin:g} %" if metric.harm_margin else ""
    return MetricRow(
        metric.called,
        "guardrail",
        f"Guardrail: it must not become worse{margin}; {_wanted(metric)}.",
        _cells(metric, verdict),
        tuple(_guarded(each, plan.labels[0]) for each in found),
    )


def _guarded(row: Mapping[str, Any], control: str) -> Beside:
    harm = bool(row.get("harm"))
    says = "harm, worse than the plan allows" if harm else "no harm shown"
    return Beside(_compare(row, control), says, harm)


def _compare(row: Mapping[str, Any], control: str) -> str:
    lift = row.get("lift")
    if isinstance(lift, list | tuple) and len(lift) == 2:
        return f"{row.get('variant')} is {say_between(*lift)} {control}"
    return f"{row.get('variant')} cannot be told relative to {control} yet"


def list_outlooks(plan: Plan, verdict: Mapping[str, Any]) -> tuple[OutlookRow, ...]:
    """What is believed of each variant; empty while there is nothing to go by."""
    found = []
    for each in items(verdict, "variants"):
        outlook, shrunk = part(each, "outlook"), part(each, "shrunk_lift")
        if not outlook:
            continue
        found.append(
            OutlookRow(
                str(each.get("label")),
                _chance(outlook.get("best")),
                say_value(plan.primary, outlook.get("loss"), small=True),
                _ends(outlook.get("credible"), plan.primary),
                signed_percent(shrunk.get("lift")),
            )
        )
    return tuple(found)


def _chance(value: Any) -> str:
    if not is_number(value):
        return NOTHING
    if value > 0.999:
        return "over 99.9 %"
    return "under 0.1 %" if value < 0.001 else f"{100 * value:.1f} %"


def _ends(ends: Any, metric: Metric) -> str:
    if not isinstance(ends, list | tuple) or len(ends) != 2:
        return NOTHING
    return f"{say_value(metric, ends[0])} to {say_value(metric, ends[1])}"


#: What stands above the cells of a pair.
PAIR_HEADS = ("Difference", "Standard error", "Times", "Interval", "p", "Viewers", "Tuned for")


def list_pairs(plan: Plan, verdict: Mapping[str, Any]) -> tuple[PairRow, ...]:
    """The numbers behind each pair by the metric that decides."""
    metric = plan.primary
    return tuple(
        PairRow(
            f"{each.get('variant')} less {each.get('base')}",
            (
                say_value(metric, each.get("difference"), small=True),
                say_value(metric, each.get("deviation"), small=True),
                f"{figure(each, 'multiplier', 0):.3f}",
                " to ".join(
                    say_value(metric, end, small=True) for end in each.get("interval") or ()
                ),
                say_p(each.get("p")),
                count(each.get("units")),
                count(each.get("planned_units")),
            ),
        )
        for each in items(verdict, "pairs")
    )


def list_plan(plan: Plan) -> tuple[tuple[str, str], ...]:
    """The plan in words, by name."""
    shares = ", ".join(f"{arm.label} {100 * arm.weight:g} %" for arm in plan.arms)
    by_chance = plan.split is Split.RANDOMIZED
    once = plan.method is Method.FIXED
    rows = [
        ("Decides", f"{plan.primary.called}, {_wanted(plan.primary)}"),
        ("Shares", f"{shares}; {'by chance' if by_chance else 'decided by somebody else'}"),
        ("Takes part", f"{100 * plan.coverage:g} % of viewers"),
        ("May be looked at", "once, at the end" if once else "at any time"),
        ("False winners", f"at most {100 * plan.alpha:g} %"),
        ("Effect that matters", f"{100 * plan.mde:g} %, found in {100 * plan.power:g} % of tests"),
        ("Counts as none", f"less than {100 * plan.rope:g} %" if plan.rope else "nothing"),
        ("Runs", f"{say_time(plan.min_runtime_s)} to {say_time(plan.max_runtime_s)}"),
        ("Planned viewers", count(plan.planned_units) if plan.planned_units else "not set"),
        ("Ends at", f"{count(plan.max_units)} viewers" if plan.max_units else "its time alone"),
    ]
    return tuple(rows)
