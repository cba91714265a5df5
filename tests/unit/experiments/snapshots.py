"""Plans and snapshots for tests: a rate of two variants after three days, unless told otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from service.experiments.metrics import Kind, Proportion, Sums
from service.experiments.plan import Arm, Metric, Plan
from service.experiments.power import Traffic
from service.experiments.snapshot import Snapshot, Tally

DAY_MS = 86_400_000
START_MS = 1_800_000_000_000
RATE = Metric("clicks", Kind.PROPORTION, "click rate", "点击率")


def a_plan(*weights: float, **changes: Any) -> Plan:
    shares = weights or (0.5, 0.5)
    arms = tuple(Arm("ABCDEFGH"[n], share) for n, share in enumerate(shares))
    return Plan(**{"seed": "job_1", "arms": arms, "primary": RATE, **changes})


def a_snapshot(
    *counts: tuple[int, int], plan: Plan | None = None, days: float = 3, **changes: Any
) -> Snapshot:
    """A snapshot whose variants have (units, those who did it)."""
    return of_sums([{"clicks": Proportion(*count)} for count in counts], plan, days, **changes)


def of_sums(
    sums: Sequence[dict[str, Sums]], plan: Plan | None = None, days: float = 3, **changes: Any
) -> Snapshot:
    used = plan or a_plan(*[1 / len(sums)] * len(sums))
    tallies = tuple(Tally(next(iter(each.values())).n, each) for each in sums)
    return Snapshot(
        **{
            "plan": used,
            "started_at_ms": START_MS,
            "taken_at_ms": START_MS + int(days * DAY_MS),
            "tallies": tallies,
            "recent": Traffic(5000, 86_400.0),
            **changes,
        }
    )
