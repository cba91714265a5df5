"""How many units and days a test needs."""

from __future__ import annotations

import pytest

from service.experiments.power import (
    Traffic,
    days_for,
    need_units,
    proportion_variance,
)


@pytest.mark.parametrize(
    ("rate", "lift", "once", "always"),
    [
        (0.05, 0.10, 31_231, 59_804),
        (0.05, 0.20, 8_155, 15_616),
        (0.30, 0.10, 3_760, 7_200),
        (0.01, 0.30, 19_824, 37_961),
    ],
)
def test_sizes_are_the_reference_ones(rate, lift, once, always):
    variances = [proportion_variance(each) for each in (rate, rate * (1 + lift))]
    options = {"effect": rate * lift, "alpha": 0.05, "power": 0.8}
    need = need_units(variances, (0.5, 0.5), **options)
    assert (need.once / 2, need.always / 2) == pytest.approx((once, always), abs=1)


def test_a_skewed_split_needs_more():
    options = {"effect": 0.01, "alpha": 0.05, "power": 0.8}
    even = need_units((0.05, 0.05), (0.5, 0.5), **options)
    skewed = need_units((0.05, 0.05), (0.1, 0.9), **options)
    assert skewed.always > 2.5 * even.always


def test_the_rarest_pair_counts_among_several():
    options = {"effect": 0.01, "alpha": 0.05, "power": 0.8}
    need = need_units((0.05,) * 3, (0.8, 0.1, 0.1), **options)
    assert need == need_units((0.0, 0.05, 0.05), (0.8, 0.1, 0.1), **options)


@pytest.mark.parametrize(
    ("units", "per_day", "least_s", "days"),
    [
        (1000, 300, 0, 4),
        (1000, 300, 7 * 86_400, 7),
        (0, 0, 0, 0),
        (0, 0, 86_400, 1),
        (1, 0, 0, None),
        (1, 5e-324, 0, None),
        (10**12, 1e-300, 86_400, None),
    ],
)
def test_days_follow_from_traffic_and_the_least_time(units, per_day, least_s, days):
    assert days_for(units, per_day, least_s) == days


def test_traffic_without_a_time_is_none():
    assert Traffic(100, 0.0).per_day == 0
    assert Traffic(100, 43_200.0).per_day == 200
