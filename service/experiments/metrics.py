"""Outcomes as sums of whole numbers, and what is estimated from them. Pure.

Per variant and metric a few integers are kept, so that outcomes may come in any order, in any
batches, and be added up anywhere. Variances are computed in integers and divided once at the end:
the textbook formula loses all digits in floating point when a mean is large.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from enum import StrEnum
from typing import Any

#: What a counter of the store can hold; it refuses to go beyond, it does not wrap.
COUNTER_MAX = 2**63 - 1


class Kind(StrEnum):
    """What is measured of a unit."""

    PROPORTION = "proportion"  #: yes or no: clicked, watched to the end
    MEAN = "mean"  #: a whole number: centiseconds watched
    RATIO = "ratio"  #: two of them, divided: centiseconds watched for each impression


@dataclass(frozen=True, slots=True)
class Proportion:
    """`n` units, of which `s` did it."""

    n: int = 0
    s: int = 0


@dataclass(frozen=True, slots=True)
class Mean:
    """`n` units with the sum `s1` and the sum of squares `s2` of their values.

    `bounded` says that `s2` is the most it can be (`from_sum`), not what was measured.
    """

    n: int = 0
    s1: int = 0
    s2: int = 0
    bounded: bool = False


@dataclass(frozen=True, slots=True)
class Ratio:
    """`n` units, each with an x and a y: their sums, sums of squares and sum of products.

    The unit is the viewer. Impressions of one viewer resemble each other, so that counting them as
    independent was measured to triple the false winners.
    """

    n: int = 0
    sx: int = 0
    sxx: int = 0
    sy: int = 0
    syy: int = 0
    sxy: int = 0


Sums = Proportion | Mean | Ratio
KINDS: dict[Kind, type[Any]] = {
    Kind.PROPORTION: Proportion,
    Kind.MEAN: Mean,
    Kind.RATIO: Ratio,
}


@dataclass(frozen=True, slots=True)
class Estimate:
    """What sums say of a variant: its value and the variance of that value, over `units`.

    A variance of 0 tells nothing: too few units, or all alike. `bounded` marks one that is an
    upper bound.
    """

    units: int
    value: float
    variance: float
    bounded: bool = False

    @property
    def unit_variance(self) -> float:
        """The variance of a single unit."""
        return self.variance * self.units


def from_sum(n: int, total: int, most: int) -> Mean:
    """A mean's sums where a source gives no squares: values lie in 0..`most`.

    Then x * x <= most * x, which makes the variance the bound of Bhatia and Davis (Amer. Math.
    Monthly 2000): never too small, so that no winner is named for want of it.
    """
    return Mean(n, total, most * total, bounded=True)


def is_full(sums: Sums) -> bool:
    """Whether a counter is beyond what the store can hold."""
    return any(abs(each) > COUNTER_MAX for each in astuple(sums))


def estimate(sums: Sums) -> Estimate | None:
    """The value and its variance; None while there is nothing to divide by."""
    if sums.n < 1:
        return None
    match sums:
        case Proportion():
            return _estimate_mean(Mean(sums.n, sums.s, sums.s))
        case Mean():
            return _estimate_mean(sums)
        case Ratio():
            return _estimate_ratio(sums) if sums.sy > 0 else None


def effective_units(sums: Mean | Ratio, most: int | None) -> float:
    """How many units that are alike would weigh as much: Kish's effective size, s^2 / s2.

    It is about 10 where 10 of a million units have all there is (Kish, "Survey Sampling", 1965).
    Of a ratio it is the lesser of both numbers; of a mean of values up to `most` also that of what
    they lack to it, as a mean can rest on the few who do not watch to the end. 0 where all are 0.
    """
    if isinstance(sums, Ratio):
        return min(_divide(sums.sx**2, sums.sxx), _divide(sums.sy**2, sums.syy))
    found = _divide(sums.s1**2, sums.s2)
    if most is None or sums.s1 >= sums.n * most:
        return found
    lacking = sums.n * most**2 - 2 * most * sums.s1 + sums.s2
    return min(found, _divide((sums.n * most - sums.s1) ** 2, lacking))


def share_totals(sums: Sequence[Sums], weights: Sequence[float]) -> list[float | None]:
    """Each variant's share of all that was gained, as if all had had the same share of viewers.

    That of watch time is what YouTube shows of its tests. Display only: it has no test of its own.
    """
    gained = [_total(each) / weight for each, weight in zip(sums, weights, strict=True)]
    whole = math.fsum(gained)
    return [each / whole if whole > 0 else None for each in gained]


def _total(sums: Sums) -> int:
    match sums:
        case Proportion():
            return sums.s
        case Mean():
            return sums.s1
        case Ratio():
            return sums.sx


def _estimate_mean(sums: Mean) -> Estimate:
    n = sums.n
    # (s2/n - mean^2) / (n - 1), the unbiased variance divided by n
    variance = _divide(n * sums.s2 - sums.s1 * sums.s1, n * n * (n - 1))
    return Estimate(n, sums.s1 / n, variance, sums.bounded)


def _estimate_ratio(sums: Ratio) -> Estimate:
    """By the delta method: (Vx - 2R Cxy + R^2 Vy) / (n mean_y^2), as one fraction."""
    n, sx, sy = sums.n, sums.sx, sums.sy
    spread = sy * sy * sums.sxx - 2 * sx * sy * sums.sxy + sx * sx * sums.syy
    return Estimate(n, sx / sy, _divide(n * spread, (n - 1) * sy**4))


def _divide(above: int, below: int) -> float:
    # contradictory sums give a negative variance; it says no more than none
    return above / below if above > 0 and below > 0 else 0.0
