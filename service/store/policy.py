"""What a process checks of Redis before it takes work: it answers, and keeps jobs on a disk."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from service.clock import Clock
from service.errors import StartupError, StoreUnavailable
from service.settings import Settings
from service.store.connection import Connection
from service.store.identity import check_known, require_known

_log = logging.getLogger(__name__)

#: What a Redis that counts outcomes alone is called where something is wrong with it.
COUNTING = "The Redis of CAPTION_AB_EXPERIMENTS_REDIS_URL"
#: Between two looks for a Redis that does not answer.
_LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Policy:
    """How Redis keeps what it acknowledges. `checked` is false where the operator stated it."""

    appendonly: bool
    appendfsync: str
    maxmemory_policy: str
    checked: bool

    @property
    def durable(self) -> bool:
        return self.appendonly and self.appendfsync == "always"


def wait_for_store(connection: Connection, clock: Clock, settings: Settings) -> None:
    """Wait until Redis answers, for a process that starts together with it or during an outage.

    Raises:
        StoreUnavailable: it did not within `store_wait_s`.
    """
    until_s = clock.monotonic_s() + settings.store_wait_s
    waits = False
    while True:
        try:
            connection.server_ms()
        except StoreUnavailable as error:
            if clock.monotonic_s() >= until_s:
                raise
            if not waits:
                fields = {"why": error.detail, "wait_s": settings.store_wait_s}
                _log.warning("store_awaited", extra=fields)
            waits = True
            clock.sleep(_LOOK_EVERY_S)
        else:
            return


def check_counting(counting: Connection, main: Connection, settings: Settings) -> None:
    """The same for a Redis that counts outcomes alone; jobs go on while it is away.

    Raises:
        StartupError: what was counted could be lost.
    """
    try:
        if counting is main:
            check_known(counting, main)
            return
        check_policy(counting, settings, COUNTING)
        require_known(counting, main)
    except StoreUnavailable as error:
        _log.warning("experiments_store_away", extra={"why": error.detail})


def check_policy(connection: Connection, settings: Settings, name: str = "Redis") -> Policy:
    """Compare Redis' persistence with what `CAPTION_AB_ACCEPT` promises; `name` is what to call it.

    Raises:
        StartupError: an accepted job could be lost, or keys could be evicted.
    """
    if settings.redis_policy == "stated":
        return Policy(True, "always", "noeviction", checked=False)

    def ask(client: Any) -> dict[str, str]:
        return {
            name: client.config_get(name)[name]
            for name in ("appendonly", "appendfsync", "maxmemory-policy")
        }

    found = connection.read(ask)
    policy = Policy(
        found["appendonly"] == "yes", found["appendfsync"], found["maxmemory-policy"], checked=True
    )
    if policy.maxmemory_policy != "noeviction":
        raise StartupError(
            f"{name} may evict keys (maxmemory-policy {policy.maxmemory_policy}).",
            hint="Set maxmemory-policy noeviction.",
        )
    enough = policy.durable or (
        settings.accept == "fast" and policy.appendonly and policy.appendfsync == "everysec"
    )
    if not enough:
        raise StartupError(
            f"{name} acknowledges before it writes to disk (appendonly "
            f"{found['appendonly']}, appendfsync {policy.appendfsync}).",
            hint="Set appendonly yes and appendfsync always, or CAPTION_AB_ACCEPT=fast to accept "
            "appendfsync everysec and the loss of up to two seconds.",
        )
    return policy
