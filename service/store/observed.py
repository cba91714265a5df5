"""How long things of the backend usually take: running means, one fifth new."""

from __future__ import annotations

from service.store.connection import Connection


def observe(connection: Connection, what: str, took_ms: int) -> None:
    """Remember how long something took."""
    key, before = connection.keys.observed, read_observed(connection, what)
    mean = took_ms if before is None else int(before * 0.8 + took_ms * 0.2)
    connection.read(lambda client: client.hset(key, what, mean))


def read_observed(connection: Connection, what: str) -> int | None:
    """How long something usually takes, in milliseconds; none where it was never seen."""
    key = connection.keys.observed
    found = connection.read(lambda client: client.hget(key, what))
    return None if found is None else int(found)
