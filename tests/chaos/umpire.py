"""Whether experiments have kept their promises. Pure: findings in, complaints out."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.chaos.crowd import ENDS, LABELS, MOST_WATCHED, Answered
from tests.chaos.experiments import Experiment, Findings

_COUNTED = frozenset({"accepted", "duplicate"})
_SUMS = ("units:", "bulk:", "sum:")
_CLICKS, _WATCH = 0, 1
#: How far the clocks of a process and of the audience may be apart.
_CLOCKS_MS = 1000


def judge_experiments(findings: Findings) -> list[str]:
    """Everything that is wrong with the experiments of a run."""
    complaints = [
        f"{each.job_id}: {complaint}"
        for each in findings.experiments
        for complaint in (
            *_end(each),
            *_telling(each),
            *_sums(each),
            *_freeze(each),
            *_snapshot(each),
            *_hold(each, findings.keep_ms),
        )
    ]
    complaints += [f"{each} is open and has no owner" for each in findings.ownerless]
    complaints += [f"{each} was to be removed while it ran" for each in findings.unheld]
    records = sum(_records(each) for each in findings.experiments)
    if findings.records != records:
        complaints.append(f"its tenant has taken {findings.records} records, its books {records}")
    return complaints


def expected_sums(answered: Iterable[Answered]) -> dict[str, int]:
    """What the counters must hold, by what the audience was told to be counted; each item once."""
    items = {_name(each.item): each.item for each in answered if each.said in _COUNTED}
    sums: Counter[str] = Counter()
    watched: Counter[tuple[int, str]] = Counter()
    clicked: set[tuple[int, str]] = set()
    seen: set[tuple[int, str]] = set()
    for item in _latest(items.values()):
        arm = LABELS.index(item["variant"])
        if "units" in item:
            sums[f"bulk:{arm}"] += item["units"]
            sums[f"sum:{arm}:{_CLICKS}:n"] += item["units"]
            sums[f"sum:{arm}:{_CLICKS}:s"] += item["metrics"]["clicks"]["s"]
            continue
        viewer = (arm, item["unit_id"])
        seen.add(viewer)
        if item.get("metric") == "clicks":
            clicked.add(viewer)
        elif item.get("metric") == "watch":
            watched[viewer] += item["value"]
    for arm, _ in seen:
        sums[f"units:{arm}"] += 1
    for arm, _ in clicked:
        sums[f"sum:{arm}:{_CLICKS}:s"] += 1
    for (arm, _), value in watched.items():
        within = min(value, MOST_WATCHED)
        sums[f"sum:{arm}:{_WATCH}:s1"] += within
        sums[f"sum:{arm}:{_WATCH}:s2"] += within**2
    return {name: value for name, value in sums.items() if value}


def _name(item: Mapping[str, Any]) -> str:
    if "revision" in item:
        return f"{item['source']} {item['variant']} {item['revision']}"
    return str(item.get("event_id") or item.get("batch_id"))


def _latest(items: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """All items, but of a source's figures the last ones alone."""
    last: dict[tuple[str, str], Mapping[str, Any]] = {}
    for item in items:
        if "revision" not in item:
            yield item
            continue
        of = (item["source"], item["variant"])
        if of not in last or item["revision"] > last[of]["revision"]:
            last[of] = item
    yield from last.values()


def _end(each: Experiment) -> Iterator[str]:
    """It is over, and as its audience or its missing videos say."""
    row, plan = each.kept.row, each.kept.plan
    if row.get("open") != "0" or each.kept.is_due:
        yield f"it has not ended: {dict(row)}"
    if not int(plan.get("closed", "0")):
        yield "its plan is not closed"
    if each.missing:
        if plan.get("end") != "videos_missing" or "verdict" in each.counts.book:
            yield f"it has no video of {each.missing} and ended as {plan.get('end')!r}"
        return
    frozen = json.loads(each.counts.book.get("verdict", "{}"))
    found = frozen.get("state")
    if found != ENDS[each.taste]:
        yield f"its audience is {each.taste}, and it ended as {found}"
    if plan.get("end") != found:
        yield f"its plan was closed as {plan.get('end')!r}, its verdict is {found}"


