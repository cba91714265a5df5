"""How many requests a key may send in a minute, counted by all API processes together.

Counting each request in Redis would put a write, and its fsync, before every answer. Each process
counts for itself and adds up with the others after every hundredth of the limit, so that the key of
a quiet caller costs nothing, and N processes let at most N hundredths more through (decision 0014).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from service.clock import Clock
from service.errors import StoreUnavailable
from service.settings import Settings
from service.store.connection import Connection

WINDOW_S = 60
_WINDOW_MS = WINDOW_S * 1000
#: Keys counted at once in one process; beyond, the one used longest ago starts anew.
COUNTED_KEYS = 10_000
#: How long Redis is left alone after it was found away.
REST_S = 5.0


@dataclass(frozen=True, slots=True)
class Turn:
    """What a request found: whether it may pass, how many more may, and when all may again."""

    allowed: bool
    limit: int
    remaining: int
    reset_s: int


@dataclass(slots=True)
class _Count:
    minute: int
    others: int = 0  # all that was added up, this process's part too
    own: int = 0  # not added up yet


class Throttle:
    """Counts requests by key, in minutes of the clock."""

    def __init__(
        self, connection: Connection, settings: Settings, clock: Clock, limit: int | None = None
    ) -> None:
        self._connection = connection
        self._limit = settings.key_requests_per_minute if limit is None else limit
        self._clock = clock
        self._counts: OrderedDict[str, _Count] = OrderedDict()
        self._ask_from_s = 0.0

    def take(self, key_id: str) -> Turn | None:
        """Count a request of a key; none where there is no limit. Never fails."""
        if not self._limit:
            return None
        now_ms = self._clock.now_ms()
        minute = now_ms // _WINDOW_MS
        count = self._counts.get(key_id)
        if count is None or count.minute != minute:
            count = self._counts[key_id] = _Count(minute)
            while len(self._counts) > COUNTED_KEYS:
                self._counts.popitem(last=False)
        self._counts.move_to_end(key_id)
        reset_s = -(-((minute + 1) * _WINDOW_MS - now_ms) // 1000)
        if count.others + count.own >= self._limit:
            return Turn(False, self._limit, 0, reset_s)
        count.own += 1
        if count.own >= max(1, self._limit // 100):
            self._add_up(key_id, count)
        used = count.others + count.own
        return Turn(used <= self._limit, self._limit, max(0, self._limit - used), reset_s)

    def _add_up(self, key_id: str, count: _Count) -> None:
        """Exchange counts with the other processes; without Redis this one goes on alone."""
        if self._clock.monotonic_s() < self._ask_from_s:
            return
        name = self._connection.keys.requests(key_id, count.minute)
        mine, count.own = count.own, 0

        def ask(client: Any) -> int:
            pipeline = client.pipeline(transaction=False)
            pipeline.incrby(name, mine)
            pipeline.expire(name, 2 * WINDOW_S)
            return int(pipeline.execute()[0])

        try:
            count.others = max(count.others, self._connection.read(ask))
        except StoreUnavailable:
            count.own += mine
            self._ask_from_s = self._clock.monotonic_s() + REST_S
