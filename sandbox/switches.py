"""Switches that change how the sandbox behaves, for all sessions or for one."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

CHOICES: dict[str, tuple[str, ...]] = {
    "sse_dialect": ("adk", "simple"),
    "heartbeat_form": ("empty", "word", "json", "event", "comment", "none"),
    "error_midstream": ("none", "before_edit", "after_edit"),
    "render_shape": ("s1", "s2", "envelope"),
    "render_fail": ("none", "once", "always"),
    "render": ("burn", "copy"),
    "charge": ("session", "message"),
    "run_on_disconnect": ("abort", "continue"),
}


class UnknownSwitch(ValueError):
    """A switch name or value the sandbox does not have."""


@dataclass(frozen=True, slots=True)
class Switches:
    """All switches with their defaults (protocol 11); durations in seconds."""

    sse_dialect: str = "adk"
    heartbeat_form: str = "empty"
    heartbeat_every_s: float = 1.0
    #: Share of edits that end with tool events only (SEED: about 30 %).
    silent_rate: float = 0.30
    edit_s: float = 1.0
    #: Cuts the connection after so many events; 0 never.
    drop_after_events: int = 0
    #: Whether a run whose stream was dropped by us goes on to its end.
    run_continues: bool = False
    trailing_text: bool = False
    error_midstream: str = "none"
    render_shape: str = "s2"
    pending_s: float = 5.0
    processing_s: float = 20.0
    render_fail: str = "none"
    completed_without_url: bool = False
    plan_blocks_export: bool = False
    #: Protocol errors as HTTP status (401, 404, 403, 415, 413) instead of 200 with a code.
    real_http_status: bool = False
    render: str = "burn"
    charge: str = "session"
    run_on_disconnect: str = "abort"
    #: Whether the same client id is the same user, with its sessions, after its token expired.
    client_keeps_user: bool = False
    #: Tokens per address in 7 days; 0 has no limit, since all local clients share one address.
    ip_token_cap: int = 0


def change(switches: Switches, changes: Mapping[str, Any]) -> Switches:
    """Returns switches with some changed. Raises UnknownSwitch for a bad name, type or word."""
    kinds = {field.name: type(field.default) for field in fields(Switches)}
    good: dict[str, Any] = {}
    for name, value in changes.items():
        if name not in kinds:
            raise UnknownSwitch(f"there is no switch {name}")
        good[name] = _typed(name, value, kinds[name])
    return replace(switches, **good)


def _typed(name: str, value: object, kind: type) -> object:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind is float and number:
        return float(str(value))
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise UnknownSwitch(f"{name} takes a {kind.__name__}, not {value!r}")
    if name in CHOICES and value not in CHOICES[name]:
        raise UnknownSwitch(f"{name} is one of {', '.join(CHOICES[name])}, not {value!r}")
    return value


class SwitchBoard:
    """Holds the switches in force, global ones and those of single sessions."""

    def __init__(self, switches: Switches) -> None:
        self._lock = threading.Lock()
        self._all = switches
        self._sessions: dict[str, dict[str, Any]] = {}

    def of(self, session_id: str | None = None) -> Switches:
        """Returns the switches that hold for a session, or the global ones."""
        with self._lock:
            own = self._sessions.get(session_id or "")
            return change(self._all, own) if own else self._all

    def set(self, changes: Mapping[str, Any], session_id: str | None = None) -> Switches:
        """Changes switches for all or one session; changes none when it raises UnknownSwitch."""
        with self._lock:
            if not session_id:
                self._all = change(self._all, changes)
                return self._all
            own = {**self._sessions.get(session_id, {}), **changes}
            changed = change(self._all, own)
            self._sessions[session_id] = own
            return changed

    def as_dict(self) -> dict[str, Any]:
        """Returns the global switches and the overrides of single sessions."""
        with self._lock:
            return {"global": asdict(self._all), "sessions": dict(self._sessions)}
