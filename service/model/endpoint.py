"""A webhook endpoint of a tenant, and the secrets that sign what goes to it. Frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class OffReason(StrEnum):
    """Why an endpoint is switched off."""

    MANUAL = "manual"
    GONE = "gone"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class OldSecret:
    """A sealed secret that signs beside the current one until a time."""

    sealed: str = field(repr=False)
    till_ms: int


@dataclass(frozen=True, slots=True)
class Secrets:
    """The sealed secrets of an endpoint, or of a tenant's jobs. `since_ms` 0: never rotated."""

    sealed: str = field(repr=False)
    since_ms: int = 0
    old: tuple[OldSecret, ...] = ()

    def in_use(self, now_ms: int) -> list[str]:
        """Those that sign now, the current one first."""
        return [self.sealed, *(each.sealed for each in self.old if each.till_ms > now_ms)]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where events of a tenant go. Times are 0 for what has not happened."""

    id: str
    tenant_id: str
    url: str
    events: tuple[str, ...]
    description: str
    enabled: bool
    concurrency: int
    created_ms: int
    updated_ms: int
    generation: int
    secrets: Secrets
    failing_since_ms: int = 0
    failed_last_ms: int = 0
    delivered_last_ms: int = 0
    last_error: str = ""
    disabled_reason: str = ""
    disabled_at_ms: int = 0
    disabled_since_ms: int = 0
