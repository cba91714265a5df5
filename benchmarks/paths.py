"""Many experiments at once, looked at again and again: what `service.experiments` would have said.

The formulas are those of the product, written for arrays; constants come from the product itself.
`walk` goes along one experiment with the product's own rules, and the two must agree at every look.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import Any

import numpy as np

from service.experiments import srm
from service.experiments.assign import bucket_shares
from service.experiments.inference import pair_alpha, tuning
from service.experiments.look import Look
from service.experiments.metrics import KINDS, Kind
from service.experiments.plan import Arm, Metric, Plan
from service.experiments.ruling import rule
from service.experiments.snapshot import Snapshot, Tally
from service.experiments.states import State

Array = np.ndarray[Any, np.dtype[Any]]
#: Standard errors to each side, from the units of a pair and which pair it is.
Reach = Callable[[Array, tuple[int, int]], Array | float]
#: In units of the variant with the smallest share.
PER_LOOK = 100
_NAIVE_Z = 1.959963984540054
_CHANCE_Z = 1.6448536269514722
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680)


@dataclass(frozen=True, slots=True)
class Setting:
    """What is simulated: a metric of each variant, and how viewers are divided.

    `levels` are the rates of a proportion, and relative means of the other kinds, to which the
    share `adding` of all units adds anything.
    """

    name: str
    levels: tuple[float, ...]
    weights: tuple[float, ...]
    kind: Kind = Kind.PROPORTION
    adding: float = 1.0

    @property
    def plan(self) -> Plan:
        """Without a minimum run time and a range of no difference, which end fewer by mistake."""
        arms = tuple(Arm(f"V{n}", weight) for n, weight in enumerate(self.weights))
        return Plan("seed", arms, Metric("m", self.kind), rope=0.0, min_runtime_s=0)


@dataclass(frozen=True, slots=True)
class Paths:
    """Running sums: `n` and each of `sums` have the axes experiment, look, variant."""

    setting: Setting
    n: Array
    sums: dict[str, Array]

    def estimates(self) -> tuple[Array, Array]:
        """Values and variances, as `metrics.estimate` has them."""
        n, sums = self.n.astype(float), {k: v.astype(float) for k, v in self.sums.items()}
        with np.errstate(all="ignore"):
            if self.setting.kind is Kind.RATIO:
                value = sums["sx"] / sums["sy"]
                spread = sums["sxx"] - 2 * value * sums["sxy"] + value**2 * sums["syy"]
                variance = n * spread / ((n - 1) * sums["sy"] ** 2)
            else:
                s1, s2 = (sums["s"],) * 2 if "s" in sums else (sums["s1"], sums["s2"])
                value = s1 / n
                variance = (s2 / n - value**2) / (n - 1)
        return np.nan_to_num(value), np.nan_to_num(np.maximum(variance, 0))

    def snapshot(self, experiment: int, look: int, earlier: dict[str, float]) -> Snapshot:
        """What the product would have read at a look."""
        plan = self.setting.plan
        tallies = []
        for arm in range(len(plan.arms)):
            n = int(self.n[experiment, look, arm])
            sums = {k: int(v[experiment, look, arm]) for k, v in self.sums.items()}
            tallies.append(Tally(n, {"m": KINDS[self.setting.kind](n, **sums)}))
        return Snapshot(plan, 0, look * 60_000, tuple(tallies), earlier=earlier)


@dataclass(frozen=True, slots=True)
class Ends:
    """For each experiment the look at which it ended, -1 for none, and the winner, -1 for none."""

    look: Array
    winner: Array

    def share_won(self) -> float:
        return float(np.mean(self.winner >= 0))


def draw(setting: Setting, experiments: int, looks: int, random: np.random.Generator) -> Paths:
    """Draws experiments; every unit is put into a variant by chance."""
    per_look = round(PER_LOOK / min(setting.weights))
    counts = random.multinomial(per_look, setting.weights, size=(experiments, looks))
    if setting.kind is Kind.PROPORTION:
        sums = {"s": random.binomial(counts, setting.levels)}
    else:
        sums = _draw_values(setting, counts, random)
    return Paths(setting, counts.cumsum(axis=1), {k: v.cumsum(axis=1) for k, v in sums.items()})


def _draw_values(setting: Setting, counts: Array, random: np.random.Generator) -> dict[str, Array]:
    """Sums over the units of each look, of values that are far from normal."""
    names = ("s1", "s2") if setting.kind is Kind.MEAN else ("sx", "sxx", "sy", "syy", "sxy")
    found = {name: np.zeros(counts.shape, dtype=np.int64) for name in names}
    for experiment in range(counts.shape[0]):
        for arm, level in enumerate(setting.levels):
            sizes = counts[experiment, :, arm]
            starts = np.concatenate(([0], sizes.cumsum()[:-1]))
            values = _watch(setting, int(sizes.sum()), level, random)
            for name in names:
                # a look without units would repeat its neighbour's sum
                part = np.add.reduceat(np.append(values[name], 0), starts) * (sizes > 0)
                found[name][experiment, :, arm] = part
    return found


def _watch(
    setting: Setting, size: int, level: float, random: np.random.Generator
) -> dict[str, Array]:
    """Centiseconds watched: many leave at once, some see all of 30 s; a viewer is like himself."""
    stays = random.random(size) < setting.adding
    if setting.kind is Kind.MEAN:
        x = np.minimum(3000, random.lognormal(6.2, 1.0, size) * level * stays).astype(np.int64)
        return {"s1": x, "s2": x * x}
    y = random.geometric(0.4, size) * stays
    taste = random.lognormal(6.0, 0.8, size)
    x = np.minimum(3000 * y, taste * level * random.gamma(y)).astype(np.int64)
    return {"sx": x, "sxx": x * x, "sy": y, "syy": y * y, "sxy": x * y}


def run_product(paths: Paths) -> Ends:
    """Where the product ends each experiment."""
    plan = paths.setting.plan
    alpha = pair_alpha(plan.alpha, len(plan.arms))
    value, variance = paths.estimates()
    ready = (paths.n >= plan.min_units).all(axis=2) & (variance > 0).all(axis=2)
    if "s" in paths.sums:
        yes = paths.sums["s"]
        ready &= (np.minimum(yes, paths.n - yes) >= plan.min_outcomes).all(axis=2)
    for total, squares in (("s1", "s2"), ("sx", "sxx"), ("sy", "syy")):
        if total in paths.sums:
            weight = paths.sums[total].astype(float) ** 2
            ready &= (weight >= plan.min_units * paths.sums[squares]).all(axis=2)
    wins = ready[..., None] & _beats(
        paths,
        value,
        variance,
        lambda units, pair: _multiplier(units, alpha, plan.pair_units(*pair)),
    )
    wrong = _mismatched(paths)
    ended = wins.any(axis=2) | wrong
    return _first(ended, wins & ~wrong[..., None])


def run_naive(paths: Paths, z: float = _NAIVE_Z) -> Ends:
    """Where somebody ends it who looks at an ordinary interval each time, from 100 units on."""
    value, variance = paths.estimates()
    ready = (paths.n >= 100).all(axis=2) & (variance > 0).all(axis=2)
    wins = ready[..., None] & _beats(paths, value, variance, lambda *_: z)
    return _first(wins.any(axis=2), wins)


def run_chance(paths: Paths) -> Ends:
    """Where somebody ends it who waits for a chance of 95 % to be the better one (as a normal)."""
    return run_naive(paths, _CHANCE_Z)


def run_relative(paths: Paths) -> Ends:
    """Where the same sequence ends it on a lift divided by its own baseline, as gbstats has it."""
    plan = paths.setting.plan
    alpha = pair_alpha(plan.alpha, len(plan.arms))
    value, variance = paths.estimates()
    ready = (paths.n >= 100).all(axis=2) & (variance > 0).all(axis=2)
    wins = np.repeat(ready[..., None], value.shape[2], axis=2)
    for base, other in combinations(range(value.shape[2]), 2):
        a, b = value[..., base], value[..., other]
        units = paths.n[..., base] + paths.n[..., other]
        with np.errstate(all="ignore"):
            lift = (b - a) / a
            spread = variance[..., other] / a**2 + variance[..., base] * b**2 / a**4
        reach = _multiplier(units, alpha, plan.pair_units(base, other)) * np.sqrt(spread)
        wins[..., other] &= lift > reach
        wins[..., base] &= lift < -reach
    return _first(wins.any(axis=2), wins)


def walk(paths: Paths, experiment: int) -> tuple[int, int]:
    """The look at which the product itself ends an experiment, and its winner; -1 for none."""
    earlier: dict[str, float] = {}
    for look in range(paths.n.shape[1]):
        seen = Look(paths.snapshot(experiment, look, earlier))
        ruling = rule(seen)
        if ruling.state.is_final:
            return look, _winner_of(ruling.state, ruling.label)
        earlier = {"srm": seen.log_p_shares or 0.0}
    return -1, -1


def _winner_of(state: State, label: str | None) -> int:
    return int(label[1:]) if state is State.WINNER and label else -1


def _beats(paths: Paths, value: Array, variance: Array, k: Reach) -> Array:
    """For each variant whether its interval lies above 0 against every other."""
    count = value.shape[2]
    wins = np.ones(value.shape, dtype=bool)
    for one, other in permutations(range(count), 2):
        deviation = np.sqrt(variance[..., one] + variance[..., other])
        units = paths.n[..., one] + paths.n[..., other]
        wins[..., one] &= value[..., one] - value[..., other] > k(units, (one, other)) * deviation
    return wins


def _multiplier(units: Array, alpha: float, planned: float) -> Array:
    grown = np.maximum(units, 1) * tuning(alpha, planned)
    return np.sqrt((1 + 1 / grown) * (np.log1p(grown) - 2 * math.log(alpha)))


def _mismatched(paths: Paths) -> Array:
    """Whether shares were wrong at a look or before."""
    concentration = srm.CONCENTRATION
    total = paths.n.sum(axis=2)
    factor = _lack(np.array(concentration)) - _lack(concentration + total)
    for arm, weight in enumerate(bucket_shares(paths.setting.weights)):
        prior = concentration * weight
        seen, expected = prior + paths.n[..., arm], (concentration + total) * weight
        factor += seen * np.log(seen / expected) + expected - seen
        factor += _lack(seen) - _lack(np.array(prior))
    least = np.minimum.accumulate(np.minimum(0.0, -factor), axis=1)
    return (least < math.log(srm.LIMIT)) & (total >= srm.LEAST_UNITS)


def _lack(x: Array) -> Array:
    error = sum(term / x ** (2 * n + 1) for n, term in enumerate(_STIRLING))
    return np.asarray(error - 0.5 * np.log(x))


def _first(ended: Array, wins: Array) -> Ends:
    any_end = ended.any(axis=1)
    look = np.where(any_end, ended.argmax(axis=1), -1)
    at_end = wins[np.arange(len(look)), look]
    winner = np.where(any_end & at_end.any(axis=1), at_end.argmax(axis=1), -1)
    return Ends(look, winner)


def disagreements(paths: Paths, ends: Ends, which: Iterable[int]) -> list[str]:
    """Experiments, of those named, that the product itself ends otherwise."""
    found = []
    for experiment in which:
        ours = int(ends.look[experiment]), int(ends.winner[experiment])
        theirs = walk(paths, experiment)
        if ours != theirs:
            found.append(f"{paths.setting.name} {experiment}: {ours}, the product {theirs}")
    return found
