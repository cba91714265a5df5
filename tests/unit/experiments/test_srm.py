"""Whether variants got their shares."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.experiments.srm import is_mismatched, is_mixed, log_p_value

HALVES = (0.5, 0.5)


def test_shares_as_planned_are_no_evidence():
    assert log_p_value((5000, 5000), HALVES) == 0
    assert log_p_value((0, 0), HALVES) == 0


@pytest.mark.parametrize("counts", [(4000, 6000), (6000, 4000)])
def test_shares_far_from_the_plan_are_found(counts):
    assert is_mismatched(log_p_value(counts, HALVES), 10_000)


def test_few_units_prove_nothing():
    assert not is_mismatched(-50.0, 99)
    assert is_mismatched(-50.0, 100)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(1, 9)), min_size=2, max_size=8))
def test_the_order_of_variants_does_not_matter(pairs):
    counts, weights = zip(*pairs, strict=True)
    back = log_p_value(counts[::-1], weights[::-1])
    assert log_p_value(counts, weights) == pytest.approx(back, rel=1e-9, abs=1e-9)


@settings(deadline=None)
@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_it_is_a_logarithm_of_a_probability(one, other):
    assert log_p_value((one, other), HALVES) <= 0


def test_the_bayes_factor_is_one_on_average():
    """What makes the test hold at every look: under the plan E[1/p] is 1 (without the cut at 1)."""
    n, weights = 12, (0.3, 0.7)
    total = 0.0
    for a in range(n + 1):
        chance = math.comb(n, a) * weights[0] ** a * weights[1] ** (n - a)
        # below 1 the factor is cut: it is then computed from the gamma functions themselves
        total += chance * math.exp(_log_factor((a, n - a), weights))
    assert total == pytest.approx(1, abs=1e-12)


@settings(deadline=None)
@given(st.integers(0, 400), st.integers(0, 400))
def test_p_is_the_bayes_factor_upside_down(one, other):
    expected = min(0.0, -_log_factor((one, other), (0.3, 0.7)))
    assert log_p_value((one, other), (0.3, 0.7)) == pytest.approx(expected, abs=1e-9)


def _log_factor(counts: tuple[int, ...], weights: tuple[float, ...]) -> float:
    factor = math.lgamma(1000) - math.lgamma(1000 + sum(counts))
    for count, weight in zip(counts, weights, strict=True):
        factor += math.lgamma(1000 * weight + count) - math.lgamma(1000 * weight)
        factor -= count * math.log(weight)
    return factor


def test_looking_often_rejects_hardly_any_sound_experiment():
    # Given 300 experiments as planned, looked at 100 times each,
    dice = random.Random(11)
    rejected = 0
    for _ in range(300):
        counts = [0, 0]
        for _ in range(100):
            more = dice.getrandbits(100).bit_count()
            counts[0] += more
            counts[1] += 100 - more
            if is_mismatched(log_p_value(counts, HALVES), sum(counts)):
                rejected += 1
                break
    # Then at most two are called wrong, where 0.1 % are allowed.
    assert rejected <= 2


@pytest.mark.parametrize(
    ("multiple", "units", "mixed"),
    [(9, 100, False), (10, 100, True), (10, 1000, False), (11, 1000, True), (500, 100_000, False)],
)
def test_a_few_units_in_two_variants_are_borne(multiple, units, mixed):
    assert is_mixed(multiple, units) is mixed
