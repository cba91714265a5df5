"""What a process checks of Redis before it takes work: that an accepted job is on a disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from service.errors import StartupError
from service.settings import Settings
from service.store.connection import Connection


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


def check_policy(connection: Connection, settings: Settings) -> Policy:
    """Compare Redis' persistence with what `CAPTION_AB_ACCEPT` promises.

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
            f"Redis may evict keys (maxmemory-policy {policy.maxmemory_policy}).",
            hint="Set maxmemory-policy noeviction.",
        )
    enough = policy.durable or (
        settings.accept == "fast" and policy.appendonly and policy.appendfsync == "everysec"
    )
    if not enough:
        raise StartupError(
            f"Redis acknowledges before it writes to disk (appendonly "
            f"{found['appendonly']}, appendfsync {policy.appendfsync}).",
            hint="Set appendonly yes and appendfsync always, or CAPTION_AB_ACCEPT=fast to accept "
            "appendfsync everysec and the loss of up to two seconds.",
        )
    return policy
