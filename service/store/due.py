"""When the parts of a job are worked on next, for whoever waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from service.model.lifecycle import Queue
from service.store.connection import Connection


@dataclass(frozen=True, slots=True)
class Due:
    """An open row: from when it may be worked on, and until when somebody does (0: nobody)."""

    ready_ms: int
    lease_ms: int


def read_due(connection: Connection, rows: Sequence[str]) -> dict[str, Due]:
    """Those of some rows that are open, in one exchange.

    Raises:
        StoreUnavailable: Redis does not answer.
    """

    def ask(client: Any) -> Any:
        pipeline = client.pipeline(transaction=False)
        for row in rows:
            pipeline.hmget(connection.keys.row(row), "open", "ready", "lease")
        return pipeline.execute()

    found = connection.read(ask) if rows else []
    return {
        row: Due(int(ready or 0), int(lease or 0))
        for row, (still_open, ready, lease) in zip(rows, found, strict=True)
        if still_open == "1"
    }


def read_overdue(connection: Connection, queue: Queue, most: int) -> list[str]:
    """Rows that were due and found no worker yet, the longest first; some may be taken since.

    Raises:
        StoreUnavailable
    """
    key = connection.keys.overdue(queue)
    rows = connection.read(lambda client: client.zrange(key, 0, most - 1))
    return [str(row) for row in rows]
