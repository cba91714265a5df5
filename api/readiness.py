"""Whether a process can accept jobs: a look at Redis and at the store of files."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING

from service.errors import CaptionAbError, StartupError
from service.store.identity import UNKNOWN, check_known
from service.store.policy import COUNTING, Policy, check_policy

if TYPE_CHECKING:
    from service.jobs.context import Services
    from service.store.connection import Connection

#: How long an answer of `/readyz` is given again: it needs no key, and each costs an fsync.
FRESH_S = 2.0
#: How long it waits for a Redis that counts outcomes alone.
BESIDE_S = 1.0
#: What is said of a Redis that is not the one that has counted outcomes so far.
_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Readiness:
    """What a look found, and when (monotonic seconds)."""

    at_s: float
    ready: bool
    checks: dict[str, str]


class ReadinessProbe:
    """Looks at Redis and at the store of files, at most every two seconds."""

    def __init__(self, parts: Services) -> None:
        self._parts = parts
        self._last: Readiness | None = None
        self._counting = ""
        self._looking: Thread | None = None

    def look(self) -> Readiness:
        """What is true now, or was two seconds ago."""
        now_s = self._parts.clock.monotonic_s()
        if self._last is None or now_s - self._last.at_s >= FRESH_S:
            redis, redis_ok = self._look_at_redis(self._parts.connection, "Redis")
            files, files_ok = self._look_at_files()
            checks = {"redis": redis, "files": files, **self._look_at_counting()}
            self._last = Readiness(now_s, redis_ok and files_ok, checks)
        return self._last

    def _look_at_counting(self) -> dict[str, str]:
        """A Redis that counts outcomes alone; jobs are accepted whatever it says."""
        counting = self._parts.experiments.connection
        if counting is self._parts.connection:
            # Nothing is to be told of it, unless another one has counted so far.
            found = self._look_whether_known(counting)
            return {"experiments_redis": found} if found == _UNKNOWN else {}
        if self._looking is None or not self._looking.is_alive():
            self._looking = Thread(target=self._note_counting, args=(counting,), daemon=True)
            self._looking.start()
            self._looking.join(BESIDE_S)
        # One that hangs must not hold up an answer that does not depend on it.
        said = "slow" if self._looking.is_alive() else self._counting
        return {"experiments_redis": said}

    def _note_counting(self, counting: Connection) -> None:
        found = self._look_whether_known(counting)
        self._counting = found or self._look_at_redis(counting, COUNTING)[0]

    def _look_whether_known(self, counting: Connection) -> str:
        """Empty where outcomes are counted as before, else what is wrong."""
        try:
            check_known(counting, self._parts.connection)
        except CaptionAbError as error:
            return _UNKNOWN if error.detail == UNKNOWN else error.code
        return ""

    def _look_at_redis(self, connection: Connection, name: str) -> tuple[str, bool]:
        try:
            connection.server_ms()
            policy = check_policy(connection, self._parts.settings, name)
        except StartupError as error:
            return error.detail, False
        except CaptionAbError as error:
            return error.code, False
        return name_policy(policy), True

    def _look_at_files(self) -> tuple[str, bool]:
        # One name for all: concurrent looks replace each other's file, which is what put does.
        try:
            self._parts.files.put("health/api", [b"ok"], max_bytes=2)
        except CaptionAbError as error:
            return error.code, False
        return "writable", True


def name_policy(policy: Policy) -> str:
    """`durable` (on disk before 202), `fast` (within a second), or `stated` by the operator."""
    if not policy.checked:
        return "stated"
    return "durable" if policy.durable else "fast"
