"""Figures of many units at once, from a source that counted them itself: checked. Pure.

They are added once by their `batch_id`, or with `revision` they replace what the source had said of
the variant before, so that a dashboard may be read again and again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from service.errors import FieldError
from service.experiments.metrics import (
    COUNTER_MAX,
    KINDS,
    Kind,
    Mean,
    Proportion,
    Ratio,
    Sums,
    from_sum,
)
from service.experiments.outcomes import (
    Fault,
    Per,
    Reader,
    Rejection,
    digest,
    digest_body,
    find_metric,
    first_fault,
)
from service.experiments.plan import Metric, Plan

_ID_LENGTH = 200
_MOST_UNITS = 10**12
_MOST_REVISION = 2**53
#: The sums that figures of a metric cannot do without.
_NEEDED = {
    Kind.PROPORTION: ("s",),
    Kind.MEAN: ("sum",),
    Kind.RATIO: ("sx", "sxx", "sy", "syy", "sxy"),
}


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Sums of a variant, by the place of their metric in the plan; `units` are in each of them.

    `id` is a digest of the batch, or of source and variant where `revision` is given. `independent`
    says that impressions were counted, not viewers.
    """

    id: str
    body: str
    arm: int
    units: int
    sums: Mapping[int, Sums]
    revision: int | None
    correction: bool
    independent: bool
    at_ms: int


def read_aggregate(
    item: Any, pointer: str, plan: Plan, *, started_ms: int, now_ms: int
) -> Aggregate | Fault:
    """Figures of one variant: `batch_id`, or `source` with `revision`; `units` and `metrics`."""
    faults: list[FieldError] = []
    reader = Reader(item, pointer, faults)
    arm = reader.arm(plan)
    correction = reader.flag("correction", usual=False)
    absolute = reader.plain("revision") is not None
    if reader.plain("source") is not None and not absolute:
        reader.fault("revision", "A `source` needs it: a whole number that grows.")
    elif reader.plain("batch_id") is None and not absolute:
        reader.fault("batch_id", "Figures need it, or a `source` with a `revision`.")
    if absolute:
        name = f"source:{arm}:{reader.text('source', most=_ID_LENGTH)}"
    else:
        name = f"batch:{reader.text('batch_id', most=_ID_LENGTH)}"
    revision = reader.whole("revision", 0, _MOST_REVISION) if absolute else None
    units = _read_count(reader, "units", _MOST_UNITS, negative=correction and not absolute)
    independent = reader.choice("per", Per, Per.IMPRESSION) is Per.IMPRESSION
    # What takes back may have any signs; what counts must be sums of something that can be.
    taking_back = correction and not absolute
    sums = _read_metrics(reader, plan, units, faults, taking_back=taking_back)
    at_ms = reader.moment(now_ms=now_ms, started_ms=started_ms)
    reader.refuse_others()
    if faults:
        return first_fault(reader, faults)
    ids = digest(name), digest_body(item)
    return Aggregate(*ids, arm, units, sums, revision, correction, independent, at_ms)


def _read_count(reader: Reader, name: str, most: int, *, negative: bool) -> int:
    value = reader.plain(name)
    if isinstance(value, int) and value < 0 and not negative:
        detail = "It must not be below 0. To take something back, set `correction`."
        reader.refuse(Rejection.NEGATIVE_VALUE, name, detail)
        return 0
    return reader.whole(name, -most if negative else 0, most)


def _read_metrics(
    reader: Reader, plan: Plan, units: int, faults: list[FieldError], *, taking_back: bool
) -> dict[int, Sums]:
    found: dict[int, Sums] = {}
    parts = reader.object("metrics")
    for name in parts.names():
        place = find_metric(plan, name)
        if place is None:
            reader.refuse(
                Rejection.UNKNOWN_METRIC, "metrics", f"The experiment has no metric {name!r}."
            )
            break  # the first fault is the one that is told
        part = Reader(parts.plain(name), parts.at(name), faults)
        found[place] = _read_sums(part, plan.metrics[place], units, taking_back=taking_back)
        part.refuse_others()
        reader.reasons |= part.reasons
    return found


def _read_sums(part: Reader, metric: Metric, units: int, *, taking_back: bool) -> Sums:
    if lacking := [name for name in _NEEDED[metric.kind] if part.plain(name) is None]:
        named = ", ".join(f"`{name}`" for name in _NEEDED[metric.kind])
        part.fault(lacking[0], f"Figures of a {metric.kind} need {named}.")
        return KINDS[metric.kind]()  # type: ignore[no-any-return]  # a stand-in

    def read(name: str) -> int:
        return _read_count(part, name, COUNTER_MAX, negative=taking_back)

    sums: Sums
    match metric.kind:
        case Kind.PROPORTION:
            sums = Proportion(units, read("s"))
            suspect, possible = "s", sums.s <= units
        case Kind.MEAN:
            sums = _read_mean(part, metric, units, read("sum"), taking_back=taking_back)
            suspect, possible = "sum_squares", units * sums.s2 >= sums.s1 * sums.s1
        case Kind.RATIO:
            sums = Ratio(units, *(read(name) for name in ("sx", "sxx", "sy", "syy", "sxy")))
            suspect, possible = (
                "sxx",
                (
                    units * sums.sxx >= sums.sx**2
                    and units * sums.syy >= sums.sy**2
                    and sums.sxy**2 <= sums.sxx * sums.syy
                ),
            )
    if not possible and not taking_back:
        part.refuse(Rejection.SUMS_CONTRADICT, suspect, f"No {units} units can have such sums.")
    return sums


def _read_mean(part: Reader, metric: Metric, units: int, total: int, *, taking_back: bool) -> Mean:
    """With `sum_squares` or `stddev`; else bounded by the metric's `most`."""
    if part.plain("sum_squares") is not None:
        return Mean(
            units, total, _read_count(part, "sum_squares", COUNTER_MAX, negative=taking_back)
        )
    if part.plain("stddev") is not None:
        stated = part.number("stddev", 0.0, 1e9)
        if units == 0 and taking_back:
            part.fault("stddev", "No units have none: tell `sum_squares`.")
        # what is no number was noted as a fault, and cannot be made a fraction
        return _from_deviation(units, total, stated if math.isfinite(stated) else 0.0)
    if metric.most is None:
        detail = "It needs `sum_squares` or `stddev`, as the plan names no largest value."
        part.refuse(Rejection.SQUARES_MISSING, "sum_squares", detail)
        return Mean(units, total, 0)
    if total > metric.most * units and not taking_back:
        detail = f"No {units} units can have it: the plan's largest value is {metric.most}."
        part.refuse(Rejection.SUMS_CONTRADICT, "sum", detail)
    return from_sum(units, total, metric.most)


def _from_deviation(units: int, total: int, deviation: float) -> Mean:
    """The sums of so many units; of fewer than none, what takes back the sums of as many."""
    count = abs(units)
    squares = Fraction(deviation) ** 2 * max(count - 1, 0) + Fraction(total**2, max(count, 1))
    # Rounded up: a variance that is too small by rounding would name winners too early. Nor is it
    # cut to what a counter holds: the store refuses it.
    return Mean(units, total, math.ceil(squares) * (-1 if units < 0 else 1))
