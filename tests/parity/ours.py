"""Our answers to the questions of oracles.py, by the same names."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from service.experiments import srm
from service.experiments.bayes import Belief, believe, judge_beliefs, lose_by_normal, shrink_lift
from service.experiments.densities import student_quantile, student_tail
from service.experiments.inference import (
    adjust,
    compare,
    compare_once,
    find_lift,
    log_p_value,
    multiplier,
)
from service.experiments.metrics import KINDS, Estimate, Kind, Mean, Proportion, estimate
from service.experiments.power import need_units

Numbers = dict[str, float]
Given = Mapping[str, Any]


def answer(what: str, given: Given) -> Numbers:
    """What we say to a case."""
    return _ANSWERS[what](given)


def _pair(given: Given) -> tuple[Estimate, Estimate]:
    base, other = (estimate(KINDS[Kind(given["kind"])](**sums)) for sums in given["sums"])
    assert base is not None
    assert other is not None
    return base, other


def gbstats_sequential(given: Given) -> Numbers:
    base, other = _pair(given)
    options = {"alpha": given["alpha"], "planned_units": given["planned_units"]}
    found = compare(base, other, **options)
    return {"low": found.interval.low, "high": found.interval.high, "p": math.exp(found.log_p)}


def gbstats_fixed(given: Given) -> Numbers:
    found = compare_once(*_pair(given), alpha=given["alpha"])
    return {"low": found.interval.low, "high": found.interval.high, "p": math.exp(found.log_p)}


def gbstats_shrunk(given: Given) -> Numbers:
    found = shrink_lift(*_pair(given))
    low, high = found.interval.low, found.interval.high
    return {"lift": found.lift, "low": low, "high": high, "better": found.better}


def gbstats_flat(given: Given) -> Numbers:
    """By the integrals of the outlook; the closed form of the losses must agree with them."""
    pair = _pair(given)
    beliefs = [_believe_normal(each) for each in pair]
    base, other = judge_beliefs(beliefs)
    deviation = math.sqrt(pair[0].variance + pair[1].variance)
    closed = lose_by_normal(pair[1].value - pair[0].value, deviation)
    assert all(
        math.isclose(each.loss, loss, rel_tol=1e-9, abs_tol=1e-12 * deviation)
        for each, loss in zip((base, other), closed, strict=True)
    )
    return {"better": other.best, "loss_base": base.loss, "loss_other": other.loss}


def _believe_normal(each: Estimate) -> Belief:
    return believe(Mean(each.units), each)


def statsmodels_welch(given: Given) -> Numbers:
    parts = [_sum_up(values) for values in given["values"]]
    found = compare_once(*parts, alpha=given["alpha"])
    return {"low": found.interval.low, "high": found.interval.high, "p": math.exp(found.log_p)}


def _sum_up(values: list[int]) -> Estimate:
    found = estimate(Mean(len(values), sum(values), sum(x * x for x in values)))
    assert found is not None
    return found


def statsmodels_holm(given: Given) -> Numbers:
    return {str(n): p for n, p in enumerate(adjust(given["p"]))}


def statsmodels_size(given: Given) -> Numbers:
    """Ours is in whole units: the case gives an effect so small that the rest does not count."""
    variance = given["deviation"] ** 2
    options = {"effect": given["effect"], "alpha": given["alpha"], "power": given["power"]}
    need = need_units((variance, variance), (0.5, 0.5), **options)
    return {"per_variant": need.once / 2}


def scipy_student(given: Given) -> Numbers:
    return {
        "tail": student_tail(given["t"], given["freedom"]),
        "quantile": student_quantile(given["tail"], given["freedom"]),
    }


def scipy_credible(given: Given) -> Numbers:
    sums = Proportion(given["n"], given["s"])
    interval = judge_beliefs([_believe(sums), _believe(Proportion(50, 20))])[0].interval
    return {"low": interval.low, "high": interval.high}


def ssrm_shares(given: Given) -> Numbers:
    least, counts = 0.0, [0] * len(given["weights"])
    for more in given["counts"]:
        counts = [a + b for a, b in zip(counts, more, strict=True)]
        least = min(least, srm.log_p_value(counts, given["weights"], given["concentration"]))
    return {"p": math.exp(least)}


def exact_two(given: Given) -> Numbers:
    base, other = judge_beliefs([_believe(Proportion(n, s)) for n, s in given["counts"]])
    return {"best_other": other.best, "loss_base": base.loss, "loss_other": other.loss}


def exact_three(given: Given) -> Numbers:
    found = judge_beliefs([_believe(Proportion(n, s)) for n, s in given["counts"]])
    bests = {f"best_{n}": each.best for n, each in enumerate(found)}
    return bests | {f"loss_{n}": each.loss for n, each in enumerate(found)}


def _believe(sums: Proportion) -> Belief:
    found = estimate(sums)
    assert found is not None
    return believe(sums, found)


def exact_sequence(given: Given) -> Numbers:
    units, alpha, planned = given["units"], given["alpha"], given["planned_units"]
    k = multiplier(units, alpha, planned)
    pairs = zip(given["means"], given["variances"], strict=True)
    base, other = (Estimate(units // 2, value, variance) for value, variance in pairs)
    lift = find_lift(base, other, k)
    log_p = log_p_value(given["z"], units, alpha, planned)
    return {"k": k, "log_p": log_p, "lift_low": lift.low, "lift_high": lift.high}


def exact_shares(given: Given) -> Numbers:
    found = srm.log_p_value(given["counts"], given["weights"], given["concentration"])
    return {"log_p": found}


def exact_variance(given: Given) -> Numbers:
    found = estimate(Mean(given["n"], given["s1"], given["s2"]))
    assert found is not None
    return {"value": found.value, "variance": found.variance}


_ANSWERS: dict[str, Callable[[Given], Numbers]] = {
    each.__name__: each
    for each in (
        gbstats_sequential, gbstats_fixed, gbstats_shrunk, gbstats_flat,
        statsmodels_welch, statsmodels_holm, statsmodels_size,
        scipy_student, scipy_credible, ssrm_shares,
        exact_two, exact_three, exact_sequence, exact_shares, exact_variance,
    )
}  # fmt: skip
