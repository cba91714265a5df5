"""What can be said of two variants at any time."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from service.experiments.inference import (
    adjust,
    compare,
    compare_once,
    find_lift,
    log_p_value,
    multiplier,
    pair_alpha,
)
from service.experiments.metrics import Estimate

alphas = st.floats(0.001, 0.2)
units = st.integers(2, 10**12)
planned = st.floats(100, 1e6)


@st.composite
def estimates(draw) -> Estimate:
    value = draw(st.floats(1e-4, 1e4))
    return Estimate(draw(st.integers(2, 10**9)), value, (value * draw(st.floats(1e-6, 2))) ** 2)


@pytest.mark.parametrize(
    ("at", "k"), [(100, 6.694), (500, 3.855), (1000, 3.364), (5000, 3.035), (500_000, 3.562)]
)
def test_the_multiplier_is_the_published_one(at, k):
    assert multiplier(at, 0.05, 5000) == pytest.approx(k, abs=0.0005)


@settings(deadline=None)
@given(alphas, st.floats(100, 1e6), st.floats(0.01, 100))
def test_it_is_least_near_the_planned_units(alpha, planned_units, factor):
    assume(abs(math.log(factor)) > 0.7)
    at, away = (round(planned_units * by) for by in (1, factor))
    assume(away >= 2)
    assert multiplier(away, alpha, planned_units) > multiplier(at, alpha, planned_units)


@settings(deadline=None)
@given(st.floats(-40, 40), units, alphas, planned)
def test_p_and_interval_say_the_same(z, at, alpha, planned_units):
    k = multiplier(at, alpha, planned_units)
    assume(abs(abs(z) - k) > 1e-9 * k)
    assert (log_p_value(z, at, alpha, planned_units) < math.log(alpha)) == (abs(z) > k)


@settings(deadline=None)
@given(st.floats(-40, 40), units, alphas, planned)
def test_p_is_never_above_one_nor_below_that_of_one_look(z, at, alpha, planned_units):
    log_p = log_p_value(z, at, alpha, planned_units)
    one_look = math.erfc(abs(z) / math.sqrt(2))
    assert log_p <= 0
    assert one_look == 0 or log_p >= math.log(one_look) - 1e-9


@settings(deadline=None)
@given(estimates(), estimates(), alphas, planned)
def test_swapping_variants_mirrors_the_answer(one, other, alpha, planned_units):
    there = compare(one, other, alpha=alpha, planned_units=planned_units)
    back = compare(other, one, alpha=alpha, planned_units=planned_units)
    assert back.difference == -there.difference
    assert (back.interval.low, back.interval.high) == (-there.interval.high, -there.interval.low)
    assert (back.log_p, back.deviation) == (there.log_p, there.deviation)


@settings(deadline=None)
@given(estimates(), estimates(), alphas, planned)
def test_the_lift_excludes_zero_exactly_when_the_difference_does(one, other, alpha, planned_units):
    found = compare(one, other, alpha=alpha, planned_units=planned_units)
    assume(found.lift is not None)
    z = abs(found.difference) / found.deviation
    assume(abs(z - found.multiplier) > 1e-6 * found.multiplier)
    assert (found.lift.low > 0) == found.is_above
    assert (found.lift.high < 0) == found.is_below


@settings(deadline=None)
@given(estimates(), estimates(), st.floats(0.5, 10))
def test_the_ends_of_a_lift_are_where_fieller_puts_them(base, other, k):
    lift = find_lift(base, other, k)
    assume(lift is not None)
    # At each end theta the contrast lies exactly k of its standard errors from 0.
    for end in (lift.low, lift.high):
        theta = end + 1
        reach = k * math.sqrt(other.variance + theta**2 * base.variance)
        off = abs(other.value - theta * base.value)
        assert off == pytest.approx(reach, rel=1e-6, abs=1e-7 * (other.value + base.value))


@pytest.mark.parametrize("value", [0.0, -1.0, 0.5])
def test_a_base_that_may_be_zero_has_no_lift(value):
    assert find_lift(Estimate(100, value, 1.0), Estimate(100, 2.0, 1.0), 3.0) is None


def test_a_base_at_the_edge_of_zero_has_no_lift_rather_than_a_wrong_one():
    edge = Estimate(2, 1.0, 3.999999999999999)
    assert find_lift(edge, Estimate(2, 1.0, 1.0), 0.5) is None


def test_nothing_is_said_where_nothing_varies():
    same = Estimate(100, 0.5, 0.0)
    assert compare(same, same, alpha=0.05, planned_units=5000) is None
    assert compare_once(same, same, alpha=0.05) is None


def test_one_look_is_narrower_than_any_number_of_them():
    base, other = Estimate(900, 0.10, 1e-4), Estimate(900, 0.13, 1e-4)
    once = compare_once(base, other, alpha=0.05)
    always = compare(base, other, alpha=0.05, planned_units=5000)
    assert once.multiplier < 1.97 < always.multiplier
    assert once.log_p < always.log_p


def test_one_look_may_have_a_variant_that_does_not_vary():
    found = compare_once(Estimate(50, 0.0, 0.0), Estimate(50, 0.2, 0.003), alpha=0.05)
    assert found.is_above


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), max_size=12))
def test_adjusted_p_values_keep_their_order_and_only_grow(p_values):
    adjusted = adjust(p_values)
    assert all(p <= q <= 1 for p, q in zip(p_values, adjusted, strict=True))
    in_order = [q for _, q in sorted(zip(p_values, adjusted, strict=True))]
    assert in_order == sorted(in_order)


def test_adjusting_is_holms():
    assert adjust([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_the_level_of_a_pair_shrinks_with_the_number_of_variants():
    assert pair_alpha(0.05, 2) == 0.05
    assert pair_alpha(0.05, 4) == 0.025
