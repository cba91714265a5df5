"""The running of commands on Redis, under the guard of the clock."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import redis
from redis.exceptions import (
    BusyLoadingError,
    ClusterDownError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
)

from service.clock import Clock
from service.errors import ClockRefused, StoreError, StoreUnavailable
from service.settings import Settings
from service.store.keys import Keys
from service.store.scripts import Refusal, Script, script_text

#: How often a call is made again whose time had become old on its way, and from what age on.
_TRIES_ON_TIME, _LATE_MS = 8, 100
#: How far a time may lie below the highest one seen, and above it, in milliseconds.
_Bounds = tuple[int, int]
#: Asks with a time, under bounds of its own or the usual ones.
_Ask = Callable[..., list[Any]]
#: How far off a time may be that is known to be right: as far as it likes.
_ANY_MS = 10**15
#: Answers of Redis that pass: full, a replica, without its disk, busy. Redis 6 wraps what a script
#: ran into.
_PASSING = re.compile(r"(?:ERR .*?-)?(OOM|READONLY|MISCONF|NOREPLICAS|BUSY)\b", re.DOTALL)


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

    With a `keeper` another Redis keeps the time, and this one follows it: it may be quiet for
    hours, or have come back as it was days ago.
    """

    def __init__(
        self,
        client: redis.Redis,
        settings: Settings,
        clock: Clock,
        keeper: Connection | None = None,
    ) -> None:
        self.client = client
        self.keys = Keys()
        self._settings = settings
        self._clock = clock
        self._keeper = keeper
        self._accepted_at_s: float | None = None
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

        def ask(at_ms: int, bounds_ms: _Bounds | None = None) -> list[Any]:
            return self._evaluate(script, self._arguments(at_ms, args, bounds_ms))

        reply = self._on_time(now_ms, ask)
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

        def ask(at_ms: int, bounds_ms: _Bounds | None = None) -> list[Any]:
            sets = [self._arguments(at_ms, args, bounds_ms) for args in calls]
            return self._evaluate_all(script, sets)

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
        ask: _Ask,
        first: Callable[[list[Any]], Any] = lambda reply: reply[0],
    ) -> list[Any]:
        """Ask with a time that is still right when it arrives, and again where it proves right.

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
        if first(reply) != Refusal.CLOCK or (bounds_ms := self._wider_ms(now_ms + late_ms)) is None:
            return reply
        return ask(now_ms + int((self._clock.monotonic_s() - began_s) * 1000), bounds_ms)

    def _arguments(
        self,
        now_ms: int,
        args: tuple[str | int, ...],
        bounds_ms: _Bounds | None = None,
    ) -> list[str | int]:
        return [self.keys.prefix, now_ms, *(bounds_ms or self._bounds_ms()), *args]

    def _bounds_ms(self) -> _Bounds:
        """How far a time may lie below the highest one seen, and above it."""
        ahead_s = self._settings.clock_ahead_s
        if self._accepted_at_s is not None:
            ahead_s += self._clock.monotonic_s() - self._accepted_at_s
        return int(self._settings.clock_back_s * 1000), int(ahead_s * 1000)

    def _wider_ms(self, now_ms: int) -> _Bounds | None:
        """Bounds to ask once more with, for a time that was refused and may be right; or none."""
        if self._keeper is not None:
            return (_ANY_MS, _ANY_MS) if self._keeper.keeps(now_ms) else None
        if self._accepted_at_s is not None:
            return None
        if self._no_peer_alive():
            return self._bounds_ms()[0], _ANY_MS
        # A peer that was there, or came meanwhile, keeps the time: ours may be the same.
        return self._bounds_ms()

    def keeps(self, now_ms: int) -> bool:
        """Whether a command with this time would be taken here."""
        if self._is_within(now_ms, self._bounds_ms()):
            return True
        bounds_ms = self._wider_ms(now_ms)
        return bounds_ms is not None and self._is_within(now_ms, bounds_ms)

    def _is_within(self, now_ms: int, bounds_ms: _Bounds) -> bool:
        high_ms = int(self.read(lambda client: client.get(self.keys.clock)) or "0")
        return not high_ms or high_ms - bounds_ms[0] <= now_ms <= high_ms + bounds_ms[1]

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
