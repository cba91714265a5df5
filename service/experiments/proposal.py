"""A plan as callers send it: what is left out comes from the job or from what they assume. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from service.errors import FieldError, InvalidRequest
from service.experiments.fields import Fields
from service.experiments.metrics import Kind
from service.experiments.outcomes import MOST_OF_UNIT
from service.experiments.plan import (
    PLANNED_UNITS,
    VARIANTS,
    Metric,
    Plan,
    read_plan_at,
    write_plan,
)
from service.experiments.sizing import Assumption, Sizing, deciding, improve, size_plan

#: What is told apart from nothing.
LEAST_VALUE = 1e-6
MOST_PER_DAY = 1e12
_LEFT_OUT: Any = object()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A plan, whether its seed was chosen, and what it needs by what the caller assumes."""

    plan: Plan
    seeded: bool
    assumed: Assumption | None = None
    sizing: Sizing | None = None


def read_proposal(
    document: Any, labels: Sequence[str], *, seed: str, pointer: str = "#"
) -> Proposal:
    """A plan from a request for a job with these labels.

    Left out, `variants` are all of them with equal weights, `seed` is the one given here, and
    `planned_units` is what `assume` comes to.

    Raises:
        InvalidRequest: it is no plan for this job; `errors` names each fault by its JSON pointer,
            which begins with `pointer`.
    """
    faults: list[FieldError] = []
    given = dict(document) if isinstance(document, Mapping) else document
    assume, seeded, wanted = _LEFT_OUT, False, False
    if isinstance(given, dict):
        assume, seeded = given.pop("assume", _LEFT_OUT), "seed" in given
        wanted = assume is not _LEFT_OUT and given.get("planned_units") is None
        everybody = [{"label": each} for each in labels]
        given = {"seed": seed, "variants": everybody, **given}
        given["variants"] = _weigh(given["variants"])
        if wanted:  # a stand-in, so that a test for one look passes until its size is known
            given["planned_units"] = PLANNED_UNITS[0]
    plan = read_plan_at(given, pointer, faults)
    _check_labels(plan, labels, pointer, faults)
    if assume is _LEFT_OUT:
        _refuse(faults)
        return Proposal(plan, seeded)
    assumed = _read_assumption(assume, f"{pointer}/assume", plan, faults)
    _refuse(faults)
    usual = "max_runtime_s" not in given
    sizing = size_plan(plan, assumed, usual_end=usual)
    if not wanted:
        return Proposal(plan, seeded, assumed, sizing)
    planned = deciding(plan, sizing.one_look, sizing.any_look).units
    if planned > PLANNED_UNITS[1]:
        faults.append(FieldError(f"{pointer}/assume", f"It takes more than {PLANNED_UNITS[1]}."))
        _refuse(faults)
    plan = replace(plan, planned_units=max(planned, PLANNED_UNITS[0]))
    return Proposal(plan, seeded, assumed, size_plan(plan, assumed, usual_end=usual))


def keep_plan(proposal: Proposal) -> dict[str, Any]:
    """A plan as the request of a job keeps it: without a seed where the job's id is to be it.

    So a retry, which is a job of its own, divides viewers anew.
    """
    kept = write_plan(proposal.plan)
    return kept if proposal.seeded else {name: kept[name] for name in kept if name != "seed"}


def _weigh(rows: Any) -> Any:
    """Equal weights where none is given."""
    if not isinstance(rows, list) or len(rows) > VARIANTS[1]:
        return rows
    if all(isinstance(each, Mapping) and "weight" not in each for each in rows):
        return [{**each, "weight": 1 / len(rows)} for each in rows]
    return rows


def _check_labels(
    plan: Plan, labels: Sequence[str], pointer: str, faults: list[FieldError]
) -> None:
    if len(labels) < 2:
        detail = "The job has one variant; an experiment compares at least two."
        faults[:] = [FieldError(f"{pointer}/variants", detail)]
        return
    for index, label in enumerate(plan.labels):
        if label and label not in labels:
            detail = f"The job has no variant {label!r}; it has {', '.join(labels)}."
            faults.append(FieldError(f"{pointer}/variants/{index}/label", detail))


def _read_assumption(
    document: Any, pointer: str, plan: Plan, faults: list[FieldError]
) -> Assumption:
    found: list[FieldError] = []
    reader = Fields(document, pointer, found)
    assumed = Assumption(
        value=reader.number("value", LEAST_VALUE, MOST_OF_UNIT),
        deviation=reader.number_or_none("deviation", LEAST_VALUE, MOST_OF_UNIT),
        units_per_day=reader.number_or_none("units_per_day", 0.0, MOST_PER_DAY),
    )
    reader.refuse_others()
    if not found and not faults:
        assumed = _check_assumption(assumed, plan, reader)
    faults += found
    return assumed


def _check_assumption(assumed: Assumption, plan: Plan, reader: Fields) -> Assumption:
    """See that it fits the metric; a deviation that is left out is the most that there can be."""
    metric, better = plan.primary, improve(plan, assumed.value)
    most = 1.0 if metric.kind is Kind.PROPORTION else _most(metric)
    if assumed.value >= most:
        detail = f"It must be below {most:g}."
        if metric.kind is Kind.PROPORTION:
            detail += " A rate of 5 % is 0.05."
        reader.fault("value", detail)
    elif not 0 < better < most:
        detail = f"No variant can be better by {100 * plan.mde:g} %; make `mde` smaller."
        reader.fault("value", detail)
    elif metric.kind is Kind.PROPORTION:
        if assumed.deviation is not None:
            reader.fault("deviation", "A rate has none; leave it out.")
    else:
        return _fill_deviation(assumed, metric, reader)
    return assumed


def _fill_deviation(assumed: Assumption, metric: Metric, reader: Fields) -> Assumption:
    if metric.kind is Kind.MEAN and metric.most is not None:
        # Bhatia and Davis, as for sums without squares
        bound = math.sqrt(assumed.value * (metric.most - assumed.value))
        if assumed.deviation is None:
            return replace(assumed, deviation=bound)
        if assumed.deviation > bound * (1 + 1e-9):
            detail = f"Values from 0 to {metric.most} have at most {bound:.6g} around this mean."
            reader.fault("deviation", detail)
    elif assumed.deviation is None:
        detail = f"A metric of the kind {metric.kind} needs it: how much viewers differ."
        reader.fault("deviation", detail)
    return assumed


def _most(metric: Metric) -> float:
    return math.inf if metric.most is None else float(metric.most)


def _refuse(faults: list[FieldError]) -> None:
    if faults:
        raise InvalidRequest("The plan of the experiment is not valid.", faults)
