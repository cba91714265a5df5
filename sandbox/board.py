"""The switches in force: for all, for the sessions of one account, for one session."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from sandbox.switches import GLOBAL, Switches, UnknownSwitch, change


class SwitchBoard:
    """Looks switches up: a session's own win over its account's, and these over the global ones.

    An account is named by its user id or its client id, a session by its id or, before it exists,
    by its number: `#1` is the first session of this sandbox.
    """

    def __init__(
        self, switches: Switches, on_change: Callable[[Switches], None] = lambda _: None
    ) -> None:
        self._lock = threading.Lock()
        self._first = self._all = switches
        self._on_change = on_change
        self._sessions: dict[str, dict[str, Any]] = {}
        self._accounts: dict[str, dict[str, Any]] = {}
        self._owners: dict[str, tuple[str, str]] = {}
        self._clients: dict[str, str] = {}
        on_change(switches)

    def of(self, session_id: str | None = None, *, user_id: str = "") -> Switches:
        """Returns the switches that hold for a session or an account, or the global ones."""
        with self._lock:
            number, owner = self._owners.get(session_id or "", ("", user_id))
            own: dict[str, Any] = {}
            for name in (self._clients.get(owner, ""), owner):
                own |= self._accounts.get(name, {})
            for name in (number, session_id or ""):
                own |= self._sessions.get(name, {})
            return change(self._all, own) if own else self._all

    def set(
        self, changes: Mapping[str, Any], session_id: str | None = None, *, account: str = ""
    ) -> Switches:
        """Changes switches; changes none when it raises UnknownSwitch."""
        with self._lock:
            if not session_id and not account:
                self._all = change(self._all, changes)
                self._on_change(self._all)
                return self._all
            if fixed := GLOBAL & set(changes):
                raise UnknownSwitch(f"{', '.join(sorted(fixed))} can only be set for all")
            rows, name = (self._sessions, session_id) if session_id else (self._accounts, account)
            own = {**rows.get(name or "", {}), **changes}
            changed = change(self._all, own)
            rows[name or ""] = own
            return changed

    def note_session(self, session_id: str, number: int, user_id: str) -> None:
        """Remembers whose a session is and which number it has."""
        with self._lock:
            self._owners[session_id] = (f"#{number}", user_id)

    def note_client(self, user_id: str, client_id: str) -> None:
        """Remembers which client an anonymous account belongs to."""
        with self._lock:
            self._clients[user_id] = client_id

    def number_of(self, session_id: str) -> str:
        """Returns a session's number as `#n`; empty for an unknown session."""
        with self._lock:
            return self._owners.get(session_id, ("", ""))[0]

    def client_of(self, user_id: str) -> str:
        """Returns the client id of an anonymous account; empty for others."""
        with self._lock:
            return self._clients.get(user_id, "")

    def reset(self) -> None:
        """Puts back the switches the sandbox was started with, and drops all single ones."""
        with self._lock:
            self._all = self._first
            self._sessions.clear()
            self._accounts.clear()
            self._on_change(self._all)

    def as_dict(self) -> dict[str, Any]:
        """Returns the global switches and the overrides of accounts and sessions."""
        with self._lock:
            return {
                "global": asdict(self._all),
                "accounts": {name: dict(own) for name, own in self._accounts.items()},
                "sessions": {name: dict(own) for name, own in self._sessions.items()},
            }
