"""The connection to Redis, and the running of commands on it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import redis
from redis.backoff import NoBackoff
from redis.exceptions import (
    BusyLoadingError,
    ClusterDownError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
)
from redis.retry import Retry

from service.clock import Clock
from service.errors import ClockRefused, StoreError, StoreUnavailable
from service.settings import Settings
from service.store.keys import Keys
from service.store.scripts import Refusal, Script, script_text

#: How long a caller of the API waits for a free connection: it may ask again.
POOL_WAIT_S = 5.0
#: The same for a worker, which would lose what a paid stream has just said.
WORKER_POOL_WAIT_S = 40.0
#: How often a call is made again whose time had become old on its way, and from what age on.
_TRIES_ON_TIME, _LATE_MS = 8, 100
#: Answers of Redis that pass: full, a replica, without its disk, busy. Redis 6 wraps what a script
#: ran into.
_PASSING = re.compile(r"(?:ERR .*?-)?(OOM|READONLY|MISCONF|NOREPLICAS|BUSY)\b", re.DOTALL)


def connect(
    settings: Settings, *, connections: int, name: str, wait_s: float = POOL_WAIT_S, url: str = ""
) -> redis.Redis:
    """Open a client whose pool blocks up to `wait_s` when all connections are taken.

    `url` is where, if it is not the main Redis.
    """
    pool = redis.BlockingConnectionPool.from_url(
        url or settings.redis_url,
        max_connections=connections,
        timeout=wait_s,
        # A connection that has died unnoticed, as all do when Redis is restarted, costs no call:
        # every command may come twice.
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        socket_timeout=10,
        socket_connect_timeout=5,
        health_check_interval=15,
        client_name=name,
        decode_responses=True,
        protocol=2,
    )
    return redis.Redis(connection_pool=pool)


@contextmanager
def translated() -> Iterator[None]:
    """Turn redis-py's errors into ours.

    Raises:
        StoreUnavailable: away, loading, full or read-only.
        StoreError: anything else, which is a fault of ours.
    """
    try:
        yield
    except (
        redis.ConnectionError,
        redis.TimeoutError,
        BusyLoadingError,
        OutOfMemoryError,
        ReadOnlyError,
        ClusterDownError,  # and, below it, a replica without its master
    ) as error:
        raise StoreUnavailable(f"Redis: {type(error).__name__}.") from error
    except RedisError as error:
        if passing := _PASSING.match(str(error)):
            raise StoreUnavailable(f"Redis: {passing.group(1)}.") from error
        raise StoreError(f"Redis: {error}") from error


class Refused(Exception):
    """A command said no. Caught by the typed commands, which know what it means there."""

    def __init__(self, refusal: Refusal, reply: list[Any]) -> None:
        super().__init__(refusal.name)
        self.refusal = refusal
        self.reply = reply


class OverLimit(Exception):
    """A job may not cost so much; `committed` is what it has cost and set aside already."""

    def __init__(self, committed: int) -> None:
        super().__init__(f"{committed} credits are committed")
        self.committed = committed


class Connection:
    """Runs commands, each one exchange with Redis, under the guard of the clock.

    A call may lie above the highest time seen by `clock_ahead_s` plus what this process has itself
    seen pass since its last accepted call: an outage is no jump of the clock. A process that has
    had no call accepted yet first watches whether a living peer keeps the time (decision 0002).
    """

    def __init__(self, client: redis.Redis, settings: Settings, clock: Clock) -> None:
        self.client = client
        self.keys = Keys()
        self._settings = settings
        self._clock = clock
        self._accepted_at_s: float | None = None
        self._settled = False
        self._digests: dict[str, str] = {}
        #: How often Redis was found away, full or read-only.
        self.outages = 0

    def run(self, script: Script, now_ms: int, *args: str | int) -> list[str]:
        """Run one command and return its reply.

        Raises:
            Refused: the command said no.
            ClockRefused: `now_ms` is implausible.
            StoreUnavailable: Redis cannot take it.
        """
        reply = self._on_time(
            now_ms, lambda at_ms: self._evaluate(script, self._arguments(at_ms, args))
        )
        if reply[0] == Refusal.CLOCK:
            raise ClockRefused
        self._accepted_at_s = self._clock.monotonic_s()
        if isinstance(reply[0], int) and reply[0] < 0:
            raise Refused(Refusal(reply[0]), reply)
        return reply

    def run_all(
        self, script: Script, now_ms: int, calls: Sequence[tuple[str | int, ...]]
    ) -> list[list[str] | Refusal]:
        """Run one command for several sets of arguments in one exchange; each reply or refusal.

        Raises:
            ClockRefused: `now_ms` is implausible.
            StoreUnavailable: Redis cannot take them; some may have been done.
        """

        def ask(at_ms: int) -> list[Any]:
            return self._evaluate_all(script, [self._arguments(at_ms, args) for args in calls])

        replies = self._on_time(now_ms, ask, lambda replies: replies[0][0])
        if any(reply[0] == Refusal.CLOCK for reply in replies):
            raise ClockRefused
        self._accepted_at_s = self._clock.monotonic_s()
        return [
            Refusal(reply[0]) if isinstance(reply[0], int) and reply[0] < 0 else reply
            for reply in replies
        ]

    def _on_time(
        self,
        now_ms: int,
        ask: Callable[[int], list[Any]],
        first: Callable[[list[Any]], Any] = lambda reply: reply[0],
    ) -> list[Any]:
        """Ask with a time that is still right when it arrives, and again where nobody kept it.

        A call may wait for a connection, or for its process, longer than the guard of the clock
        allows a time to be old: then it is made again with the time that has come by then.
        """
        began_s = self._clock.monotonic_s()
        reply, late_ms = ask(now_ms), 0
        for _ in range(_TRIES_ON_TIME):
            waited_ms = int((self._clock.monotonic_s() - began_s) * 1000)
            if first(reply) != Refusal.CLOCK or waited_ms - late_ms < _LATE_MS:
                break
            late_ms = waited_ms
            reply = ask(now_ms + late_ms)
        if first(reply) != Refusal.CLOCK or self._accepted_at_s is not None:
            return reply
        if self._no_peer_alive():
            self._settled = True
        # A peer that was there, or came meanwhile, keeps the time: ours may be the same.
        return ask(now_ms + int((self._clock.monotonic_s() - began_s) * 1000))

    def _arguments(self, now_ms: int, args: tuple[str | int, ...]) -> list[str | int]:
        ahead_s = self._settings.clock_ahead_s
        if self._accepted_at_s is not None:
            ahead_s += self._clock.monotonic_s() - self._accepted_at_s
        elif self._settled:
            ahead_s = 1e9
        back_ms = int(self._settings.clock_back_s * 1000)
        return [self.keys.prefix, now_ms, back_ms, int(ahead_s * 1000), *args]

    def _evaluate(self, script: Script, args: list[str | int]) -> list[Any]:
        text, digest = self._script(script)
        with self._watched():
            try:
                return cast("list[Any]", self.client.evalsha(digest, 0, *args))
            except NoScriptError:
                return cast("list[Any]", self.client.eval(text, 0, *args))

    def _evaluate_all(self, script: Script, sets: list[list[str | int]]) -> list[list[Any]]:
        text, digest = self._script(script)

        def ask() -> list[Any]:
            pipeline = self.client.pipeline(transaction=False)
            for args in sets:
                pipeline.evalsha(digest, 0, *args)
            return pipeline.execute(raise_on_error=False)

        with self._watched():
            replies = ask()
            if any(isinstance(reply, NoScriptError) for reply in replies):
                self.client.script_load(text)
                replies = ask()
            for reply in replies:
                if isinstance(reply, Exception):
                    raise reply
        return replies

    def _script(self, script: Script) -> tuple[str, str]:
        text = script_text(script.name)
        digest = self._digests.get(script.name)
        if digest is None:
            digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
            self._digests[script.name] = digest
        return text, digest

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Translate errors, and count those that say that Redis was away."""
        try:
            with translated():
                yield
        except StoreUnavailable:
            self.outages += 1
            raise

    def _no_peer_alive(self) -> bool:
        """Whether the highest time seen stands still: nobody else is at work."""
        before = self.read(lambda client: client.get(self.keys.clock))
        self._clock.sleep(self._settings.clock_settle_s)
        return bool(before == self.read(lambda client: client.get(self.keys.clock)))

    def read(self, ask: Callable[[Any], Any]) -> Any:
        """Ask Redis something that changes nothing the engine relies on.

        Raises:
            StoreUnavailable: Redis does not answer.
        """
        with self._watched():
            return ask(self.client)

    def server_ms(self) -> int:
        """Redis TIME in milliseconds, for the clock's anchor."""
        seconds, micros = self.read(lambda client: client.time())
        return int(seconds) * 1000 + int(micros) // 1000
