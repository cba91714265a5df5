"""How outcomes are written for the store that counts them, and a snapshot read from its counters.

Pure. `service/store/lua/record_outcomes.lua` and `include/outcomes.lua` know the same names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from service.experiments.aggregates import Aggregate
from service.experiments.metrics import KINDS, Kind, Sums
from service.experiments.outcomes import MOST_IMPRESSIONS, MOST_OF_UNIT, Outcome
from service.experiments.plan import DAY_S, Metric, Plan, read_plan, write_plan
from service.experiments.power import Traffic
from service.experiments.snapshot import Snapshot, Tally, canonical

_DAY_MS = DAY_S * 1000
_RECENT_DAYS = 7
#: Counters that one command may change, about: it holds Redis up for some milliseconds.
COUNTERS = 2000


@dataclass(frozen=True, slots=True)
class Book:
    """All that is kept of an experiment, of one moment; `fields` are its counters as texts."""

    plan: Plan
    digest: str
    started_ms: int
    fields: Mapping[str, str]

    @property
    def verdict(self) -> str | None:
        """The frozen verdict in its one form, once there is one."""
        return self.fields.get("verdict")

    @property
    def frozen_snapshot(self) -> str | None:
        """What the frozen verdict was made from."""
        return self.fields.get("snapshot")

    @property
    def shown(self) -> Mapping[str, Mapping[str, int]]:
        """The revisions that viewers see, by label and clip; none before it begins."""
        found: Mapping[str, Mapping[str, int]] = json.loads(self.fields.get("shown", "{}"))
        return found

    def count(self, name: str) -> int:
        """A counter; 0 where it was never counted."""
        return int(self.fields.get(name, "0"))


#: The fields of a book that never change once it has begun.
HEAD = ("plan", "digest", "started")


def plan_text(plan: Plan) -> str:
    """A plan in its one form."""
    return canonical(write_plan(plan)).decode()


def plan_digest(text: str) -> str:
    """What tells two plans apart."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_book(fields: Mapping[str, str]) -> Book:
    """A book as it was kept."""
    plan = read_plan(json.loads(fields["plan"]))
    return Book(plan, fields["digest"], int(fields["started"]), fields)


def write_metrics(plan: Plan) -> str:
    """What the store has to know of each metric to count it."""
    return json.dumps([_write_metric(each) for each in plan.metrics], separators=(",", ":"))


def _write_metric(metric: Metric) -> dict[str, Any]:
    return {
        "kind": metric.kind.value,
        "most": 1
        if metric.kind is Kind.PROPORTION
        else min(metric.most or MOST_OF_UNIT, MOST_OF_UNIT),
        "most_unit": MOST_OF_UNIT,
        "most_count": MOST_IMPRESSIONS,
    }


def divide_items(
    items: Sequence[Outcome | Aggregate], metrics: int
) -> list[Sequence[Outcome | Aggregate]]:
    """Items in pieces, in their order, one for each command: more would hold Redis up.

    `metrics` is how many the plan has: the record of a unit holds each of them.
    """
    pieces: list[list[Outcome | Aggregate]] = []
    left = 0
    for each in items:
        counters = _weigh(each, metrics)
        if left < counters:
            pieces.append([])
            left = COUNTERS
        pieces[-1].append(each)
        left -= counters
    return list(pieces)


def _weigh(each: Outcome | Aggregate, metrics: int) -> int:
    """How many counters an item may change: figures take out what their source had said before.

    What a source said is read and written besides, which takes as long as some counters.
    """
    if isinstance(each, Outcome):
        return max(8, metrics)
    return 2 * sum(len(sums.__slots__) for sums in each.sums.values()) + 16


def write_items(items: Sequence[Outcome | Aggregate]) -> str:
    """Outcomes for the store. Sums are texts: a number of Lua is exact to 2^53 only."""
    rows = [_write_outcome(e) if isinstance(e, Outcome) else _write_aggregate(e) for e in items]
    return json.dumps(rows, separators=(",", ":"))


def _write_outcome(each: Outcome) -> dict[str, Any]:
    row: dict[str, Any] = {"kind": "event", "id": each.id, "body": each.body, "unit": each.unit}
    row |= {"arm": each.arm, "at": each.at_ms}
    return row if each.metric is None else row | {"metric": each.metric, "x": each.x, "y": each.y}


def _write_aggregate(each: Aggregate) -> dict[str, Any]:
    sums = [[f"bulk:{each.arm}", str(each.units)]]
    for place, values in sorted(each.sums.items()):
        parts = asdict(values)
        if parts.pop("bounded", False):
            sums.append([f"bounded:{each.arm}:{place}", "1"])
        sums += [[f"sum:{each.arm}:{place}:{name}", str(value)] for name, value in parts.items()]
    if each.independent:
        sums.append(["independent", "1"])
    row: dict[str, Any] = {"body": each.body, "units": str(each.units), "sums": sums}
    row |= {"at": each.at_ms, "correction": each.correction}
    if each.revision is None:
        return row | {"kind": "batch", "id": each.id}
    return row | {"kind": "figures", "source": each.id, "revision": str(each.revision)}


def take_snapshot(book: Book, *, now_ms: int) -> Snapshot:
    """The experiment at this moment."""
    last = book.count("last")
    return Snapshot(
        plan=book.plan,
        started_at_ms=book.started_ms,
        taken_at_ms=now_ms,
        tallies=tuple(_tally(book, arm) for arm in range(len(book.plan.arms))),
        multiple=book.count("multiple"),
        overflowed="overflowed" in book.fields,
        recent=_recent(book, now_ms),
        earlier={
            name.removeprefix("least:"): float(value)
            for name, value in book.fields.items()
            if name.startswith("least:")
        },
        watermark=_moment(last) if last else "",
        independent=book.count("independent") > 0,
    )


def _tally(book: Book, arm: int) -> Tally:
    units = book.count(f"units:{arm}")
    sums = {
        metric.name: _sums(book, f"{arm}:{place}", metric, units)
        for place, metric in enumerate(book.plan.metrics)
    }
    return Tally(units + book.count(f"bulk:{arm}"), sums)


def _sums(book: Book, place: str, metric: Metric, units: int) -> Sums:
    """Every unit that saw the variant is in each of its metrics, whether it did anything or not."""
    kind = KINDS[metric.kind]
    names = [name for name in kind.__slots__ if name != "bounded"]
    values: dict[str, Any] = {name: book.count(f"sum:{place}:{name}") for name in names}
    values["n"] += units
    if metric.kind is Kind.PROPORTION:
        # A correction may take back units and leave what they did. Then all who are left have done
        # it, which is no variance and gives no verdict.
        values["s"] = min(values["s"], values["n"])
    if metric.kind is Kind.MEAN:
        values["bounded"] = book.count(f"bounded:{place}") > 0
    sums: Sums = kind(**values)
    return sums


def _recent(book: Book, now_ms: int) -> Traffic:
    today = now_ms // _DAY_MS
    first = today - _RECENT_DAYS + 1
    units = sum(book.count(f"day:{day}") for day in range(first, today + 1))
    begun_ms = max(book.started_ms, first * _DAY_MS)
    return Traffic(units, max(0, now_ms - begun_ms) / 1000)


def _moment(at_ms: int) -> str:
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
