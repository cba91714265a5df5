"""Whether a measured size stays where it is. Pure: samples in, a verdict out."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

#: The share of a run that is not judged: caches fill, allocators find their size.
WARM_UP = 0.2
#: Samples that each third must have.
FEWEST = 4


class Measure(StrEnum):
    """What is measured, in the unit that the table shows."""

    OWN = "own MB"
    SHARED = "PSS MB"
    RESIDENT = "RSS MB"
    DESCRIPTORS = "descriptors"
    THREADS = "threads"
    STORE = "used MB"
    KEYS = "keys"
    FILES = "files"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far the last third may lie above the middle one: the larger of a share and an amount."""

    share: float
    amount: float


TOLERANCES: Mapping[Measure, Tolerance] = {
    Measure.OWN: Tolerance(0.02, 1.5),
    Measure.SHARED: Tolerance(0.02, 1.5),
    Measure.RESIDENT: Tolerance(0.02, 1.5),
    Measure.DESCRIPTORS: Tolerance(0.05, 2),
    Measure.THREADS: Tolerance(0.05, 1),
    Measure.STORE: Tolerance(0.05, 0.3),
    Measure.KEYS: Tolerance(0.10, 100),
    Measure.FILES: Tolerance(0.15, 20),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at one size; `jobs` is how many had been sent by then."""

    at_s: float
    jobs: int
    size: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """The medians of the thirds after the warm-up, and how a size grew with jobs in all of it."""

    first: float
    middle: float
    last: float
    per_1000_jobs: float
    flat: bool


class TooShort(ValueError):
    """The run has too few samples to say anything."""


def judge_size(samples: Sequence[Sample], tolerance: Tolerance) -> Verdict:
    """Compare the last third of a run with its middle one; the first fifth does not count.

    Raises:
        TooShort: a third would have fewer than `FEWEST` samples.
    """
    warm = after_warm_up(samples)
    third = len(warm) // 3
    if third < FEWEST:
        raise TooShort(f"{len(samples)} samples are too few; let it run for longer.")
    parts = warm[:third], warm[third:-third], warm[-third:]
    first, middle, last = (statistics.median(each.size for each in part) for part in parts)
    allowed = max(middle * tolerance.share, tolerance.amount)
    return Verdict(first, middle, last, growth(warm), flat=last - middle <= allowed)


def after_warm_up(samples: Sequence[Sample]) -> Sequence[Sample]:
    """The samples that count."""
    if not samples:
        return samples
    begins_s = samples[0].at_s + WARM_UP * (samples[-1].at_s - samples[0].at_s)
    return [each for each in samples if each.at_s >= begins_s]


def growth(samples: Sequence[Sample]) -> float:
    """Growth per 1,000 jobs: the median of the slopes of all pairs (Theil and Sen)."""
    slopes = [
        (later.size - earlier.size) / (later.jobs - earlier.jobs)
        for index, earlier in enumerate(samples)
        for later in samples[index + 1 :]
        if later.jobs > earlier.jobs
    ]
    return 1000 * statistics.median(slopes) if slopes else 0.0
