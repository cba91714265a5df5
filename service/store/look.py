"""One look at the state of the whole engine, for whoever examines it; changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from service.model.lifecycle import Queue
from service.store.connection import Connection
from service.store.keys import queue_key

#: Rounds of a look for sealed secrets, keys gone through in each, and secrets found, at most: Redis
#: is held up for less than a millisecond a round.
_MOST_ROUNDS, _KEYS_A_ROUND, _MOST_SEALED = 200, 500, 1000


@dataclass(frozen=True, slots=True)
class QueueState:
    """One queue: workers that have lately said how much room they have, their room, its bells."""

    workers: int
    room: int
    length: int


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What there is: times in milliseconds."""

    server_ms: int
    highest_ms: int
    late_ms: int
    queues: Mapping[Queue, QueueState]
    store_id: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """Secrets and tokens as they are stored; `whole` when no more are there."""

    texts: Sequence[str]
    whole: bool


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
        pipeline.zrange(keys.due, 0, 0, withscores=True)
        for queue in Queue:
            pipeline.llen(queue_key(queue))
            pipeline.zrange(keys.overdue(queue), 0, 0, withscores=True)
        return list(pipeline.execute())

    (highest, store_id), rooms, first_due, *found = connection.read(ask)
    # What is overdue a ticker writes down; where none runs, the due set itself tells.
    firsts = [pair[1] for looked in (first_due, *found[1::2]) for pair in looked]
    return Surroundings(
        server_ms=now_ms,
        highest_ms=int(highest or 0),
        late_ms=max([0, *(now_ms - int(first) for first in firsts)]),
        queues=_queues(rooms, now_ms, dict(zip(Queue, found[::2], strict=True))),
        store_id=store_id or "",
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


def find_sealed(
    connection: Connection,
    *,
    most_rounds: int = _MOST_ROUNDS,
    keys_a_round: int = _KEYS_A_ROUND,
) -> Sealed:
    """Webhook secrets of tenants and endpoints, tokens of accounts, in bounded many exchanges.

    Raises:
        StoreUnavailable: Redis does not answer.
    """
    keys, texts, cursor = connection.keys, list[str](), 0
    wanted = {
        keys.tenant(""): ("webhook_secret",),
        keys.endpoint(""): ("webhook_secret",),
        keys.account(""): ("token", "client_id"),
    }
    for _ in range(most_rounds):
        cursor, names = connection.read(partial(_scan, cursor=cursor, count=keys_a_round))
        for prefix, fields in wanted.items():
            own = [name for name in names if name.startswith(prefix)]
            texts += _read_fields(connection, own, fields)
        if cursor == 0 or len(texts) >= _MOST_SEALED:
            break
    return Sealed(tuple(texts), whole=cursor == 0)


def _scan(client: Any, *, cursor: int, count: int) -> tuple[int, list[str]]:
    at, names = client.scan(cursor, count=count, _type="hash")
    return int(at), list(names)


def _read_fields(
    connection: Connection, names: Sequence[str], fields: Sequence[str]
) -> Iterator[str]:
    def ask(client: Any) -> list[Any]:
        pipeline = client.pipeline(transaction=False)
        for name in names:
            pipeline.hmget(name, *fields)
        return list(pipeline.execute())

    found = connection.read(ask) if names else []
    return (text for texts in found for text in texts if text)
