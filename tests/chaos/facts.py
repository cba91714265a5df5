"""What is known of a run when it has come to rest, from books that do not know each other."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import redis

from tests.integration.store.invariants import keys_that_stay
from tests.receiver import Received

PREFIX = "cab:"


@dataclass(frozen=True, slots=True)
class StoreLook:
    """What the store holds after a run."""

    due: Sequence[str]
    cuts: Mapping[str, Mapping[str, Any]]
    leased: Sequence[str]
    slots: Sequence[str]
    reserved: int
    lasting: Sequence[str]
    to_be_removed: Set[str]


@dataclass(frozen=True, slots=True)
class Facts:
    """A run, by the client's list, the jobs' answers, the sandbox, the receiver and the store."""

    accepted: Sequence[str]
    jobs: Mapping[str, Mapping[str, Any]]
    videos: Mapping[str, str]
    clip_sha256: str
    books: Mapping[str, Any]
    received: Sequence[Received]
    webhook_secret: str
    store: StoreLook


def await_rest(store: redis.Redis, seconds: float) -> None:
    """Wait until nothing is due any more; whatever is left is for the judge to see."""
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s and store.zcard(f"{PREFIX}due"):
        time.sleep(0.1)


def look_into(store: redis.Redis, jobs: Set[str]) -> StoreLook:
    """Read what is left of a run; of cuts only those of some jobs."""
    rows = {key: store.hgetall(key) for key in store.scan_iter(f"{PREFIX}row:*", count=1000)}
    names = {key: key.removeprefix(f"{PREFIX}row:") for key in rows}
    accounts = [
        key for key in store.scan_iter(f"{PREFIX}account:*", count=1000) if key.count(":") == 2
    ]
    kept = [key for name in ("slots", "waiting", "editing") for key in
            store.scan_iter(f"{PREFIX}account:*:{name}", count=1000)]  # fmt: skip
    return StoreLook(
        due=store.zrange(f"{PREFIX}due", 0, -1),
        cuts={
            names[key]: {**json.loads(row["doc"]), "state": row["state"]}
            for key, row in rows.items()
            if names[key].startswith("cut:") and row["job"] in jobs
        },
        leased=[names[key] for key, row in rows.items() if row.get("lease", "0") != "0"],
        slots=kept,
        reserved=sum(int(store.hget(key, "reserved") or 0) for key in accounts),
        lasting=sorted(keys_that_stay(store)),
        to_be_removed=set(store.zrange(f"{PREFIX}retention", 0, -1)),
    )
