"""The plan of an experiment: what is measured, who takes part, and when it ends. Pure.

It is fixed before the first outcome. The level, the planned units and the weights may not change
afterwards, as each would make the numbers mean something else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from service.errors import FieldError, InvalidRequest
from service.experiments.fields import Fields
from service.experiments.inference import USUAL_UNITS
from service.experiments.metrics import COUNTER_MAX, Kind

VARIANTS = (2, 8)
PLANNED_UNITS = (100, 10**12)
DAY_S = 86_400
#: Guards below which the rate of false winners has not been measured (docs/statistics.md).
MIN_UNITS = 100
MIN_OUTCOMES = 25
#: The hash has 10,000 steps; far below one of them sizes and p-values are no numbers any more.
LEAST_WEIGHT = 1e-6
_METRICS = 20
_OVERRIDES = 100


class Split(StrEnum):
    """Who decides which viewer sees what."""

    RANDOMIZED = "randomized"  #: we, by a hash
    OBSERVATIONAL = "observational"  #: somebody else, so that audiences may differ


class Method(StrEnum):
    SEQUENTIAL = "sequential"  #: may be looked at at any time
    FIXED = "fixed"  #: is looked at once, at `planned_units`


class Better(StrEnum):
    HIGHER = "higher"
    LOWER = "lower"


class Unit(StrEnum):
    """In which a metric's values are shown; they are counted as whole numbers all the same."""

    NUMBER = "number"  #: as they are
    SECONDS = "seconds"  #: they are centiseconds


@dataclass(frozen=True, slots=True)
class Metric:
    """One thing that is measured of each unit.

    `title` and `title_zh` are what sentences call it. `most` is the largest value that counts of a
    unit, of a ratio for each of its y; it also bounds sums that come without squares. `harm_margin`
    is the relative loss that a guardrail still bears. `unit` is for readers alone: nothing is
    computed with it.
    """

    name: str
    kind: Kind
    title: str = ""
    title_zh: str = ""
    better: Better = Better.HIGHER
    most: int | None = None
    harm_margin: float = 0.0
    unit: Unit = Unit.NUMBER

    @property
    def called(self) -> str:
        """In a sentence; a bare name is no words, so it says what is compared of it."""
        of = "rate" if self.kind is Kind.PROPORTION else "average"
        return self.title or f"{of} of “{self.name}”"

    @property
    def called_zh(self) -> str:
        of = "比率" if self.kind is Kind.PROPORTION else "平均值"
        return self.title_zh or self.title or f"“{self.name}”的{of}"


@dataclass(frozen=True, slots=True)
class Arm:
    """A variant in the experiment; `weight` is its planned share of those who take part."""

    label: str
    weight: float


@dataclass(frozen=True, slots=True)
class Plan:
    """The first arm is the control. Lifts, `rope` and `mde` are relative: 0.01 is 1 %.

    In JSON `arms` are called `variants`, and `split` is called `allocation`.

    Args:
        seed: What units are hashed with.
        arms: The variants, two to eight; weights have the sum 1.
        primary: The metric that decides.
        secondary: Metrics that are told, adjusted for being many.
        guardrails: Metrics that must not become worse.
        split: Whether units are randomized.
        method: Whether it may be looked at at any time.
        coverage: The share of units that take part.
        alpha: How often a false winner may be named.
        power: How often an effect of `mde` is to be seen, when sizes are planned.
        mde: The smallest effect that matters.
        rope: Differences smaller than this count as none; 0 never calls variants alike.
        planned_units: All units for which it is tuned, or at which a fixed test is read.
        max_units: It ends when so many units have come.
        min_units: Units of each variant before anything is said, and on how many a value must rest.
        min_outcomes: And, of a proportion, so many who did it and so many who did not.
        min_runtime_s: No verdict before.
        max_runtime_s: It ends then.
        overrides: Units that always see a certain variant, for testing.
    """

    seed: str
    arms: tuple[Arm, ...]
    primary: Metric
    secondary: tuple[Metric, ...] = ()
    guardrails: tuple[Metric, ...] = ()
    split: Split = Split.RANDOMIZED
    method: Method = Method.SEQUENTIAL
    coverage: float = 1.0
    alpha: float = 0.05
    power: float = 0.8
    mde: float = 0.1
    rope: float = 0.01
    planned_units: int | None = None
    max_units: int | None = None
    min_units: int = MIN_UNITS
    min_outcomes: int = MIN_OUTCOMES
    min_runtime_s: int = DAY_S
    max_runtime_s: int = 14 * DAY_S
    overrides: Mapping[str, str] = field(default_factory=dict)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return (self.primary, *self.secondary, *self.guardrails)

    @property
    def has_lowered_guards(self) -> bool:
        """Whether it is judged on fewer viewers or outcomes than the promise was tested with."""
        rare = self.primary.kind is Kind.PROPORTION and self.min_outcomes < MIN_OUTCOMES
        return self.min_units < MIN_UNITS or rare

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(arm.label for arm in self.arms)

    def pair_units(self, one: int, other: int) -> float:
        """The units for which the sequence of a pair is tuned."""
        if self.planned_units is None:
            return float(USUAL_UNITS)
        return self.planned_units * (self.arms[one].weight + self.arms[other].weight)


_USUAL: dict[str, Any] = {each.name: each.default for each in fields(Plan)}


def read_plan(document: Any) -> Plan:
    """A plan from JSON; what is left out has its default.

    Raises:
        InvalidRequest: It is no plan; `errors` names each fault by its JSON pointer.
    """
    faults: list[FieldError] = []
    plan = read_plan_at(document, "#", faults)
    if faults:
        raise InvalidRequest("The plan of the experiment is not valid.", faults)
    return plan


