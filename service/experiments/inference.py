"""What can be said of two variants, however often one looks. Pure.

An asymptotic confidence sequence (Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas: "Time-uniform
central limit theory and asymptotic confidence sequences", Ann. Statist. 2024, arXiv:2103.06476v7)
on the absolute difference. It holds at all looks together with probability 1 - alpha, where an
ordinary interval holds at one look that was chosen before.

The relative lift is Fieller's interval with the same multiplier, so that it excludes 0 exactly when
the difference does. A lift divided by its own baseline would not: it names false winners in more
than 12 % of experiments at a rate of 1 % (docs/statistics.md).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from service.experiments.densities import student_quantile, student_tail
from service.experiments.metrics import Estimate

#: The number of units at which the sequence is narrowest where a plan names none.
USUAL_UNITS = 5000


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """A variant against a base: `difference` is the variant's value less the base's.

    `multiplier` times `deviation` is half the width of `interval`. `lift` is relative to the base,
    and None where the base cannot be told from 0. `log_p` is the logarithm of the p-value.
    """

    units: int
    difference: float
    deviation: float
    multiplier: float
    interval: Interval
    lift: Interval | None
    log_p: float

    @property
    def is_above(self) -> bool:
        return self.interval.low > 0

    @property
    def is_below(self) -> bool:
        return self.interval.high < 0


def tuning(alpha: float, planned_units: float) -> float:
    """rho^2, by which the sequence is narrowest near the planned number of units (eq. 161)."""
    twice = -2 * math.log(alpha)
    return (twice + math.log(twice + 1)) / planned_units


def multiplier(units: int, alpha: float, planned_units: float) -> float:
    """How many standard errors the interval reaches to each side (eq. 9); 1.96 at a single look."""
    grown = units * tuning(alpha, planned_units)
    return math.sqrt((1 + 1 / grown) * (math.log1p(grown) - 2 * math.log(alpha)))


def log_p_value(z: float, units: int, alpha: float, planned_units: float) -> float:
    """The logarithm of the always-valid p-value (eq. 155); p <= alpha where |z| >= multiplier."""
    grown = units * tuning(alpha, planned_units)
    return min(0.0, 0.5 * math.log1p(grown) - 0.5 * z * z * grown / (1 + grown))


def compare(
    base: Estimate, other: Estimate, *, alpha: float, planned_units: float
) -> Comparison | None:
    """Compares two variants at any time; None when neither varies.

    Args:
        base: The variant that a lift is relative to.
        other: The variant compared with it.
        alpha: How often an interval may miss the truth, over all looks.
        planned_units: The units of both for which the sequence was tuned before it began.
    """
    deviation = math.sqrt(base.variance + other.variance)
    if deviation == 0:
        return None
    units = base.units + other.units
    k = multiplier(units, alpha, planned_units)
    log_p = log_p_value((other.value - base.value) / deviation, units, alpha, planned_units)
    return _compare(base, other, k, log_p)


def compare_once(base: Estimate, other: Estimate, *, alpha: float) -> Comparison | None:
    """Welch's test of unequal variances: for one look at a size that was fixed before."""
    total = base.variance + other.variance
    if total == 0:
        return None
    freedom = _freedom(base, other)
    t = abs(other.value - base.value) / math.sqrt(total)
    k = student_quantile(alpha / 2, freedom)
    return _compare(base, other, k, math.log(max(2 * student_tail(t, freedom), _LEAST_P)))


_LEAST_P = 5e-324


def _compare(base: Estimate, other: Estimate, k: float, log_p: float) -> Comparison:
    deviation = math.sqrt(base.variance + other.variance)
    difference = other.value - base.value
    interval = Interval(difference - k * deviation, difference + k * deviation)
    lift = find_lift(base, other, k)
    units = base.units + other.units
    return Comparison(units, difference, deviation, k, interval, lift, log_p)


def _freedom(base: Estimate, other: Estimate) -> float:
    """Degrees of freedom by Welch and Satterthwaite."""
    parts = ((each.variance**2, each.units - 1) for each in (base, other) if each.variance > 0)
    return (base.variance + other.variance) ** 2 / sum(square / less for square, less in parts)


#: A base so near to the edge of being ruled out leaves no digits for the ends of a ratio.
_NEAR = 1e-9


def find_lift(base: Estimate, other: Estimate, k: float) -> Interval | None:
    """Fieller's interval of other / base - 1, at k standard errors (Fieller 1954).

    It holds each theta for which (other - theta base) lies within k of its standard errors of 0.
    None when the base itself lies within them: then no ratio is ruled out.
    """
    square = k * k
    a = base.value**2 - square * base.variance
    if base.value <= 0 or a <= _NEAR * base.value**2:
        return None
    middle = base.value * other.value
    # b^2 - ac without the terms that cancel
    root = k * math.sqrt(other.variance * a + other.value**2 * base.variance)
    return Interval((middle - root) / a - 1, (middle + root) / a - 1)


def adjust(p_values: Sequence[float]) -> list[float]:
    """P-values for all of a family, by Holm (1979); valid however they depend on each other."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [0.0] * len(p_values)
    least = 0.0
    for rank, index in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = least
    return adjusted


def pair_alpha(alpha: float, variants: int) -> float:
    """The level of each pair among k variants: 2 alpha / k.

    A winner must lie above all others. For each candidate that is one one-sided error of half this
    level, and there are k candidates; so no false winner is named more often than alpha, all equal
    included.
    """
    return 2 * alpha / variants
