"""The same questions, answered by others: `python oracles.py CASES ANSWERS`.

Run by tests/parity in a venv without this project. CASES is a JSON list of {what, given}; the
answers are numbers by name, in the same order.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path

import mpmath as mp
import numpy as np
from gbstats.bayesian.tests import EffectBayesianABTest, EffectBayesianConfig, GaussianPrior
from gbstats.frequentist.tests import (
    FrequentistConfig,
    SequentialConfig,
    SequentialTwoSidedTTest,
    TwoSidedTTest,
)
from gbstats.models.statistics import RatioStatistic, SampleMeanStatistic
from scipy import stats
from ssrm_test.ssrm_test import sequential_p_values
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

mp.mp.dps = 40
PACKAGES = ("gbstats", "mpmath", "numpy", "scipy", "ssrm-test", "statsmodels")


def _statistic(kind: str, sums: dict):
    n = sums["n"]
    if kind == "proportion":  # as a mean of zeros and ones, whose variance has n - 1 below
        return SampleMeanStatistic(n=n, sum=sums["s"], sum_squares=sums["s"])
    if kind == "mean":
        return SampleMeanStatistic(n=n, sum=sums["s1"], sum_squares=sums["s2"])
    return RatioStatistic(
        n=n,
        m_statistic=SampleMeanStatistic(n=n, sum=sums["sx"], sum_squares=sums["sxx"]),
        d_statistic=SampleMeanStatistic(n=n, sum=sums["sy"], sum_squares=sums["syy"]),
        m_d_sum_of_products=sums["sxy"],
    )


def _pair(given: dict):
    return [_statistic(given["kind"], sums) for sums in given["sums"]]


def gbstats_sequential(given: dict) -> dict:
    config = SequentialConfig(
        difference_type="absolute",
        alpha=given["alpha"],
        sequential_tuning_parameter=given["planned_units"],
    )
    test = SequentialTwoSidedTTest(*_pair(given), config)
    low, high = test.confidence_interval
    with np.errstate(over="ignore"):  # its e-value, where p is as good as 0
        return {"low": low, "high": high, "p": test.p_value}


def gbstats_fixed(given: dict) -> dict:
    config = FrequentistConfig(difference_type="absolute", alpha=given["alpha"])
    test = TwoSidedTTest(*_pair(given), config)
    low, high = test.confidence_interval
    return {"low": low, "high": high, "p": test.p_value}


def gbstats_shrunk(given: dict) -> dict:
    prior = GaussianPrior(mean=0, variance=0.3**2, proper=True)
    config = EffectBayesianConfig(difference_type="relative", prior_effect=prior)
    result = EffectBayesianABTest(*_pair(given), config).compute_result()
    return {
        "lift": result.expected,
        "low": result.ci[0],
        "high": result.ci[1],
        "better": result.chance_to_win,
    }


def gbstats_flat(given: dict) -> dict:
    config = EffectBayesianConfig(difference_type="absolute")
    result = EffectBayesianABTest(*_pair(given), config).compute_result()
    base, other = result.risk
    return {"better": result.chance_to_win, "loss_base": base, "loss_other": other}


def statsmodels_welch(given: dict) -> dict:
    parts = [np.array(each, dtype=float) for each in given["values"]]
    compare = CompareMeans(DescrStatsW(parts[1]), DescrStatsW(parts[0]))
    low, high = compare.tconfint_diff(alpha=given["alpha"], usevar="unequal")
    _, p, _ = compare.ttest_ind(usevar="unequal")
    return {"low": low, "high": high, "p": p}


def statsmodels_holm(given: dict) -> dict:
    adjusted = multipletests(given["p"], method="holm")[1]
    return {str(n): float(p) for n, p in enumerate(adjusted)}


def statsmodels_size(given: dict) -> dict:
    solved = NormalIndPower().solve_power(
        effect_size=given["effect"] / given["deviation"],
        alpha=given["alpha"] / 2,  # one side: the other's share is not counted as power
        power=given["power"],
        ratio=1.0,
        alternative="larger",
    )
    return {"per_variant": float(solved)}


def scipy_student(given: dict) -> dict:
    return {
        "tail": stats.t.sf(given["t"], given["freedom"]),
        "quantile": stats.t.isf(given["tail"], given["freedom"]),
    }


def scipy_credible(given: dict) -> dict:
    low, high = stats.beta.ppf([0.025, 0.975], 1 + given["s"], 1 + given["n"] - given["s"])
    return {"low": low, "high": high}


def ssrm_shares(given: dict) -> dict:
    p_values = sequential_p_values(
        np.array(given["counts"]),
        np.array(given["weights"]),
        dirichlet_concentration=given["concentration"],
    )
    return {"p": float(p_values[-1])}


def exact_two(given: dict) -> dict:
    """E. Miller's and C. Stucchio's sums, in 40 digits."""
    (a, b), (c, d) = [(1 + s, 1 + n - s) for n, s in given["counts"]]
    ahead = {
        "above": _chance_above(a, b, c, d),
        "grown_other": _chance_above(a, b, c + 1, d),
        "grown_base": _chance_above(a + 1, b, c, d),
    }
    mean_base, mean_other = mp.mpf(a) / (a + b), mp.mpf(c) / (c + d)
    gain = mean_other * ahead["grown_other"] - mean_base * ahead["grown_base"]
    loss = gain - (mean_other - mean_base)
    return {
        "best_other": float(ahead["above"]),
        "loss_base": float(gain),
        "loss_other": float(loss),
    }


def _chance_above(a: int, b: int, c: int, d: int):
    """The chance that Beta(c, d) exceeds Beta(a, b)."""
    term = mp.beta(a, b + d) / (d * mp.beta(1, d) * mp.beta(a, b))
    total = term
    for i in range(1, c):
        # the ratio of two neighbouring terms
        grow = mp.mpf(a + i - 1) / (a + b + d + i - 1)
        grow *= mp.mpf(d + i - 1) / (d + i) * mp.mpf(d + i) / i
        term *= grow
        total += term
    return total


def exact_three(given: dict) -> dict:
    """The chance of each of several to be the best, by quadrature in 40 digits."""
    shapes = [(1 + s, 1 + n - s) for n, s in given["counts"]]

    def density(x, a, b):
        return mp.power(x, a - 1) * mp.power(1 - x, b - 1) / mp.beta(a, b)

    def share(x, a, b):
        return mp.betainc(a, b, 0, x, regularized=True)

    edges = [mp.mpf(n) / 10 for n in range(11)]
    found = {}
    for one, shape in enumerate(shapes):
        others = [each for other, each in enumerate(shapes) if other != one]

        def behind(x, others=others):
            return mp.fprod(share(x, *each) for each in others)

        best = mp.quad(lambda x, s=shape, f=behind: density(x, *s) * f(x), edges)
        loss = mp.quad(lambda x, s=shape, f=behind: share(x, *s) * (1 - f(x)), edges)
        found[f"best_{one}"], found[f"loss_{one}"] = float(best), float(loss)
    return found


def exact_sequence(given: dict) -> dict:
    """Multiplier, log p-value and Fieller's interval, in 40 digits."""
    alpha, units = mp.mpf(given["alpha"]), mp.mpf(given["units"])
    rho = (-2 * mp.log(alpha) + mp.log(-2 * mp.log(alpha) + 1)) / mp.mpf(given["planned_units"])
    grown = units * rho
    k = mp.sqrt((1 + 1 / grown) * mp.log((grown + 1) / alpha**2))
    z = mp.mpf(given["z"])
    log_p = min(mp.mpf(0), mp.log(mp.sqrt(grown + 1)) - z**2 * grown / (2 * (grown + 1)))
    ma, mb, va, vb = (mp.mpf(x) for x in given["means"] + given["variances"])
    a, b, c = ma**2 - k**2 * va, ma * mb, mb**2 - k**2 * vb
    root = mp.sqrt(b**2 - a * c)
    return {
        "k": float(k),
        "log_p": float(log_p),
        "lift_low": float((b - root) / a - 1),
        "lift_high": float((b + root) / a - 1),
    }


