"""The rule by which a soak calls a size flat."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.soak.flat import Sample, Tolerance, TooShort, growth, judge_size

TOLERANCE = Tolerance(share=0.02, amount=1.5)


def series(*sizes: float) -> list[Sample]:
    return [Sample(5.0 * n, 2 * n, size) for n, size in enumerate(sizes)]


def test_a_size_that_stays_is_flat():
    verdict = judge_size(series(*[80.0] * 120), TOLERANCE)
    assert verdict.flat
    assert (verdict.first, verdict.middle, verdict.last) == (80.0, 80.0, 80.0)
    assert verdict.per_1000_jobs == 0


def test_a_size_that_grows_with_every_job_is_not_flat():
    # Given 30 kB more with every job, of which 2 are sent between samples
    verdict = judge_size(series(*[80.0 + 0.06 * n for n in range(120)]), TOLERANCE)
    assert not verdict.flat
    assert verdict.per_1000_jobs == pytest.approx(30)


def test_what_grows_in_the_warm_up_only_is_flat():
    sizes = [50.0 + min(n, 20) for n in range(120)]
    assert judge_size(series(*sizes), TOLERANCE).flat


def test_a_few_peaks_do_not_count():
    # Given children that come and go for a sample each
    sizes = [80.0 + (60 if n % 10 == 9 else 0) for n in range(120)]
    assert judge_size(series(*sizes), TOLERANCE).flat


def test_a_size_that_falls_is_flat():
    assert judge_size(series(*[200.0 - n for n in range(120)]), TOLERANCE).flat


def test_a_descriptor_in_every_ten_jobs_is_not_flat():
    sizes = [40 + n // 5 for n in range(120)]
    assert not judge_size(series(*sizes), Tolerance(0.05, 2)).flat


def test_a_run_that_is_too_short_says_so():
    with pytest.raises(TooShort):
        judge_size(series(*[80.0] * 14), TOLERANCE)
    with pytest.raises(TooShort):
        judge_size([], TOLERANCE)


def test_no_job_no_growth():
    assert growth([Sample(0, 3, 1.0), Sample(5, 3, 9.0)]) == 0


@given(st.lists(st.integers(0, 10_000), min_size=20, max_size=40), st.integers(1, 100))
def test_whatever_was_flat_is_not_when_its_last_third_is_lifted_beyond_the_tolerance(sizes, more):
    # Given any course of a size
    calm = judge_size(series(*sizes), TOLERANCE)
    third = len([each for each in range(len(sizes)) if each >= 0.2 * (len(sizes) - 1)]) // 3
    # When its last third lies so much higher that it is beyond what is allowed
    lift = max(0.0, calm.middle - calm.last) + max(0.02 * calm.middle, 1.5) + more
    lifted = [*sizes[:-third], *(each + lift for each in sizes[-third:])]
    # Then it is not flat
    assert not judge_size(series(*lifted), TOLERANCE).flat
