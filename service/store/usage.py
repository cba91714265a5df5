"""What keys and tenants have used, as the accepting and settling writes count it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from service.model.limits import DAY_MS
from service.store.connection import Connection
from service.store.keys import Keys

#: How long a day's counters are kept; `lua/include/usage.lua` says the same.
KEPT_MS = 40 * DAY_MS
FIELDS = ("jobs", "cuts", "messages", "credits", "uploads", "upload_bytes")


@dataclass(frozen=True, slots=True)
class DayUse:
    """One day (UTC, in days since 1970) of a key or a tenant."""

    day: int
    counts: dict[str, int]


def read_usage(connection: Connection, owner: str, *, days: int, now_ms: int) -> list[DayUse]:
    """The last so many days of a key or a tenant, today first; days without use hold zeros."""
    today = now_ms // DAY_MS
    shown = range(today, today - days, -1)

    def ask(client: Any) -> Any:
        pipeline = client.pipeline(transaction=False)
        for day in shown:
            pipeline.hmget(connection.keys.usage(owner, day), *FIELDS)
        return pipeline.execute()

    return [
        DayUse(day, {name: int(value or 0) for name, value in zip(FIELDS, found, strict=True)})
        for day, found in zip(shown, connection.read(ask), strict=True)
    ]


def read_held(connection: Connection, key_id: str) -> int:
    """Credits that a key's unfinished work is expected to cost yet."""
    name = connection.keys.held
    return int(connection.read(lambda client: client.hget(name, key_id)) or 0)


def count_upload(pipeline: Any, keys: Keys, owners: Iterable[str], *, size: int, day: int) -> None:
    """Count an upload within the write that makes it."""
    for owner in filter(None, owners):
        key = keys.usage(owner, day)
        pipeline.hincrby(key, "uploads", 1)
        pipeline.hincrby(key, "upload_bytes", size)
        pipeline.pexpire(key, KEPT_MS)
