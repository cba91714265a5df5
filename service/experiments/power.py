"""How many units a test needs, and how many days that takes. Pure.

Asked before anything runs, so that a small channel learns at once what it can tell, and again while
it runs: then with the variances that were seen, and always with the effect that was planned for.
The effect that was seen would promise an end that keeps moving away.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist

from service.experiments.inference import multiplier

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Need:
    """Units of all variants together.

    `once` is enough for a test that is looked at once, at the end. `always` is enough for one that
    may be looked at at any time; it counts only the last look, so that most end before.
    """

    once: int
    always: int


@dataclass(frozen=True, slots=True)
class Traffic:
    """Units that came to a test within a time."""

    units: int
    seconds: float

    @property
    def per_day(self) -> float:
        return self.units / self.seconds * DAY_S if self.seconds > 0 else 0.0


NO_TRAFFIC = Traffic(0, 0.0)


def need_units(
    variances: Sequence[float],
    weights: Sequence[float],
    *,
    effect: float,
    alpha: float,
    power: float,
) -> Need:
    """Units needed to see a difference in the pair of variants that takes the most.

    Args:
        variances: The variance of a single unit, for each variant.
        weights: Planned shares, in the same order, with the sum 1.
        effect: The absolute difference that must not be missed.
        alpha: The level of a pair (`inference.pair_alpha`).
        power: How often it must be seen where it is there.
    """
    spread = max(
        variances[i] / weights[i] + variances[j] / weights[j]
        for i, j in combinations(range(len(weights)), 2)
    )
    normal = NormalDist()
    reach = normal.inv_cdf(power)
    once = (normal.inv_cdf(1 - alpha / 2) + reach) ** 2 * spread / effect**2
    # a sequence tuned for as many units as it then needs has its least multiplier there
    always = (multiplier(1, alpha, 1.0) + reach) ** 2 * spread / effect**2
    return Need(math.ceil(once), math.ceil(always))


def proportion_variance(rate: float) -> float:
    """The variance of a yes or no."""
    return rate * (1 - rate)


def days_for(units: int, per_day: float, least_s: float = 0.0) -> int | None:
    """Whole days until so many units have come, and at least the minimum run time has passed.

    None when nobody comes, or hardly anybody: so seldom that no float holds the days.
    """
    if units > 0 and per_day <= 0:
        return None
    days = max(units / per_day if units > 0 else 0.0, least_s / DAY_S)
    return math.ceil(days) if math.isfinite(days) else None
