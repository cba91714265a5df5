"""What is known of the experiments of a run when it has come to rest, from books of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from cli.client import Client, Problem
from tests.chaos.crowd import Answered, Crowd, Taste
from tests.chaos.customer import insist
from tests.chaos.facts import PREFIX
from tests.chaos.run import Run
from tests.chaos.stores import COUNTING


@dataclass(frozen=True, slots=True)
class Counts:
    """What the counting store has of one experiment; `book` has the fields of its hash."""

    book: Mapping[str, str]
    seen: int
    units: int
    sources: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What the main store has of it; `events` are those of the experiment alone."""

    row: Mapping[str, str]
    is_due: bool
    plan: Mapping[str, str]
    events: Sequence[Mapping[str, Any]]
    removed_ms: int


@dataclass(frozen=True, slots=True)
class Told:
    """A webhook about it: its id, and its body."""

    id: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Experiment:
    """One of them, by its audience, the API, both stores, the receiver and `caption-ab verdict`.

    `missing` are the variants without a video. Bytes are empty where the API has none.
    """

    job_id: str
    taste: Taste
    missing: Sequence[str]
    answered: Sequence[Answered]
    shown: frozenset[bytes]
    counts: Counts
    kept: Kept
    told: Sequence[Told]
    verdict: bytes
    snapshot: bytes
    made_again: bytes


@dataclass(frozen=True, slots=True)
class Findings:
    """All experiments of a run; `records` is how much room their tenant has taken."""

    experiments: Sequence[Experiment]
    records: int
    keep_ms: int
    #: What was seen while they ran: rows without an owner, jobs that were to be removed.
    ownerless: Sequence[str] = ()
    unheld: Sequence[str] = ()


def look_at_running(store: redis.Redis, job_ids: Sequence[str]) -> tuple[list[str], list[str]]:
    """Of experiments that are open: rows that nobody would look at, jobs that would be removed."""
    ownerless, unheld = [], []
    for job_id in job_ids:
        row = f"experiment:{job_id}"
        pipeline = store.pipeline(transaction=True)
        pipeline.hget(f"{PREFIX}row:{row}", "open")
        pipeline.zscore(f"{PREFIX}due", row)
        pipeline.zscore(f"{PREFIX}retention", job_id)
        is_open, due, removed = pipeline.execute()
        if is_open == "1" and due is None:
            ownerless.append(row)
        if is_open == "1" and removed is not None:
            unheld.append(job_id)
    return ownerless, unheld


def gather_experiments(
    run: Run,
    crowds: Sequence[Crowd],
    folder: Path,
    *,
    keep_s: float,
    running: tuple[Sequence[str], Sequence[str]] = ((), ()),
) -> Findings:
    """Read every book about the experiments; `running` is what was seen while they ran."""
    told: dict[str, list[Told]] = {}
    for each in list(run.inbox.received):
        if each.event["type"].startswith("experiment."):
            told.setdefault(each.event["data"]["job_id"], []).append(
                Told(each.headers["webhook-id"], each.event)
            )
    with run.fleet.store() as main, run.fleet.store(COUNTING) as counting:
        found = [
            _gather(run, each, main, counting, told.get(each.job_id, []), folder) for each in crowds
        ]
        records = _read_records(counting, {each.job_id for each in crowds})
    return Findings(found, records, int(keep_s * 1000), *running)


def _gather(
    run: Run,
    crowd: Crowd,
    main: redis.Redis,
    counting: redis.Redis,
    told: Sequence[Told],
    folder: Path,
) -> Experiment:
    job_id = crowd.job_id
    job = run.customer.look(job_id)
    verdict = _read(crowd.client, "verdict", job_id)
    snapshot = _read(crowd.client, "snapshot", job_id)
    return Experiment(
        job_id,
        crowd.taste,
        [each["label"] for each in job.get("variants", ()) if "video" not in each["cuts"][0]],
        crowd.answered,
        frozenset(crowd.shown),
        _read_counts(counting, job_id),
        _read_kept(main, job_id),
        told,
        verdict,
        snapshot,
        make_again(snapshot, folder) if snapshot else b"",
    )


def _read(client: Client, what: str, job_id: str) -> bytes:
    try:
        text: bytes = insist(lambda: getattr(client, what)(job_id))
    except Problem:
        return b""
    return text


def make_again(snapshot: bytes, folder: Path) -> bytes:
    """What `caption-ab verdict` makes of a snapshot."""
    file = folder / "snapshot.json"
    file.write_bytes(snapshot)
    command = [sys.executable, "-m", "cli", "verdict", "--from", str(file)]
    return subprocess.run(command, capture_output=True, check=False, timeout=60).stdout


def _read_counts(store: redis.Redis, job_id: str) -> Counts:
    key = f"{PREFIX}job:{job_id}:experiment"
    seen, units, sources = (store.hlen(f"{key}:{each}") for each in ("seen", "units", "sources"))
    return Counts(store.hgetall(key), seen, units, sources)


def _read_records(store: redis.Redis, job_ids: Set[str]) -> int:
    """How much room the tenant has taken, save what books of earlier runs say of theirs."""
    taken = sum(int(store.get(key)) for key in store.scan_iter(f"{PREFIX}experiments:*"))
    books = {key.split(":")[2]: key for key in store.scan_iter(f"{PREFIX}job:*:experiment")}
    earlier = (key for job_id, key in books.items() if job_id not in job_ids)
    return taken - sum(int(store.hget(key, "records")) for key in earlier)


def _read_kept(store: redis.Redis, job_id: str) -> Kept:
    row = f"experiment:{job_id}"
    events = map(json.loads, store.lrange(f"{PREFIX}job:{job_id}:events", 0, -1))
    return Kept(
        store.hgetall(f"{PREFIX}row:{row}"),
        store.zscore(f"{PREFIX}due", row) is not None,
        store.hgetall(f"{PREFIX}job:{job_id}:plan"),
        [each for each in events if each["type"].startswith("experiment.")],
        int(store.zscore(f"{PREFIX}retention", job_id) or 0),
    )
