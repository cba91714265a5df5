"""Plans and outcomes of experiments for tests."""

from __future__ import annotations

from typing import Any

from service.experiments.metrics import Kind
from service.experiments.plan import Arm, Metric, Plan

START_MS = 1_800_000_000_000
CLICKS = Metric("clicks", Kind.PROPORTION)
WATCH = Metric("watch", Kind.MEAN, most=3000)
SPENT = Metric("spent", Kind.MEAN)
PER_VIEW = Metric("per_view", Kind.RATIO, most=3000)


def an_experiment(**changes: Any) -> Plan:
    """Two variants with a metric of each kind, and one without a largest value."""
    arms = (Arm("A", 0.5), Arm("B", 0.5))
    usual = {
        "seed": "job_1",
        "arms": arms,
        "primary": CLICKS,
        "secondary": (WATCH, PER_VIEW, SPENT),
    }
    return Plan(**{**usual, **changes})


def an_outcome(event: str, unit: str, variant: str = "A", **more: Any) -> dict[str, Any]:
    return {"event_id": event, "unit_id": unit, "variant": variant, **more}


def a_batch(batch: str, units: int, variant: str = "A", **more: Any) -> dict[str, Any]:
    return {"batch_id": batch, "variant": variant, "units": units, "metrics": {}, **more}


def figures(revision: int, units: int, variant: str = "A", **more: Any) -> dict[str, Any]:
    given = {"source": "dashboard", "revision": revision, "variant": variant, "units": units}
    return {**given, "metrics": {}, **more}
