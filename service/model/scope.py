"""What an API key may do: its scopes and its mode. Pure."""

from __future__ import annotations

from collections.abc import Iterable
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


def read_scopes(text: str) -> frozenset[Scope]:
    """Scopes from how the store keeps them; a word of a later release is passed over."""
    known = {each.value: each for each in Scope}
    return frozenset(known[word] for word in text.split() if word in known)


def write_scopes(scopes: Iterable[Scope]) -> str:
    """Scopes as the store keeps them: sorted, separated by blanks."""
    return " ".join(sorted(scopes))
