"""Simulated viewers: what each of them does with the variant that it sees. Pure.

Their dice are digests of a seed and the viewer's id, so that a seed gives the same viewers on every
machine, in any order.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SEED = 1
VIEWERS = 20_000
#: How long the simulated video lasts, and below which time a viewer has left early.
LENGTH_S, EARLY_S = 10.0, 2.0
#: The true chance to watch to the end, by the place of the variant in the plan.
CHANCES = (0.20, 0.24)
_Z = 1.96


@dataclass(frozen=True, slots=True)
class Viewing:
    """What one viewer did."""

    unit_id: str
    variant: str
    seconds: float
    finished: bool


def plan_experiment() -> dict[str, Any]:
    """The plan of the simulated experiment, as the API takes it: all variants, equal weights."""
    return {
        "seed": "demo",
        "primary": {
            "name": "finished",
            "kind": "proportion",
            "title": "completion rate",
            "title_zh": "完播率",
        },
        "secondary": [
            {
                "name": "watch",
                "kind": "ratio",
                "title": "watch time per view",
                "title_zh": "每次观看时长",
                "most": round(LENGTH_S * 100),
                "unit": "seconds",
            }
        ],
        "guardrails": [
            {
                "name": "left_early",
                "kind": "proportion",
                "title": "rate of leaving at once",
                "title_zh": "秒退率",
                "better": "lower",
                "harm_margin": 0.1,
            }
        ],
        "mde": 0.15,
        "min_runtime_s": 0,
        "assume": {"value": CHANCES[0], "units_per_day": VIEWERS},
    }


def name_units(count: int) -> Iterator[str]:
    """The ids of so many viewers."""
    return (f"viewer-{number:05}" for number in range(1, count + 1))


def watch(seed: int, unit_id: str, variant: str, chance: float) -> Viewing:
    """What a viewer does, given the chance that it watches this variant to the end."""
    finished = _dice(seed, unit_id, "end") < chance
    share = 1.0 if finished else _dice(seed, unit_id, "time") ** 1.5
    return Viewing(unit_id, variant, round(LENGTH_S * share, 2), finished)


def tell(viewing: Viewing) -> Iterator[dict[str, Any]]:
    """The outcomes of a viewer: always a view with its time, and what else happened."""
    unit = {"unit_id": viewing.unit_id, "variant": viewing.variant}
    seen = {"metric": "watch", "seconds": viewing.seconds, "count": 1}
    yield {"event_id": f"{viewing.unit_id}/view", **unit, **seen}
    if viewing.finished:
        yield {"event_id": f"{viewing.unit_id}/end", **unit, "metric": "finished"}
    if viewing.seconds < EARLY_S:
        yield {"event_id": f"{viewing.unit_id}/left", **unit, "metric": "left_early"}


@dataclass(frozen=True, slots=True)
class Peek:
    """What an ordinary test of one look says after so many viewers.

    `rates` is by variant; `ahead` is the variant that it would name, none where it would wait.
    """

    viewers: int
    rates: Mapping[str, float]
    ahead: str | None


def peek(viewings: Iterable[Viewing], every: int) -> Iterator[Peek]:
    """The peeks of a reader who knows no statistics of peeking: at 95 %, every so many viewers."""
    units: Counter[str] = Counter()
    done: Counter[str] = Counter()
    for number, each in enumerate(viewings, start=1):
        units[each.variant] += 1
        done[each.variant] += each.finished
        if number % every == 0:
            labels = sorted(units)
            rates = {label: done[label] / units[label] for label in labels}
            yield Peek(number, rates, _name_ahead(units, rates, labels))


def _name_ahead(
    units: Mapping[str, int], rates: Mapping[str, float], labels: Sequence[str]
) -> str | None:
    best, other = sorted(labels, key=rates.__getitem__, reverse=True)[:2]
    spread = sum(rates[each] * (1 - rates[each]) / units[each] for each in (best, other))
    return best if rates[best] - rates[other] > _Z * math.sqrt(spread) else None


def _dice(seed: int, unit_id: str, what: str) -> float:
    digest = hashlib.blake2b(f"{seed}/{unit_id}/{what}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
