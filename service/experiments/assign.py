"""Which variant a viewer sees: GrowthBook's hash, version 2. Pure, and nothing is written.

The same answer comes from every GrowthBook SDK, so that a caller may compute it without asking us.
The hash runs over UTF-16 code units, as in JavaScript; over code points or UTF-8 an emoji in a
unit's id would get another variant. It has 10,000 values: no weight is finer than 0.01 %.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

_START = 0x811C9DC5
_PRIME = 0x01000193
_BITS = 0xFFFFFFFF
_STEPS = 10_000
_OLD_STEPS = 1_000
#: Weights whose sum lies outside are not used; all variants are then equal, as in GrowthBook.
_SUM = (0.99, 1.01)

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Namespace:
    """A slice of all units, from `start` up to but without `end`, that one experiment may use."""

    name: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Allocation:
    """How the units of one experiment are divided.

    `seed` is the experiment's key; `weights` is in the order of the variants and sums to 1;
    `coverage` is the share of all units that take part; `overrides` fixes units for testing.
    """

    seed: str
    weights: tuple[float, ...]
    coverage: float = 1.0
    namespace: Namespace | None = None
    overrides: Mapping[str, int] = field(default_factory=dict)


def assign(allocation: Allocation, unit_id: str) -> int | None:
    """The index of the variant that a unit sees; None when it takes no part."""
    forced = allocation.overrides.get(unit_id)
    if forced is not None:
        return forced
    if not unit_id or not _in_namespace(allocation.namespace, unit_id):
        return None
    ranges = bucket_ranges(allocation.weights, allocation.coverage)
    return choose_range(ranges, hash_unit(allocation.seed, unit_id))


def hash_unit(seed: str, unit_id: str) -> float:
    """A number from 0 up to but without 1, in steps of 1/10,000 (GrowthBook's version 2)."""
    return fnv1a32(str(fnv1a32(seed + unit_id))) % _STEPS / _STEPS


def hash_namespace(name: str, unit_id: str) -> float:
    """Where a unit lies in a namespace, in steps of 1/1,000: there GrowthBook has version 1."""
    return fnv1a32(f"{unit_id}__{name}") % _OLD_STEPS / _OLD_STEPS


def bucket_ranges(weights: Sequence[float], coverage: float = 1.0) -> tuple[Range, ...]:
    """The range of hashes of each variant; what lies between them takes no part."""
    covered = min(1.0, max(0.0, coverage))
    starts = _running_sums(weights)
    if not _SUM[0] <= starts[-1] <= _SUM[1]:
        starts = _running_sums([1 / len(weights)] * len(weights))
        return tuple((start, start + covered / len(weights)) for start in starts[:-1])
    return tuple(
        (start, start + covered * weight)
        for (start, _), weight in zip(pairwise(starts), weights, strict=True)
    )


def bucket_shares(weights: Sequence[float], coverage: float = 1.0) -> list[float]:
    """Each variant's share of those who take part: of the steps of the hash, those in its range.

    Where few take part they differ from the weights: thirds of 1 % are 34, 33 and 33 steps. They
    are the weights where a variant has no step at all, so that nobody sees it.
    """
    steps = [
        _count_below(end) - _count_below(start) for start, end in bucket_ranges(weights, coverage)
    ]
    return [each / sum(steps) for each in steps] if all(steps) else list(weights)


def choose_range(ranges: Sequence[Range], at: float) -> int | None:
    """The first range that holds a hash."""
    return next((index for index, (start, end) in enumerate(ranges) if start <= at < end), None)


def fnv1a32(text: str) -> int:
    """FNV-1a of 32 bits, one UTF-16 code unit at a time; a lone surrogate counts as itself."""
    data = text.encode("utf-16-le", "surrogatepass")
    value = _START
    for unit in struct.unpack(f"<{len(data) // 2}H", data):
        value = (value ^ unit) * _PRIME & _BITS
    return value


def _in_namespace(namespace: Namespace | None, unit_id: str) -> bool:
    if namespace is None:
        return True
    return namespace.start <= hash_namespace(namespace.name, unit_id) < namespace.end


def _count_below(edge: float) -> int:
    """How many values of the hash lie below an edge, as `choose_range` compares them."""
    count = min(_STEPS, math.ceil(edge * _STEPS))
    # the product may be rounded over a step
    while count > 0 and (count - 1) / _STEPS >= edge:
        count -= 1
    while count < _STEPS and count / _STEPS < edge:
        count += 1
    return count


def _running_sums(weights: Sequence[float]) -> list[float]:
    # one by one, as JavaScript does: a compensated sum would move the edges of ranges
    sums = [0.0]
    for weight in weights:
        sums.append(sums[-1] + weight)
    return sums
