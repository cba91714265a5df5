"""Sums of outcomes and what is estimated from them."""

from __future__ import annotations

from dataclasses import astuple
from fractions import Fraction
from functools import reduce

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.experiments.metrics import (
    COUNTER_MAX,
    Mean,
    Proportion,
    Ratio,
    Sums,
    effective_units,
    estimate,
    from_sum,
    is_full,
    share_totals,
)

values = st.lists(st.integers(0, 360_000), min_size=2, max_size=40)
viewers = st.lists(st.tuples(st.integers(0, 360_000), st.integers(1, 50)), min_size=2, max_size=40)


def one_value(x: int) -> Mean:
    return Mean(1, x, x * x)


def one_viewer(x: int, y: int) -> Ratio:
    return Ratio(1, x, x * x, y, y * y, x * y)


def merge(one: Sums, other: Sums) -> Sums:
    """The sums of two batches of different units."""
    pairs = zip(astuple(one), astuple(other), strict=True)
    return type(one)(*(a or b if isinstance(a, bool) else a + b for a, b in pairs))


@settings(deadline=None)
@given(values)
def test_a_mean_and_its_variance_are_exact(units):
    # Given the textbook's two passes, in fractions,
    n = len(units)
    mean = Fraction(sum(units), n)
    variance = sum((x - mean) ** 2 for x in units) / (n - 1) / n
    # Then ours, made from sums alone, are these, rounded once.
    found = estimate(reduce(merge, map(one_value, units)))
    assert (found.value, found.variance) == (float(mean), float(variance))


@settings(deadline=None)
@given(viewers)
def test_a_ratio_and_its_variance_are_exact(units):
    n = len(units)
    mx, my = (Fraction(sum(unit[i] for unit in units), n) for i in (0, 1))
    ratio = mx / my
    # the variance of x - R y, whose mean is 0
    spread = sum((x - ratio * y) ** 2 for x, y in units) / (n - 1)
    found = estimate(reduce(merge, [one_viewer(*unit) for unit in units]))
    assert (found.value, found.variance) == (float(ratio), float(spread / n / my**2))


@settings(deadline=None)
@given(st.integers(2, 10**6), st.data())
def test_a_proportion_is_a_mean_of_zeros_and_ones(n, data):
    s = data.draw(st.integers(0, n))
    found, mean = estimate(Proportion(n, s)), estimate(Mean(n, s, s))
    assert found == mean
    assert found.variance == pytest.approx(s / n * (1 - s / n) / (n - 1))


@settings(deadline=None)
@given(st.lists(st.integers(0, 3000), min_size=2, max_size=40))
def test_a_sum_alone_gives_a_bound_and_says_so(units):
    # Given the same units with and without their squares,
    known = estimate(reduce(merge, map(one_value, units)))
    bound = estimate(from_sum(len(units), sum(units), 3000))
    # Then what is guessed is never less than what is true.
    assert bound.value == known.value
    assert bound.variance >= known.variance
    assert bound.bounded
    assert not known.bounded


@pytest.mark.parametrize("sums", [Proportion(), Mean(), Ratio(), Ratio(5, 3, 9, 0, 0, 0)])
def test_nothing_is_estimated_from_nothing(sums: Sums):
    assert estimate(sums) is None


@pytest.mark.parametrize(
    "sums",
    [
        Proportion(1, 1),
        Proportion(500, 0),
        Proportion(500, 500),
        Mean(1, 7, 49),
        Mean(9, 63, 441),
        Ratio(2, 6, 18, 4, 8, 12),
        Mean(10, 100, 10),  # squares that contradict the sum
    ],
)
def test_what_does_not_vary_has_no_variance(sums: Sums):
    assert estimate(sums).variance == 0


def test_a_trillion_units_lose_no_digit():
    # Given units that differ by 1 about a large mean,
    n = 10**12
    sums = Mean(n, n * 10**6, n * 10**12 + n)
    # Then their variance is there, which in floats would be noise.
    assert estimate(sums).variance == pytest.approx(1 / n, rel=1e-11)


def test_a_counter_is_full_where_the_store_refuses():
    assert not is_full(Mean(1, COUNTER_MAX, COUNTER_MAX))
    assert is_full(Mean(1, 1, COUNTER_MAX + 1))


@given(st.integers(1, 10**6), st.integers(1, 10**4), st.integers(0, 10**9))
def test_units_that_are_alike_weigh_as_many_as_they_are(n, x, others):
    # Given n units with the same value among others that have none,
    mean = Mean(n + others, n * x, n * x * x)
    ratio = Ratio(n + others, n * x, n * x * x, 3 * n, 9 * n, 3 * n * x)
    # Then it is they who carry the mean.
    assert effective_units(mean, None) == effective_units(ratio, 5) == pytest.approx(n)
    # and of the values up to x it may be those who lack all of it
    assert effective_units(mean, x) == pytest.approx(min(n, others) if others else n)


@pytest.mark.parametrize(
    ("sums", "most", "least"),
    [
        (Mean(1000, 990 * 7, 990 * 49), 7, 10),  # all but ten have the most
        (Mean(1000, 990 * 7, 990 * 49), None, 990),
        (Mean(10, 100, 2000), 9, 5),  # a source counted above what the plan calls the most
        (Ratio(1000, 10, 100, 100, 100, 10), None, 1),
        (Ratio(1000, 100, 100, 10, 100, 10), None, 1),
        (Ratio(1000, 5, 0, 5, 5, 0), None, 0),  # squares that contradict the sum
        (Mean(), None, 0),
    ],
)
def test_a_value_rests_on_the_fewest_that_can_move_it(sums, most, least):
    assert effective_units(sums, most) == pytest.approx(least)


def test_watch_time_is_shared_as_if_all_had_had_the_same_viewers():
    # Given a variant with a tenth of the viewers and a tenth of the time,
    sums = [Ratio(10, 300, 1, 1, 1, 1), Ratio(90, 2700, 1, 1, 1, 1)]
    assert share_totals(sums, (0.1, 0.9)) == pytest.approx([0.5, 0.5])
    assert share_totals([Mean(10, 100, 1), Mean(10, 300, 1)], (0.5, 0.5)) == [0.25, 0.75]
    assert share_totals([Proportion(), Proportion()], (0.5, 0.5)) == [None, None]