def exact_shares(given: dict) -> dict:
    c = mp.mpf(given["concentration"])
    counts, weights = given["counts"], [mp.mpf(w) for w in given["weights"]]
    weights = [w / mp.fsum(weights) for w in weights]
    factor = mp.loggamma(c) - mp.loggamma(c + sum(counts))
    for count, weight in zip(counts, weights, strict=True):
        factor += mp.loggamma(c * weight + count) - mp.loggamma(c * weight)
        factor -= count * mp.log(weight)
    return {"log_p": float(min(mp.mpf(0), -factor))}


def exact_variance(given: dict) -> dict:
    """Of sums so large that floats lose all digits."""
    n, s1, s2 = (mp.mpf(given[name]) for name in ("n", "s1", "s2"))
    with mp.workdps(80):
        return {"value": float(s1 / n), "variance": float((s2 - s1**2 / n) / (n - 1) / n)}


ORACLES = {
    each.__name__: each
    for each in (
        gbstats_sequential, gbstats_fixed, gbstats_shrunk, gbstats_flat,
        statsmodels_welch, statsmodels_holm, statsmodels_size,
        scipy_student, scipy_credible, ssrm_shares,
        exact_two, exact_three, exact_sequence, exact_shares, exact_variance,
    )
}  # fmt: skip


def main(cases: str, answers: str) -> None:
    asked = json.loads(Path(cases).read_text())
    found = [
        {name: float(x) for name, x in ORACLES[each["what"]](each["given"]).items()}
        for each in asked
    ]
    made_by = {name: version(name) for name in PACKAGES}
    Path(answers).write_text(json.dumps({"made_by": made_by, "answers": found}))


if __name__ == "__main__":
    main(*sys.argv[1:])
