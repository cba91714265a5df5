"""What an API key may do: its scopes, its mode, and limits of its own. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """A group of routes that a key opens; `scope_of` in `api/gate.py` says which."""

    JOBS_READ = "jobs:read"
    JOBS_WRITE = "jobs:write"
    WEBHOOKS = "webhooks"
    ADMIN = "admin"


#: What a key may do when nothing else was said, and what keys without the field could always do.
DEFAULT_SCOPES = frozenset({Scope.JOBS_READ, Scope.JOBS_WRITE, Scope.WEBHOOKS})


class Mode(StrEnum):
    """What stands in a key's text. It marks a key for people; both modes do the same."""

    LIVE = "live"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """Limits of one key; None takes the setting, 0 means no limit.

    `jobs_per_minute` are accepted jobs, `open_jobs` unfinished ones, `month_credits` credits of a
    calendar month (UTC), those of unfinished jobs as estimated.
    """

    jobs_per_minute: int | None = None
    open_jobs: int | None = None
    month_credits: int | None = None


#: A key that has no limits but those of the settings.
NO_OWN_LIMITS = KeyLimits()


def read_scopes(text: str) -> frozenset[Scope]:
    """Scopes from how the store keeps them; a word of a later release is passed over."""
    known = {each.value: each for each in Scope}
    return frozenset(known[word] for word in text.split() if word in known)


def write_scopes(scopes: Iterable[Scope]) -> str:
    """Scopes as the store keeps them: sorted, separated by blanks."""
    return " ".join(sorted(scopes))