def read_plan_at(document: Any, pointer: str, faults: list[FieldError]) -> Plan:
    """The same for a plan within another document; faults are added to a list."""
    reader = Fields(document, pointer, faults)
    plan = Plan(
        seed=reader.text("seed", most=200),
        arms=tuple(
            Arm(each.text("label", most=64), each.number("weight", 0.0, 1.0))
            for each in reader.objects("variants", VARIANTS)
        ),
        primary=_read_metric(reader.object("primary")),
        secondary=tuple(map(_read_metric, reader.objects("secondary", (0, _METRICS)))),
        guardrails=tuple(map(_read_metric, reader.objects("guardrails", (0, _METRICS)))),
        split=reader.choice("allocation", Split, _USUAL["split"]),
        method=reader.choice("method", Method, _USUAL["method"]),
        coverage=reader.number("coverage", 0.0, 1.0, _USUAL["coverage"]),
        alpha=reader.number("alpha", 0.0001, 0.2, _USUAL["alpha"]),
        power=reader.number("power", 0.5, 0.99, _USUAL["power"]),
        mde=reader.number("mde", 0.001, 10.0, _USUAL["mde"]),
        rope=reader.number("rope", 0.0, 0.5, _USUAL["rope"]),
        planned_units=reader.whole_or_none("planned_units", *PLANNED_UNITS),
        max_units=reader.whole_or_none("max_units", *PLANNED_UNITS),
        min_units=reader.whole("min_units", 2, 10**9, _USUAL["min_units"]),
        min_outcomes=reader.whole("min_outcomes", 1, 10**9, _USUAL["min_outcomes"]),
        min_runtime_s=reader.whole("min_runtime_s", 0, 365 * DAY_S, _USUAL["min_runtime_s"]),
        max_runtime_s=reader.whole("max_runtime_s", 1, 365 * DAY_S, _USUAL["max_runtime_s"]),
        overrides=reader.texts("overrides", _OVERRIDES),
    )
    reader.refuse_others()
    if not faults:
        _check_together(plan, reader)
    return plan


def write_plan(plan: Plan) -> dict[str, Any]:
    """A plan as JSON, defaults included: they may be others in a later release."""
    return {
        "seed": plan.seed,
        "variants": [{"label": arm.label, "weight": float(arm.weight)} for arm in plan.arms],
        "primary": _write_metric(plan.primary),
        "secondary": [_write_metric(each) for each in plan.secondary],
        "guardrails": [_write_metric(each) for each in plan.guardrails],
        "allocation": plan.split.value,
        "method": plan.method.value,
        "coverage": float(plan.coverage),
        "alpha": float(plan.alpha),
        "power": float(plan.power),
        "mde": float(plan.mde),
        "rope": float(plan.rope),
        "planned_units": plan.planned_units,
        "max_units": plan.max_units,
        "min_units": plan.min_units,
        "min_outcomes": plan.min_outcomes,
        "min_runtime_s": plan.min_runtime_s,
        "max_runtime_s": plan.max_runtime_s,
        "overrides": dict(plan.overrides),
    }


def _read_metric(reader: Fields) -> Metric:
    metric = Metric(
        name=reader.text("name", most=64),
        kind=reader.choice("kind", Kind),
        title=reader.text("title", most=100, usual=""),
        title_zh=reader.text("title_zh", most=100, usual=""),
        better=reader.choice("better", Better, Better.HIGHER),
        most=reader.whole_or_none("most", 1, COUNTER_MAX),
        harm_margin=reader.number("harm_margin", 0.0, 1.0, 0.0),
        unit=reader.choice("unit", Unit, Unit.NUMBER),
    )
    # not `metric.kind`, which has a stand-in where it was faulty
    if metric.unit is Unit.SECONDS and reader.plain("kind") == Kind.PROPORTION:
        reader.fault("unit", "A proportion is a share of viewers, not a time.")
    reader.refuse_others()
    return metric


def _write_metric(metric: Metric) -> dict[str, Any]:
    return {
        "name": metric.name,
        "kind": metric.kind.value,
        "title": metric.title,
        "title_zh": metric.title_zh,
        "better": metric.better.value,
        "most": metric.most,
        "harm_margin": float(metric.harm_margin),
        "unit": metric.unit.value,
    }


def _check_together(plan: Plan, reader: Fields) -> None:
    """Rules between fields, once each of them is well formed."""
    if len(set(plan.labels)) < len(plan.arms):
        reader.fault("variants", "Labels must differ.")
    if any(arm.weight < LEAST_WEIGHT for arm in plan.arms):
        reader.fault("variants", f"Each weight must be at least {LEAST_WEIGHT:.6f}.")
    if abs(math.fsum(arm.weight for arm in plan.arms) - 1) > 1e-6:
        reader.fault("variants", "Weights must have the sum 1.")
    names = [metric.name for metric in plan.metrics]
    if len(set(names)) < len(names):
        reader.fault("primary", "A metric is named twice in the plan.")
    if plan.min_runtime_s > plan.max_runtime_s:
        reader.fault("min_runtime_s", "It must not exceed `max_runtime_s`.")
    if plan.method is Method.FIXED and plan.planned_units is None:
        reader.fault("planned_units", "A test with `method` `fixed` needs it.")
    strange = set(plan.overrides.values()) - set(plan.labels)
    if strange:
        reader.fault("overrides", f"There is no variant {min(strange)!r}.")
