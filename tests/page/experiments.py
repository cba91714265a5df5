"""Experiments as pages are drawn from: verdicts that the engine gives, and looks before them."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from functools import cache
from typing import Any

from api.page_view import ShownExperiment
from service.experiments.looks import read_point, write_point
from service.experiments.metrics import Kind, Mean, Proportion, Sums
from service.experiments.plan import Arm, Metric, Plan, Unit
from service.experiments.power import Traffic
from service.experiments.snapshot import Snapshot, Tally
from service.experiments.verdict import decide

DAY_MS = 86_400_000
START_MS = 1_794_500_000_000
CLICKS = Metric("clicks", Kind.PROPORTION, "click rate", "点击率")
WATCH = Metric("watch", Kind.MEAN, "watch time", "观看时长", most=3000, unit=Unit.SECONDS)
ENDS = Metric("ends", Kind.PROPORTION, "completion rate", "完播率", harm_margin=0.01)


def make_plan(labels: str = "AB", **changes: Any) -> Plan:
    """A click rate that decides, with a metric to explore and one to guard."""
    arms = tuple(Arm(each, 1 / len(labels)) for each in labels)
    usual = {"seed": "job_1", "arms": arms, "primary": CLICKS}
    return Plan(**{**usual, "secondary": (WATCH,), "guardrails": (ENDS,), **changes})


def make_snapshots(
    plan: Plan, rates: tuple[float, ...], *, units: int, days: float, looks: int, seed: int = 7
) -> list[Snapshot]:
    """The same experiment at each of so many looks; viewers come evenly and do it by chance."""
    dice = random.Random(seed)
    done = [0] * len(rates)
    seconds = [[0, 0] for _ in rates]
    ends = [0] * len(rates)
    found = []
    for look in range(1, looks + 1):
        before, now = units * (look - 1) // looks, units * look // looks
        for arm, rate in enumerate(rates):
            for _ in range(now - before):
                done[arm] += dice.random() < rate
                ends[arm] += dice.random() < 0.4
                watched = min(3000, int(dice.expovariate(1 / 900)))
                seconds[arm][0] += watched
                seconds[arm][1] += watched * watched
        found.append(_snapshot(plan, now, done, seconds, ends, days * look / looks))
    return found


def _snapshot(
    plan: Plan, n: int, done: list[int], seconds: list[list[int]], ends: list[int], days: float
) -> Snapshot:
    tallies = []
    for arm in range(len(plan.arms)):
        sums: dict[str, Sums] = {"clicks": Proportion(n, done[arm])}
        sums |= {"watch": Mean(n, *seconds[arm]), "ends": Proportion(n, ends[arm])}
        tallies.append(Tally(n, {each.name: sums[each.name] for each in plan.metrics}))
    recent = Traffic(n * len(plan.arms), max(1.0, days * 86_400))
    taken = START_MS + int(days * DAY_MS)
    return Snapshot(plan, START_MS, taken, tuple(tallies), recent=recent)


def show(*snapshots: Snapshot, **changes: Any) -> ShownExperiment:
    """What a page shows at the last of these looks; a final verdict is frozen there."""
    last = snapshots[-1]
    verdict = decide(last)
    final = verdict.state.is_final
    shown = ShownExperiment(
        status="decided" if final else "running",
        plan=last.plan,
        verdict=json.loads(verdict.as_bytes()),
        looks=tuple(read_point(json.loads(write_point(decide(each)))) for each in snapshots),
        counted=tuple(each.exposed for each in last.tallies),
        attached_ms=START_MS - DAY_MS,
        started_ms=START_MS,
        decided_ms=last.taken_at_ms if final else 0,
    )
    return replace(shown, **changes)


@cache
def make_running() -> ShownExperiment:
    """Three days of an experiment in which nothing is clear yet."""
    return show(*make_snapshots(make_plan(), (0.05, 0.053), units=6000, days=3, looks=30))


@cache
def make_won(labels: str = "AB") -> ShownExperiment:
    """One in which the last variant is ahead."""
    rates = tuple(0.05 + (0.02 if each == labels[-1] else 0.0) for each in labels)
    looks = make_snapshots(make_plan(labels), rates, units=9000, days=5, looks=50)
    first = next(at for at, each in enumerate(looks) if decide(each).state.is_final)
    return show(*looks[: first + 1])


@cache
def make_spoiled() -> ShownExperiment:
    """One in which far too few saw the second variant."""
    looks = make_snapshots(make_plan(), (0.05, 0.05), units=4000, days=2, looks=20)
    last = looks[-1]
    few = replace(last.tallies[1], exposed=3000)
    return show(*looks[:-1], replace(last, tallies=(last.tallies[0], few)))
