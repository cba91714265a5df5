"""What is known of an experiment at one moment: all that a verdict is made from. Pure.

It holds whole numbers and the plan, so that the same snapshot gives the same verdict to the byte,
today and in a dispute a year from now.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from service.errors import FieldError, InvalidRequest
from service.experiments.fields import Fields
from service.experiments.metrics import KINDS, Kind, Sums
from service.experiments.plan import Metric, Plan, read_plan_at, write_plan
from service.experiments.power import NO_TRAFFIC, Traffic

FORMAT = "caption-ab.snapshot.v1"
_MOST = 2**72  # more than a counter holds, so that a full one is judged and not refused
_MOST_MS = 10**14
#: Logarithms of p-values lie here: z^2 of counters of 64 bits stays below 1e54.
_LOG_P = (-1e60, 0.0)


@dataclass(frozen=True, slots=True)
class Tally:
    """What was counted of one variant: units that saw it, and sums of each metric by its name."""

    exposed: int
    sums: Mapping[str, Sums]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An experiment at `taken_at_ms`.

    Args:
        plan: How it was planned.
        started_at_ms: When it began, in milliseconds of Unix time.
        taken_at_ms: When this was taken.
        tallies: One for each arm, in the plan's order.
        multiple: Units that were seen in a second variant, and not counted there.
        overflowed: Whether an outcome was refused because a counter was full.
        recent: How many units came lately; days left are told from it.
        earlier: The least log p-value of earlier looks, by `srm` or a pair such as `A:B`.
        watermark: Up to where outcomes are in it.
        independent: Whether aggregates came without units, so that each impression counts as one.
    """

    plan: Plan
    started_at_ms: int
    taken_at_ms: int
    tallies: tuple[Tally, ...]
    multiple: int = 0
    overflowed: bool = False
    recent: Traffic = NO_TRAFFIC
    earlier: Mapping[str, float] = field(default_factory=dict)
    watermark: str = ""
    independent: bool = False

    @property
    def age_s(self) -> float:
        return (self.taken_at_ms - self.started_at_ms) / 1000

    @property
    def units(self) -> int:
        return sum(each.exposed for each in self.tallies)


def canonical(document: Any) -> bytes:
    """JSON with one form: names sorted, no blanks, UTF-8."""
    text = json.dumps(
        document, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )
    return text.encode()


def fingerprint(snapshot: Snapshot) -> str:
    """SHA-256 of the snapshot's canonical form."""
    return hashlib.sha256(canonical(write_snapshot(snapshot))).hexdigest()


def write_snapshot(snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot as JSON."""
    return {
        "format": FORMAT,
        "plan": write_plan(snapshot.plan),
        "started_at_ms": snapshot.started_at_ms,
        "taken_at_ms": snapshot.taken_at_ms,
        "tallies": [
            {
                "exposed": tally.exposed,
                "sums": {name: asdict(sums) for name, sums in tally.sums.items()},
            }
            for tally in snapshot.tallies
        ],
        "multiple": snapshot.multiple,
        "overflowed": snapshot.overflowed,
        "recent": {"units": snapshot.recent.units, "seconds": float(snapshot.recent.seconds)},
        "earlier": {name: float(least) for name, least in snapshot.earlier.items()},
        "watermark": snapshot.watermark,
        "independent": snapshot.independent,
    }


def read_snapshot(document: Any) -> Snapshot:
    """A snapshot from JSON.

    Raises:
        InvalidRequest: It is none; `errors` names each fault by its JSON pointer.
    """
    faults: list[FieldError] = []
    reader = Fields(document, "#", faults)
    if reader.text("format", most=100) != FORMAT:
        reader.fault("format", f"It must be {FORMAT}.")
    plan = read_plan_at(reader.plain("plan"), "#/plan", faults)
    snapshot = Snapshot(
        plan=plan,
        started_at_ms=reader.whole("started_at_ms", 0, _MOST_MS),
        taken_at_ms=reader.whole("taken_at_ms", 0, _MOST_MS),
        tallies=_read_tallies(reader, plan),
        multiple=reader.whole("multiple", 0, _MOST, 0),
        overflowed=reader.flag("overflowed", usual=False),
        recent=_read_traffic(reader.object("recent")),
        earlier=_read_earlier(reader.object("earlier")),
        watermark=reader.text("watermark", most=200, usual=""),
        independent=reader.flag("independent", usual=False),
    )
    reader.refuse_others()
    if faults:
        raise InvalidRequest("The snapshot is not valid.", faults)
    return snapshot


def _read_tallies(reader: Fields, plan: Plan) -> tuple[Tally, ...]:
    count = len(plan.arms)
    tallies = []
    for each in reader.objects("tallies", (count, count)):
        exposed = each.whole("exposed", 0, _MOST)
        sums = each.object("sums")
        tallies.append(Tally(exposed, {m.name: _read_sums(sums, m) for m in plan.metrics}))
        sums.refuse_others()
        each.refuse_others()
    return tuple(tallies)


def _read_sums(reader: Fields, metric: Metric) -> Sums:
    part = reader.object(metric.name)
    kind = KINDS[metric.kind]
    values: dict[str, Any] = {
        name: part.whole(name, 0, _MOST, 0) for name in kind.__slots__ if name != "bounded"
    }
    if metric.kind is Kind.MEAN:
        values["bounded"] = part.flag("bounded", usual=False)
    if metric.kind is Kind.PROPORTION and values["s"] > values["n"]:
        part.fault("s", "It must not exceed `n`.")
    part.refuse_others()
    sums: Sums = kind(**values)
    return sums


def _read_traffic(reader: Fields) -> Traffic:
    traffic = Traffic(reader.whole("units", 0, _MOST, 0), reader.number("seconds", 0.0, 1e12, 0.0))
    reader.refuse_others()
    return traffic


def _read_earlier(reader: Fields) -> dict[str, float]:
    return {name: reader.number(name, *_LOG_P) for name in reader.kept_names()}