def _telling(each: Experiment) -> Iterator[str]:
    """It was told once: one event, one webhook however often it came, and both say its end."""
    events, ids = each.kept.events, {told.id for told in each.told}
    if len(events) != 1:
        yield f"it has {len(events)} events: {[event['type'] for event in events]}"
    if len(ids) != 1:
        yield f"the receiver knows {len(ids)} ids of it"
    end = each.kept.plan.get("end", "")
    invalid = bool(each.missing) or end.startswith("invalid_")
    kind = "experiment.invalid" if invalid else "experiment.decided"
    for event in (*events, *(told.body for told in each.told)):
        says = event["data"]["state"] or event["data"]["reason"]
        if event["type"] != kind or says != end:
            yield f"it ended as {end!r}, and {event['type']} tells {says!r}"
    if any(told.body["id"] != event["id"] for told in each.told for event in events):
        yield "the receiver was told of another event"


def _sums(each: Experiment) -> Iterator[str]:
    """Counted is what the audience was told to be counted, once."""
    refused = Counter(a.said for a in each.answered if a.said not in _COUNTED)
    if refused:
        yield f"outcomes were refused: {dict(refused)}"
    book = each.counts.book
    counted = {k: int(v) for k, v in book.items() if k.startswith(_SUMS) and int(v)}
    wanted = expected_sums(each.answered)
    if counted != wanted:
        names = sorted(k for k in {*counted, *wanted} if counted.get(k) != wanted.get(k))
        told = [f"{name} is {counted.get(name)}, not {wanted.get(name)}" for name in names]
        yield f"its sums are not those of its outcomes: {told}"
    if book.get("multiple", "0") != "0" or "overflowed" in book:
        yield "viewers were counted in two variants, or a counter was full"
    if book and int(book["records"]) != _records(each):
        yield f"it keeps {_records(each)} records and says {book['records']}"


def _records(each: Experiment) -> int:
    return each.counts.seen + each.counts.units + each.counts.sources


def _freeze(each: Experiment) -> Iterator[str]:
    """Its verdict has the same bytes wherever it is shown, and its snapshot makes them again."""
    if each.missing:
        return
    verdict = each.counts.book.get("verdict", "").encode()
    snapshot = each.counts.book.get("snapshot", "").encode()
    if each.verdict != verdict or each.snapshot != snapshot:
        yield "the API shows another verdict or snapshot than was frozen"
    if each.made_again != verdict:
        yield f"its snapshot makes another verdict: {each.made_again[:80]!r}"
    if each.shown - {verdict}:
        yield f"{len(each.shown)} final verdicts were shown"
    digest = hashlib.sha256(snapshot).hexdigest()
    for event in each.kept.events:
        if event["data"].get("snapshot_sha256") != digest:
            yield "its event names another snapshot"


def _snapshot(each: Experiment) -> Iterator[str]:
    """What was answered before the look is in its snapshot, and nothing that was never counted."""
    if not each.counts.book.get("snapshot"):
        return
    snapshot = json.loads(each.counts.book["snapshot"])
    taken_ms = snapshot["taken_at_ms"]
    before = expected_sums(a for a in each.answered if a.at_ms < taken_ms - _CLOCKS_MS)
    after = expected_sums(each.answered)
    for arm, tally in enumerate(snapshot["tallies"]):
        exposed = [f"units:{arm}", f"bulk:{arm}"]
        found = {
            "viewers": (tally["exposed"], exposed),
            "clicks": (tally["sums"]["clicks"]["s"], [f"sum:{arm}:{_CLICKS}:s"]),
            "watch": (tally["sums"]["watch"]["s1"], [f"sum:{arm}:{_WATCH}:s1"]),
        }
        for what, (value, names) in found.items():
            least, most = (sum(of.get(name, 0) for name in names) for of in (before, after))
            if not least <= value <= most:
                yield f"its snapshot has {value} {what} of {LABELS[arm]}, not {least} to {most}"


def _hold(each: Experiment, keep_ms: int) -> Iterator[str]:
    """Its job is kept for a while after its end."""
    closed_ms = int(each.kept.plan.get("closed", "0"))
    if each.kept.removed_ms < closed_ms + keep_ms:
        yield f"its job goes {each.kept.removed_ms - closed_ms} ms after its end, not {keep_ms}"
