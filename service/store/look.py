"""One look at the state of the whole engine, for whoever examines it; changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.model.lifecycle import Queue
from service.store.connection import Connection
from service.store.keys import queue_key

#: Keys looked through for a sealed secret, at most.
_MOST_KEYS = 10_000


@dataclass(frozen=True, slots=True)
class QueueState:
    """One queue: workers that have lately said how much room they have, their room, its bells."""

    workers: int
    room: int
    length: int


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What there is: times in milliseconds; `sealed` is some secret that the vault must open."""

    server_ms: int
    highest_ms: int
    late_ms: int
    queues: Mapping[Queue, QueueState]
    store_id: str
    sealed: str


def look_around(connection: Connection) -> Surroundings:
    """Look once.

    Raises:
        StoreUnavailable: Redis does not answer.
    """
    keys, now_ms = connection.keys, connection.server_ms()

    def ask(client: Any) -> list[Any]:
        pipeline = client.pipeline(transaction=False)
        pipeline.mget(keys.clock, keys.store_id)
        pipeline.hgetall(keys.rooms)
        for queue in Queue:
            pipeline.llen(queue_key(queue))
            pipeline.zrange(keys.overdue(queue), 0, 0, withscores=True)
        return list(pipeline.execute())

    (highest, store_id), rooms, *found = connection.read(ask)
    firsts = [pair[1] for looked in found[1::2] for pair in looked]
    return Surroundings(
        server_ms=now_ms,
        highest_ms=int(highest or 0),
        late_ms=max([0, *(now_ms - int(first) for first in firsts)]),
        queues=_queues(rooms, now_ms, dict(zip(Queue, found[::2], strict=True))),
        store_id=store_id or "",
        sealed=connection.read(lambda client: _find_sealed(client, keys.tenant(""))),
    )


def _queues(
    rooms: Mapping[str, str], now_ms: int, lengths: Mapping[Queue, int]
) -> dict[Queue, QueueState]:
    said: dict[str, list[int]] = {}
    for name, value in rooms.items():
        free, _, until = value.partition("|")
        if int(until) >= now_ms:
            said.setdefault(name.partition("|")[0], []).append(int(free))
    return {
        queue: QueueState(len(said.get(queue, [])), sum(said.get(queue, [])), lengths[queue])
        for queue in Queue
    }


def _find_sealed(client: Any, prefix: str) -> str:
    for number, key in enumerate(client.scan_iter(f"{prefix}*", count=500, _type="hash")):
        found = client.hget(key, "webhook_secret")
        if found:
            return str(found)
        if number >= _MOST_KEYS:
            break
    return ""
