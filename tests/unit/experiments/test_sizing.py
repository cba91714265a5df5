"""How many viewers and days a plan needs, and how that is said."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.experiments.metrics import Kind, Proportion
from service.experiments.plan import Better, Method, Metric
from service.experiments.power import need_units, proportion_variance
from service.experiments.sizing import (
    Assumption,
    Shortfall,
    deciding,
    improve,
    size_plan,
    write_sizing,
)
from service.experiments.verdict import decide
from tests.unit.experiments.snapshots import DAY_MS, START_MS, a_plan, of_sums

WATCH = Metric("watch", Kind.MEAN, "watch time", "观看时长", most=3000)
LONG = {"max_runtime_s": 365 * 86_400}


@pytest.mark.parametrize(
    ("rate", "lift", "once", "always"),
    [
        (0.05, 0.10, 31_231, 59_804),
        (0.05, 0.20, 8_155, 15_616),
        (0.30, 0.10, 3_760, 7_200),
        (0.01, 0.30, 19_824, 37_961),
    ],
)
def test_sizes_of_rates_are_the_reference_ones(rate, lift, once, always):
    sizing = size_plan(a_plan(mde=lift), Assumption(rate, units_per_day=1000))
    assert sizing.one_look.by_variant == pytest.approx((once, once), abs=1)
    assert sizing.any_look.by_variant == pytest.approx((always, always), abs=1)


def test_a_mean_takes_its_deviation():
    # Given as many units as the textbook has: 2 (1.96 + 0.84)^2 s^2 / d^2 for each variant
    sizing = size_plan(a_plan(primary=WATCH), Assumption(1000, deviation=800, units_per_day=500))
    assert sizing.one_look.by_variant[0] == pytest.approx(15.698 * 800**2 / 100**2, abs=1)


def test_a_rate_that_is_to_fall_needs_fewer_than_one_that_is_to_rise():
    lower = a_plan(primary=replace(a_plan().primary, better=Better.LOWER))
    assert improve(lower, 0.05) == pytest.approx(0.045)
    sizes = [size_plan(each, Assumption(0.05)).any_look.units for each in (lower, a_plan())]
    assert sizes[0] < sizes[1]


@pytest.mark.parametrize("count", [2, 3, 8])
def test_of_several_variants_each_pair_has_its_part_of_the_level(count):
    plan, assumed = a_plan(*[1 / count] * count), Assumption(0.05)
    rates = [proportion_variance(rate) for rate in (0.05, *[0.055] * (count - 1))]
    shares = [1 / count] * count
    need = need_units(rates, shares, effect=0.005, alpha=2 * 0.05 / count, power=0.8)
    sizing = size_plan(plan, assumed)
    assert (sizing.one_look.units, sizing.any_look.units) == (need.once, need.always)


def test_what_must_be_there_before_anything_is_said_is_counted_too():
    # Given an effect so large that few units would show it,
    huge = a_plan(mde=5.0, min_units=400)
    # Then each variant still needs its least units,
    assert size_plan(huge, Assumption(0.1)).one_look.by_variant == (400, 400)
    # and a rare event so many that it is seen often enough.
    rare = size_plan(a_plan(mde=10.0, min_outcomes=25), Assumption(0.0001))
    assert rare.one_look.units == 500_000
    # and a mean with a deviation of thrice its value rests on a tenth of its units.
    spread = size_plan(a_plan(primary=WATCH, mde=5.0), Assumption(100, deviation=300))
    assert spread.one_look.by_variant == (1000, 1000)


@given(
    st.floats(0.001, 0.5),
    st.floats(0.01, 0.9),
    st.lists(st.floats(0.05, 1), min_size=2, max_size=8),
    st.sampled_from([0.5, 0.8, 0.95]),
    st.floats(1, 1e6),
)
def test_sizes_hang_together(rate, mde, shares, power, per_day):
    weights = [each / sum(shares) for each in shares]
    plan = a_plan(*weights, mde=mde, power=power)
    assumed = Assumption(rate, units_per_day=per_day)
    sizing = size_plan(plan, assumed)
    # One look needs no more than any look, in units and in days.
    assert sizing.one_look.units <= sizing.any_look.units
    assert sizing.one_look.days <= sizing.any_look.days
    for size in (sizing.one_look, sizing.any_look):
        # Variants add up to the whole, and each has its least and its share.
        assert 0 <= sum(size.by_variant) - size.units < len(weights)
        assert min(size.by_variant) >= plan.min_units
        # The days are the first on which so many have come.
        assert size.days * per_day >= size.units * (1 - 1e-9)
        assert size.days <= max(1, size.units / per_day + 1)
    # A smaller effect and more power need no fewer, as long as no guard asks for more.
    free = replace(plan, min_outcomes=1)
    for more in (replace(free, mde=mde / 2), replace(free, power=0.99)):
        assert size_plan(more, assumed).any_look.units >= size_plan(free, assumed).any_look.units
    half = replace(plan, coverage=0.5)
    assert size_plan(half, assumed).any_look.units == sizing.any_look.units
    fewer = replace(assumed, units_per_day=per_day / 2)
    assert size_plan(half, assumed).any_look.days == size_plan(plan, fewer).any_look.days


@given(st.floats(0.02, 0.5), st.floats(0.05, 0.5))
def test_a_running_test_that_sees_what_was_assumed_needs_about_as_much(rate, mde):
    # Given a test whose control has the rate that was assumed, and no variant is better,
    plan = a_plan(mde=mde, min_outcomes=1)
    told = size_plan(plan, Assumption(rate)).any_look.units
    assume(told > 4000)
    n = 10_000
    snapshot = of_sums([{"clicks": Proportion(n, round(n * rate))}] * 2, plan)
    # When it tells what it needs, then only the variance of the better variant is missing.
    needed = decide(snapshot).document["needed_units"]
    assert needed <= told * 1.02
    assert told <= needed * (1 + mde) * 1.02


@pytest.mark.parametrize(
    ("changes", "per_day", "shortfall"),
    [
        (LONG, 1000, None),
        ({}, 1000, Shortfall.MAX_RUNTIME),
        ({}, 1e6, None),
        ({}, None, None),
        ({"max_units": 100_000}, None, Shortfall.MAX_UNITS),
        ({"max_units": 200_000, **LONG}, 1000, None),
        ({"method": Method.FIXED, "planned_units": 50_000}, None, Shortfall.PLANNED_UNITS),
        ({"method": Method.FIXED, "planned_units": 70_000}, None, None),
        ({"method": Method.FIXED, "planned_units": 70_000}, 1000, Shortfall.MAX_RUNTIME),
        ({}, 0, Shortfall.MAX_RUNTIME),
    ],
)
def test_a_plan_that_ends_too_early_is_told(changes, per_day, shortfall):
    plan = a_plan(**changes)
    sizing = size_plan(plan, Assumption(0.05, units_per_day=per_day))
    assert sizing.shortfall == shortfall
    for sentence, end in ((sizing.sentence.en, "."), (sizing.sentence.zh, "。")):
        assert not re.search(r"[{}]|None|nan|inf", sentence)
        assert sentence.endswith(end)
        assert sentence.count(end) == 1
        needed = deciding(plan, sizing.one_look, sizing.any_look).units
        assert f"{needed:,}" in sentence
    assert re.search("[\u4e00-\u9fff]", sizing.sentence.zh)


def test_a_marketer_is_told_in_one_sentence():
    sizing = size_plan(a_plan(**LONG), Assumption(0.05, units_per_day=1000))
    assert sizing.sentence.en == (
        "To see a difference of 10 % in the click rate, this test needs about 119,608 viewers, "
        "which takes 120 days at 1,000 a day; looked at only once, at the end, 62,462 would do."
    )
    assert sizing.sentence.zh == (
        "要看出点击率上 10% 的差异，本测试大约需要 119,608 位观众，"
        "按每天 1,000 位计算需要 120 天；若只在结束时看一次结果，62,462 位即可。"
    )


def test_nobody_comes_for_ever():
    sizing = size_plan(a_plan(), Assumption(0.05, units_per_day=0))
    assert sizing.any_look.days is None
    assert sizing.sentence.en.endswith("viewers, and nobody comes to take part.")


def test_a_sizing_is_written_by_label():
    plan, assumed = a_plan(0.75, 0.25, **LONG), Assumption(0.05, units_per_day=1000)
    written = write_sizing(plan, assumed, size_plan(plan, assumed))
    assert list(written) == ["assume", "one_look", "any_look", "shortfall", "sentence"]
    assert written["assume"] == {"value": 0.05, "deviation": None, "units_per_day": 1000}
    by_variant = written["any_look"]["by_variant"]
    assert by_variant["A"] == pytest.approx(3 * by_variant["B"], abs=3)


def test_the_sequence_is_narrowest_where_it_was_planned():
    # Given a test that has as many units as it was told to need, and the effect it was planned for,
    assumed, plan = Assumption(0.05), a_plan(min_runtime_s=0, rope=0.0)
    total = size_plan(plan, assumed).any_look.units
    plan, n = replace(plan, planned_units=total), total // 2
    sums = [{"clicks": Proportion(n, round(n * rate))} for rate in (0.05, 0.055)]
    snapshot = of_sums(sums, plan, taken_at_ms=START_MS + DAY_MS)
    # Then it has its winner.
    assert decide(snapshot).document["variant"] == "B"
