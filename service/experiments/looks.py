"""Looks at an experiment over time, as points of its history. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.experiments.snapshot import canonical
from service.experiments.verdict import Verdict

#: Points that are kept of one experiment; beyond, every other one goes.
MOST_POINTS = 240


@dataclass(frozen=True, slots=True)
class PairPoint:
    """A pair at one look: the difference of the primary metric, its interval, and as a lift."""

    base: str
    variant: str
    difference: float
    interval: tuple[float, float]
    lift: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Point:
    """One look: how many units each variant had, and what could be said of each pair."""

    at_ms: int
    state: str
    units: tuple[int, ...]
    pairs: tuple[PairPoint, ...]


def write_point(verdict: Verdict) -> str:
    """A look as it is kept."""
    document = verdict.document
    names = ("base", "variant", "difference", "interval", "lift")
    point = {
        "at_ms": document["taken_at_ms"],
        "state": document["state"],
        "units": [each["exposed"] for each in document["variants"]],
        "pairs": [{name: pair[name] for name in names} for pair in document["pairs"]],
    }
    return canonical(point).decode()


def read_point(point: Mapping[str, Any]) -> Point:
    """A look as it was kept."""
    return Point(
        point["at_ms"],
        point["state"],
        tuple(point["units"]),
        tuple(
            PairPoint(
                pair["base"],
                pair["variant"],
                pair["difference"],
                (pair["interval"][0], pair["interval"][1]),
                (pair["lift"][0], pair["lift"][1]) if pair["lift"] else None,
            )
            for pair in point["pairs"]
        ),
    )
