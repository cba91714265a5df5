"""How likely each variant is the best; shown, and never decided by."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.experiments.bayes import (
    KEPT,
    Belief,
    believe,
    judge_beliefs,
    judge_sums,
    lose_by_normal,
    shrink_lift,
)
from service.experiments.densities import normal_density
from service.experiments.metrics import Estimate, Mean, Proportion, estimate

heavy = settings(deadline=None, max_examples=40)


def rate(n: int, s: int) -> Belief:
    return believe(Proportion(n, s), estimate(Proportion(n, s)))


def normal(mean: float, deviation: float) -> Belief:
    return Belief(mean, deviation, normal_density(mean, deviation))


@st.composite
def rates(draw) -> Belief:
    n = draw(st.integers(1, 10 ** draw(st.integers(1, 7))))
    return rate(n, draw(st.integers(0, n)))


@heavy
@given(st.lists(rates(), min_size=2, max_size=4))
def test_one_of_them_is_the_best(beliefs):
    found = judge_beliefs(beliefs)
    # A spike of a ten-millionth beside one that is spread out: nine digits are left.
    assert sum(each.best for each in found) == pytest.approx(1, abs=1e-9)
    assert all(0 <= each.best <= 1 and each.loss >= -1e-15 for each in found)


@heavy
@given(rates(), rates())
def test_swapping_variants_swaps_their_outlooks(one, other):
    assert judge_beliefs([one, other]) == judge_beliefs([other, one])[::-1]


@heavy
@given(rates(), rates())
def test_the_losses_differ_by_the_means(one, other):
    first, second = judge_beliefs([one, other])
    assert first.loss - second.loss == pytest.approx(other.mean - one.mean, abs=1e-12)


@heavy
@given(rates())
def test_the_credible_interval_holds_the_middle(belief):
    (found, _) = judge_beliefs([belief, belief])
    assert 0 <= found.interval.low < found.interval.high <= 1


def test_where_the_smallest_is_best_everything_is_mirrored():
    up = judge_beliefs([normal(1.0, 0.2), normal(1.3, 0.1)])
    down = judge_beliefs([normal(-1.0, 0.2), normal(-1.3, 0.1)], lower=True)
    for one, other in zip(up, down, strict=True):
        assert (one.best, one.loss) == pytest.approx((other.best, other.loss), abs=1e-14)


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e9])
def test_the_scale_of_a_mean_does_not_matter(size):
    base, other = judge_beliefs([normal(size, 0.2 * size), normal(1.3 * size, 0.1 * size)])
    closed = lose_by_normal(0.3 * size, size * 0.05**0.5)
    assert (base.loss, other.loss) == pytest.approx(closed, rel=1e-11)


def test_a_simulation_agrees_on_three_variants():
    # Given draws from the posteriors of three variants,
    shapes = ((100, 12), (400, 60), (50, 9))
    dice = random.Random(3)
    wins, draws = [0, 0, 0], 20_000
    for _ in range(draws):
        drawn = [dice.betavariate(1 + s, 1 + n - s) for n, s in shapes]
        wins[drawn.index(max(drawn))] += 1
    # Then each is the best about as often as the integral says.
    for found, won in zip(judge_beliefs([rate(*each) for each in shapes]), wins, strict=True):
        assert found.best == pytest.approx(won / draws, abs=5 * 0.5 / draws**0.5)


def test_it_has_the_same_bytes_every_time():
    once = judge_beliefs([rate(1000, 48), rate(1010, 61)])
    assert repr(once) == repr(judge_beliefs([rate(1000, 48), rate(1010, 61)]))


def test_a_lift_is_drawn_towards_nothing():
    # Given few units that show a lift of 100 %, and many that show it,
    few = shrink_lift(Estimate(50, 0.1, 0.002), Estimate(50, 0.2, 0.004))
    many = shrink_lift(Estimate(50_000, 0.1, 2e-6), Estimate(50_000, 0.2, 4e-6))
    # Then the few are believed less.
    assert 0 < few.lift < 0.3 < many.lift < 1
    assert few.better < many.better


@pytest.mark.parametrize("base", [Estimate(50, 0.0, 0.0), Estimate(50, 0.1, 0.0)])
def test_without_a_base_or_a_variance_there_is_no_lift(base):
    assert shrink_lift(base, Estimate(50, 0.0, 0.0)) is None


def test_sums_that_were_judged_before_are_not_judged_anew() -> None:
    """Given two looks at the same sums, the second is remembered, and gives the same bytes."""
    judge_sums.cache_clear()
    sums = (Proportion(1000, 48), Proportion(1010, 61))
    first = judge_sums(sums)
    judged = judge_sums.cache_info()
    assert judge_sums(tuple(Proportion(each.n, each.s) for each in sums)) is first
    assert judge_sums.cache_info().misses == judged.misses
    judge_sums.cache_clear()
    assert repr(judge_sums(sums)) == repr(first)
    # But other sums, the other direction, and the same figures of another kind are not the same
    assert judge_sums((sums[0], Proportion(1010, 62))) != first
    assert judge_sums(sums, lower=True) != first
    assert judge_sums((Mean(1000, 48, 48), Mean(1010, 61, 61))) != first


def test_only_so_many_are_remembered() -> None:
    for did in range(KEPT + 20):
        judge_sums((Proportion(100, 50), Proportion(100, min(did, 100))))
    assert judge_sums.cache_info().currsize == KEPT


@pytest.mark.parametrize(
    "sums",
    [
        (Proportion(100, 5), Proportion()),
        (Mean(100, 500, 2500), Mean(100, 500, 2600)),
        (Mean(2, 2 * 10**14 + 1, 10**28 + (10**14 + 1) ** 2), Mean(100, 500, 2600)),
    ],
    ids=["nobody", "no variance", "too narrow"],
)
def test_where_one_has_nothing_to_go_by_there_is_none(sums) -> None:
    assert judge_sums(sums) == ()
