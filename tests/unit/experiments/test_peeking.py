"""Simulated experiments that are looked at 200 times; the long form is `make peeking`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.paths import Setting, disagreements, draw, run_product
from benchmarks.peeking import (
    EQUAL,
    LEAST_POWER,
    MORE_EQUAL,
    MOST_FALSE,
    UNEQUAL,
    VALUES,
    Result,
    judge_equal,
    judge_power,
    simulate,
)

COUNT = 500
#: Three standard deviations of a share that is at its limit.
SLACK = 3 * (0.05 * 0.95 / COUNT) ** 0.5


def results(setting: Setting, count: int = COUNT, walked: int = 4) -> Result:
    dice = np.random.default_rng(20_261_125)
    return simulate(setting, experiments=count, looks=200, walked=walked, random=dice)


@pytest.mark.parametrize("setting", EQUAL, ids=lambda each: each.name)
def test_peeking_names_hardly_any_false_winner(setting):
    # Given equal variants, looked at 200 times each,
    result = results(setting)
    # Then few are called different, the naive test calls many so, and the product itself, walking
    # along some of them, ends each at the same look.
    assert judge_equal([result], most=MOST_FALSE + SLACK) == []
    assert result.walked >= 4
    assert list(result.faults) == []


@pytest.mark.parametrize("setting", MORE_EQUAL, ids=lambda each: each.name)
def test_several_variants_are_no_more_often_wrong(setting):
    result = results(setting)
    assert result.product.share_won() <= MOST_FALSE + SLACK
    assert list(result.faults) == []


@pytest.mark.parametrize("setting", VALUES[4:], ids=lambda each: each.name)
def test_what_few_viewers_add_to_is_not_called_different(setting):
    # Given values of one viewer in a hundred, which without a guard were called different in up to
    # 31 % of experiments,
    result = results(setting, count=100)
    # Then hardly any is.
    assert result.product.share_won() <= 0.11
    assert result.naive.share_won() >= 0.25
    assert list(result.faults) == []


@pytest.mark.parametrize("setting", VALUES[:2], ids=lambda each: each.name)
def test_watch_times_are_walked_alike(setting):
    result = results(setting, count=60, walked=8)
    assert list(result.faults) == []
    assert result.product.share_won() <= 0.15


def test_a_better_variant_is_found():
    result = results(UNEQUAL[0])
    assert judge_power(result, least=LEAST_POWER - SLACK) == []
    assert result.misled[0] <= 0.01
    assert list(result.faults) == []


def test_the_check_fails_where_somebody_peeks():
    # Given what an ordinary interval names at every look,
    result = results(EQUAL[2])
    peeked = replace(result, product=result.naive)
    # Then the promise is broken, and the report says where.
    assert "5 %, 50/50" in judge_equal([peeked])[0]
    assert judge_power(replace(result, setting=UNEQUAL[0]))


def test_the_walk_sees_another_end():
    # Given ends that are one look late,
    paths = draw(UNEQUAL[2], 3, 60, np.random.default_rng(1))
    ends = run_product(paths)
    assert (ends.look >= 0).all()
    late = replace(ends, look=ends.look + 1)
    # Then the product's own walk finds each of them wrong.
    assert disagreements(paths, ends, range(3)) == []
    assert len(disagreements(paths, late, range(3))) == 3
