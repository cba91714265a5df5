"""Which variant a unit sees, as every GrowthBook SDK would have it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.experiments.assign import (
    Allocation,
    Namespace,
    assign,
    bucket_ranges,
    bucket_shares,
    choose_range,
    fnv1a32,
    hash_unit,
)
from tests.parity.assignments import assign_ours

VECTORS = Path(__file__).resolve().parents[2] / "fixtures" / "statistics" / "assignments.json"
CASES = json.loads(VECTORS.read_text(encoding="utf-8"))["cases"]
EVEN = Allocation("job_1", (0.5, 0.5))


@pytest.mark.parametrize("number", range(len(CASES)))
def test_every_unit_is_where_the_sdk_puts_it(number):
    # Given units in ASCII, Chinese and emoji that GrowthBook's own SDK has assigned,
    case = CASES[number]
    # When we assign them, then none is elsewhere.
    assert assign_ours(case) == case["answer"]


def test_the_vectors_hold_what_is_hard():
    units = [unit for case in CASES for unit in case["units"]]
    assert len(units) >= 600
    assert sum(isinstance(unit, str) and max(unit) > "\uffff" for unit in units) > 50
    assert sum(isinstance(unit, list) for unit in units) >= 3
    assert {-1, 0, 1} <= {index for case in CASES for index in case["answer"]}


@pytest.mark.parametrize(("text", "value"), [("", 0x811C9DC5), ("a", 0xE40C292C)])
def test_fnv_is_the_published_one(text, value):
    assert fnv1a32(text) == value


def test_an_emoji_is_hashed_as_two_units():
    # Given a character that JavaScript sees as two,
    two = "\ud83c" + "\udfac"
    # Then both forms hash alike, and unlike its code point or its bytes.
    assert fnv1a32("🎬") == fnv1a32(two)
    assert fnv1a32("🎬") != (0x811C9DC5 ^ ord("🎬")) * 0x01000193 % 2**32


@given(
    st.lists(st.integers(1, 9), min_size=2, max_size=8),
    st.sampled_from([1.0, 0.5, 0.1, 0.05, 0.01, 0.003]) | st.floats(0.01, 1),
)
def test_shares_are_what_all_steps_of_the_hash_come_to(parts, coverage):
    # Given each step of the hash, put into its range,
    weights = [part / sum(parts) for part in parts]
    ranges = bucket_ranges(weights, coverage)
    found = [choose_range(ranges, step / 10_000) for step in range(10_000)]
    steps = [found.count(index) for index in range(len(weights))]
    # Then variants have these shares of those who take part,
    expected = [each / sum(steps) for each in steps] if all(steps) else weights
    assert bucket_shares(weights, coverage) == pytest.approx(expected, abs=1e-15)


def test_weights_are_kept_over_many_units():
    allocation = Allocation("job_7", (0.1, 0.2, 0.7))
    counts = [0, 0, 0]
    for n in range(20_000):
        counts[assign(allocation, f"viewer-{n}")] += 1
    # five standard deviations of a binomial
    for count, weight in zip(counts, allocation.weights, strict=True):
        assert abs(count / 20_000 - weight) < 5 * (weight * (1 - weight) / 20_000) ** 0.5


@settings(deadline=None)
@given(st.text(min_size=1), st.floats(0, 1), st.floats(0, 1))
def test_more_coverage_moves_nobody(unit, one, other):
    # Given a unit that takes part at some coverage,
    low, high = sorted((one, other))
    before = assign(replace(EVEN, coverage=low), unit)
    # When more units take part, then it still sees what it saw.
    assert before is None or before == assign(replace(EVEN, coverage=high), unit)


@settings(deadline=None)
@given(st.text(min_size=1))
def test_asking_again_changes_nothing(unit):
    assert assign(EVEN, unit) == assign(EVEN, unit)
    assert 0 <= hash_unit("job_1", unit) < 1


def test_whoever_has_no_id_takes_no_part():
    assert assign(EVEN, "") is None


def test_an_override_comes_before_everything():
    allocation = replace(EVEN, coverage=0.0, overrides={"me": 1})
    assert assign(allocation, "me") == 1
    assert assign(allocation, "you") is None


def test_a_namespace_keeps_the_others_out():
    first = replace(EVEN, namespace=Namespace("page", 0.0, 0.4))
    second = replace(EVEN, namespace=Namespace("page", 0.4, 1.0))
    for n in range(500):
        assert (assign(first, f"u{n}") is None) != (assign(second, f"u{n}") is None)


@pytest.mark.parametrize("weights", [(0.6, 0.6), (0.1, 0.1), (0.0, 0.0)])
def test_weights_that_do_not_add_up_are_equal(weights):
    assert bucket_ranges(weights) == ((0.0, 0.5), (0.5, 1.0))


def test_coverage_beyond_its_bounds_is_cut():
    assert bucket_ranges((0.5, 0.5), 7) == ((0.0, 0.5), (0.5, 1.0))
    assert bucket_ranges((0.5, 0.5), -1) == ((0.0, 0.0), (0.5, 0.5))
