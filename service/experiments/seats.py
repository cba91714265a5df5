"""Where a viewer of an experiment sits: the variant of a plan that they see, and why. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from service.experiments.assign import bucket_ranges, choose_range, hash_unit
from service.experiments.metrics import Kind
from service.experiments.plan import Plan


@dataclass(frozen=True, slots=True)
class Seat:
    """The place of a viewer's variant in the plan, none where they take no part.

    `at` is where the hash puts them, from 0 up to but without 1. An `override` was fixed by hand,
    and is never counted.
    """

    arm: int | None
    at: float
    override: bool


def seat_unit(plan: Plan, unit_id: str) -> Seat:
    """The seat of a viewer; the same in any process, and in any SDK of GrowthBook."""
    at = hash_unit(plan.seed, unit_id)
    forced = plan.overrides.get(unit_id)
    if forced is not None:
        return Seat(plan.labels.index(forced), at, override=True)
    if not unit_id:  # nobody in any SDK
        return Seat(None, at, override=False)
    ranges = bucket_ranges([arm.weight for arm in plan.arms], plan.coverage)
    return Seat(choose_range(ranges, at), at, override=False)


def unbounded_metrics(plan: Plan) -> list[str]:
    """Pointers of metrics whose values have no bound: one forged value could outweigh them all."""
    named = [("primary", plan.primary)]
    named += [(f"secondary/{at}", each) for at, each in enumerate(plan.secondary)]
    named += [(f"guardrails/{at}", each) for at, each in enumerate(plan.guardrails)]
    return [
        f"{where}/most"
        for where, each in named
        if each.kind is not Kind.PROPORTION and each.most is None
    ]
