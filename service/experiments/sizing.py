"""How many viewers a plan needs and how many days that takes, told before anything runs. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from service.experiments.inference import pair_alpha
from service.experiments.metrics import Kind
from service.experiments.plan import DAY_S, Better, Method, Plan
from service.experiments.power import days_for, need_units, proportion_variance
from service.experiments.words import Sentence

_PARTS: Mapping[str, Mapping[str, str]] = json.loads(
    Path(__file__).with_name("sizing.json").read_text(encoding="utf-8")
)


class Shortfall(StrEnum):
    """What ends a test before it has the units that it needs."""

    PLANNED_UNITS = "planned_units"
    MAX_UNITS = "max_units"
    MAX_RUNTIME = "max_runtime"


@dataclass(frozen=True, slots=True)
class Assumption:
    """What is thought of the primary metric, and of traffic, before anything is known.

    Args:
        value: The control's value, in the metric's own unit; a rate lies between 0 and 1.
        deviation: The standard deviation of one unit's value; of a ratio R that of x - R y, divided
            by the mean of y; a rate has none.
        units_per_day: Units that come each day, those outside the plan's coverage included; None
            where that is not known.
    """

    value: float
    deviation: float | None = None
    units_per_day: float | None = None


@dataclass(frozen=True, slots=True)
class Size:
    """Units of all variants, of each in the plan's order, and days; no days without traffic."""

    units: int
    by_variant: tuple[int, ...]
    days: int | None


@dataclass(frozen=True, slots=True)
class Sizing:
    """What a plan needs where it is looked at once, at the end, and where at any time."""

    one_look: Size
    any_look: Size
    shortfall: Shortfall | None
    sentence: Sentence


def improve(plan: Plan, value: float) -> float:
    """The value of a variant that is better by the plan's `mde`."""
    sign = 1 if plan.primary.better is Better.HIGHER else -1
    return value * (1 + sign * plan.mde)


def size_plan(plan: Plan, assumed: Assumption, *, usual_end: bool = False) -> Sizing:
    """Units and days for the plan's `mde`, `alpha` and `power`.

    Each variant also gets what it must have before anything is said (`min_units`, outcomes for a
    rate, and for a mean so many that it rests on as many). `assumed` must fit the plan:
    `proposal.py` refuses what does not. `usual_end` says that nobody has chosen when the test ends.
    """
    weights = [arm.weight for arm in plan.arms]
    need = need_units(
        _variances(plan, assumed),
        weights,
        effect=plan.mde * assumed.value,
        alpha=pair_alpha(plan.alpha, len(weights)),
        power=plan.power,
    )
    least = math.ceil(_least_of_each(plan, assumed) / min(weights))
    one, many = (_size(plan, assumed, max(n, least)) for n in (need.once, need.always))
    shortfall = _find_shortfall(plan, assumed, deciding(plan, one, many).units)
    ends = "usual_runtime" if usual_end and shortfall is Shortfall.MAX_RUNTIME else shortfall
    return Sizing(one, many, shortfall, _say(plan, assumed, one, many, ends))


def deciding(plan: Plan, one_look: Size, any_look: Size) -> Size:
    """The size that holds for the plan's method."""
    return one_look if plan.method is Method.FIXED else any_look


def write_sizing(plan: Plan, assumed: Assumption, sizing: Sizing) -> dict[str, Any]:
    """A sizing as JSON."""
    return {
        "assume": {
            "value": assumed.value,
            "deviation": assumed.deviation,
            "units_per_day": assumed.units_per_day,
        },
        "one_look": _write_size(plan, sizing.one_look),
        "any_look": _write_size(plan, sizing.any_look),
        "shortfall": sizing.shortfall.value if sizing.shortfall else None,
        "sentence": {"en": sizing.sentence.en, "zh": sizing.sentence.zh},
    }


def _write_size(plan: Plan, size: Size) -> dict[str, Any]:
    by_variant = dict(zip(plan.labels, size.by_variant, strict=True))
    return {"units": size.units, "by_variant": by_variant, "days": size.days}


def _variances(plan: Plan, assumed: Assumption) -> list[float]:
    """Of a single unit, for the control and for variants that are better than it."""
    others = len(plan.arms) - 1
    if plan.primary.kind is Kind.PROPORTION:
        rates = [assumed.value, *[improve(plan, assumed.value)] * others]
        return [proportion_variance(each) for each in rates]
    return [(assumed.deviation or 0.0) ** 2] * (others + 1)


def _least_of_each(plan: Plan, assumed: Assumption) -> float:
    if plan.primary.kind is Kind.RATIO:
        return plan.min_units
    if plan.primary.kind is Kind.MEAN:  # of the mean square, the share that is not variance
        return plan.min_units * (1 + ((assumed.deviation or 0.0) / assumed.value) ** 2)
    rates = (assumed.value, improve(plan, assumed.value))
    rarest = min(min(each, 1 - each) for each in rates)
    return max(plan.min_units, plan.min_outcomes / rarest)


def _size(plan: Plan, assumed: Assumption, units: int) -> Size:
    # rounded first, as 0.07 * 100 is a little more than 7
    by_variant = tuple(math.ceil(round(units * arm.weight, 6)) for arm in plan.arms)
    return Size(units, by_variant, _days(plan, assumed, units))


def _days(plan: Plan, assumed: Assumption, units: int) -> int | None:
    if assumed.units_per_day is None:
        return None
    return days_for(units, assumed.units_per_day * plan.coverage, plan.min_runtime_s)


def _find_shortfall(plan: Plan, assumed: Assumption, units: int) -> Shortfall | None:
    planned = plan.planned_units
    if plan.method is Method.FIXED and planned is not None and planned < units:
        return Shortfall.PLANNED_UNITS
    if plan.max_units is not None and plan.max_units < units:
        return Shortfall.MAX_UNITS
    if assumed.units_per_day is None:
        return None
    come = assumed.units_per_day * plan.coverage * plan.max_runtime_s / DAY_S
    return Shortfall.MAX_RUNTIME if come < units else None


def _say(plan: Plan, assumed: Assumption, one: Size, many: Size, ends: str | None) -> Sentence:
    fixed = plan.method is Method.FIXED
    size = deciding(plan, one, many)
    names = ["once" if fixed else "any"]
    if size.days is not None:
        names.append("days")
    if size.days is None and assumed.units_per_day is not None:
        names.append("nobody")
    elif ends:
        names.append(ends)
    elif not fixed:
        names.append("once_would_do")
    facts = _facts(plan, assumed, one, size)
    english, chinese = (
        "".join(_PARTS[name][tongue] for name in [*names, "end"]).format(**facts)
        for tongue in ("en", "zh")
    )
    return Sentence(english, chinese)


def _facts(plan: Plan, assumed: Assumption, one: Size, size: Size) -> dict[str, str]:
    per_day = assumed.units_per_day or 0.0
    end_days = plan.max_runtime_s / DAY_S
    return {
        "metric": plan.primary.called,
        "metric_zh": plan.primary.called_zh,
        "mde": f"{100 * plan.mde:g}",
        "units": f"{size.units:,}",
        "once": f"{one.units:,}",
        "days": f"{size.days or 0:,}",
        "days_en": "1 day" if size.days == 1 else f"{size.days or 0:,} days",
        "per_day": f"{per_day:g}" if per_day < 10 else f"{round(per_day):,}",
        "planned": f"{plan.planned_units or 0:,}",
        "most": f"{plan.max_units or 0:,}",
        "end_days": f"{end_days:.4g}",
        "end_days_en": "1 day" if end_days == 1 else f"{end_days:.4g} days",
    }
