"""How likely each variant is the best: for the reader, never for the decision. Pure.

Proportions have a Beta posterior on a flat prior; means and ratios a normal one. The integrals are
one-dimensional for any number of variants and are taken by fixed nodes, so that the same sums give
the same bytes. Who looks often and stops at "best with 95 %" names a false winner in more than half
of all experiments (docs/statistics.md).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import mul
from statistics import NormalDist

from service.experiments.densities import beta_density, normal_density, normal_tail
from service.experiments.inference import Interval
from service.experiments.metrics import Estimate, Proportion, Sums, estimate
from service.experiments.quadrature import Panels, integrate_over

#: Panels of each variant end at so many standard deviations from its mean; the outer ones are for
#: rates of almost 0 or 1, whose tails are long.
_REACH = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.5, 9.0, 12.0, 16.0, 21.0, 28.0, 38.0)
#: GrowthBook's prior for a relative lift: normal about 0 with this deviation.
PRIOR_DEVIATION = 0.3
CREDIBILITY = 0.95
#: A belief narrower than this, by its mean, lies between two neighbouring floats: none is shown.
_LEAST_SPREAD = 1e-13
#: Outlooks that are remembered, each of some hundred bytes.
KEPT = 64


@dataclass(frozen=True, slots=True)
class Belief:
    """A posterior of a variant's value, which lies in `low`..`high`."""

    mean: float
    deviation: float
    density: Callable[[float], float]
    low: float = -math.inf
    high: float = math.inf


@dataclass(frozen=True, slots=True)
class Outlook:
    """How likely a variant is the best, and what is lost on average by choosing it if it is not.

    `interval` holds its value with a probability of 95 %.
    """

    best: float
    loss: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Shrunk:
    """A relative lift drawn towards 0, as an early winner's is overstated.

    `better` is how likely it lies on the better side of 0.
    """

    lift: float
    deviation: float
    interval: Interval
    better: float


def believe(sums: Sums, found: Estimate) -> Belief:
    """The posterior of a variant; its estimate must have a variance unless it is a proportion."""
    if isinstance(sums, Proportion):
        a, b = 1 + sums.s, 1 + sums.n - sums.s
        whole = a + b
        deviation = math.sqrt(a * b / (whole + 1)) / whole
        return Belief(a / whole, deviation, beta_density(a, b), 0.0, 1.0)
    deviation = math.sqrt(found.variance)
    return Belief(found.value, deviation, normal_density(found.value, deviation))


@lru_cache(maxsize=KEPT)
def judge_sums(sums: tuple[Sums, ...], *, lower: bool = False) -> tuple[Outlook, ...]:
    """An outlook for each variant by its sums; empty while one has nothing to go by.

    It is nearly all that a verdict costs, and pages are looked at more often than sums change: the
    last ones are remembered.
    """
    beliefs = []
    for each in sums:
        found = estimate(each)
        if found is None or (not isinstance(each, Proportion) and found.variance <= 0):
            return ()
        belief = believe(each, found)
        if belief.deviation <= _LEAST_SPREAD * abs(belief.mean):
            return ()
        beliefs.append(belief)
    return judge_beliefs(beliefs, lower=lower)


def judge_beliefs(beliefs: Sequence[Belief], *, lower: bool = False) -> tuple[Outlook, ...]:
    """An outlook for each variant; with `lower` the smallest value is the best."""
    panels = Panels(_edges(beliefs))
    densities = [[each.density(x) for x in panels.nodes] for each in beliefs]
    sums = [panels.accumulate(values) for values in densities]
    behind = [_share(at_nodes, lower=lower) for at_nodes, _ in sums]
    outlooks = []
    for index, belief in enumerate(beliefs):
        others = [each for other, each in enumerate(behind) if other != index]
        all_behind = list(map(math.prod, zip(*others, strict=True)))
        best = panels.integrate(_times(densities[index], all_behind))
        # E[max - ours] is the integral of F_ours (1 - the product of the others' F)
        loss = panels.integrate(
            [f * (1 - g) for f, g in zip(behind[index], all_behind, strict=True)]
        )
        interval = _hold(belief, panels, sums[index][1])
        outlooks.append(Outlook(min(1.0, best), loss, interval))
    return tuple(outlooks)


def shrink_lift(base: Estimate, other: Estimate, *, lower: bool = False) -> Shrunk | None:
    """The relative lift with its prior; None where the base is 0 or nothing varies.

    With `lower` a smaller value is the better one.
    """
    if base.value <= 0 or base.variance + other.variance <= 0:
        return None
    square = base.value**2
    variance = other.variance / square + base.variance * other.value**2 / square**2
    if variance <= 0:
        return None
    precision = 1 / variance + 1 / PRIOR_DEVIATION**2
    lift = (other.value - base.value) / base.value / variance / precision
    deviation = math.sqrt(1 / precision)
    reach = NormalDist().inv_cdf(0.5 + CREDIBILITY / 2) * deviation
    interval = Interval(lift - reach, lift + reach)
    return Shrunk(lift, deviation, interval, normal_tail((lift if lower else -lift) / deviation))


def lose_by_normal(difference: float, deviation: float) -> tuple[float, float]:
    """What choosing the base, and the other, loses on average: difference ~ N(d, deviation^2)."""
    z = difference / deviation
    middle = deviation * math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    return (middle + difference * normal_tail(-z), middle - difference * normal_tail(z))


def _edges(beliefs: Sequence[Belief]) -> list[float]:
    edges = set()
    for each in beliefs:
        edges |= {max(each.low, each.mean - reach * each.deviation) for reach in _REACH}
        edges |= {min(each.high, each.mean + reach * each.deviation) for reach in _REACH}
    return sorted(edges)


def _hold(belief: Belief, panels: Panels, at_edges: Sequence[float]) -> Interval:
    outside = (1 - CREDIBILITY) / 2
    low = _quantile(belief, panels, at_edges, outside)
    return Interval(low, _quantile(belief, panels, at_edges, 1 - outside))


def _quantile(belief: Belief, panels: Panels, at_edges: Sequence[float], share: float) -> float:
    """Where the distribution reaches a share, by Newton's method within its panel."""
    place = min(max(bisect_right(at_edges, share), 1), len(at_edges) - 1)
    start, end = panels.edges[place - 1], panels.edges[place]
    missing = share - at_edges[place - 1]
    x = start + (end - start) * missing / (at_edges[place] - at_edges[place - 1])
    for _ in range(30):
        off = integrate_over(belief.density, start, x) - missing
        x = min(end, max(start, x - off / belief.density(x)))
        if abs(off) < 1e-15:
            break
    return x


def _share(cumulated: Sequence[float], *, lower: bool) -> list[float]:
    """How much lies behind each node, within 0..1."""
    shares = [1 - x for x in cumulated] if lower else cumulated
    return [x if 0.0 < x < 1.0 else 1.0 if x >= 1.0 else 0.0 for x in shares]


def _times(one: Sequence[float], other: Sequence[float]) -> list[float]:
    return list(map(mul, one, other))
