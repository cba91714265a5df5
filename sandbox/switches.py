"""Switches that change how the sandbox behaves. docs/sandbox.md lists them all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

CHOICES: dict[str, tuple[str, ...]] = {
    "clock": ("wall", "manual", "leap"),
    "sse_dialect": ("adk", "simple"),
    "sse_framing": ("chunked", "close"),
    "heartbeat_form": ("empty", "word", "json", "event", "comment", "none"),
    "error_midstream": ("none", "before_edit", "after_edit"),
    "error_form": ("error", "code", "typed"),
    "edit_applied": ("in_stream", "late", "never"),
    "apology": ("none", "instead", "after_edit"),
    "gui_phrases": ("none", "few", "many"),
    "stall": ("none", "heartbeats", "silence"),
    "stall_at": ("before_edit", "after_edit"),
    "two_stage": ("none", "bgm", "title", "both"),
    "two_stage_on": ("edit", "upload", "both"),
    "batch": ("own", "join"),
    "render_shape": ("s1", "s2", "envelope"),
    "render_fail": ("none", "once", "always"),
    "duplicate_id": ("none", "once", "always"),
    "status_words": ("plain", "upper", "synonym"),
    "progress_form": ("percent", "share", "none"),
    "fallback": ("bytes", "json", "redirect", "none"),
    "render": ("burn", "copy"),
    "charge": ("session", "message"),
    "run_on_disconnect": ("abort", "continue"),
    "early_refresh": ("429", "new"),
    "missing_scope": ("none", "read", "write", "upload", "render"),
    "gzip": ("no", "accepted", "always"),
    "code_form": ("number", "text"),
    "draft_form": ("object", "text"),
    "empty_draft": ("null", "object", "absent"),
}
#: What cannot differ between sessions or accounts.
GLOBAL = frozenset({"clock", "ip_token_cap"})


class UnknownSwitch(ValueError):
    """A switch name or value the sandbox does not have."""


@dataclass(frozen=True, slots=True)
class Switches:
    """All switches with their defaults (protocol 11); durations in seconds."""

    # time and money
    clock: str = "wall"
    charge: str = "session"
    #: Whether an edit that is never applied is charged all the same.
    charge_unapplied: bool = False

    # the event stream
    sse_dialect: str = "adk"
    sse_framing: str = "chunked"
    heartbeat_form: str = "empty"
    heartbeat_every_s: float = 1.0
    #: Cuts the connection after so many events; 0 never.
    drop_after_events: int = 0
    #: Cuts in the middle of the line of that last event.
    drop_in_line: bool = False
    #: Whether a run whose stream was dropped by us goes on to its end.
    run_continues: bool = False
    run_on_disconnect: str = "abort"
    stall: str = "none"
    stall_at: str = "before_edit"
    stall_s: float = 3600.0
    error_midstream: str = "none"
    error_form: str = "error"
    thought_parts: bool = False
    partial_events: bool = False
    inline_blob_kb: int = 0
    big_event_kb: int = 0

    # the agent
    edit_s: float = 1.0
    #: Share of edits that end with tool events only (SEED: about 30 %).
    silent_rate: float = 0.30
    edit_applied: str = "in_stream"
    #: How long after the end of its stream a late edit is applied.
    late_s: float = 45.0
    apology: str = "none"
    trailing_text: bool = False
    gui_phrases: str = "few"
    two_stage: str = "none"
    two_stage_on: str = "edit"
    two_stage_s: float = 20.0
    #: Share of sessions that get the second stage.
    two_stage_rate: float = 1.0
    #: Share of messages asking for captions only that are obeyed.
    obedience: float = 1.0
    batch: str = "own"

    # uploads and state
    #: Takes uploads in no faster than this; 0 has no limit.
    upload_kb_s: float = 0.0
    draft_form: str = "object"
    empty_draft: str = "null"

    # renders
    render: str = "burn"
    render_shape: str = "s2"
    status_words: str = "plain"
    progress_form: str = "percent"
    pending_s: float = 5.0
    processing_s: float = 20.0
    render_fail: str = "none"
    duplicate_id: str = "none"
    #: How long after its submission a render is unknown (404).
    render_lost_s: float = 0.0
    completed_without_url: bool = False
    #: The result's address answers 404: only the fallback download works.
    result_dead: bool = False
    fallback: str = "bytes"
    plan_blocks_export: bool = False

    # tokens and accounts
    token_life_s: float = 7 * 24 * 3600.0
    early_refresh: str = "429"
    #: Whether the same client id is the same user, with its sessions, after its token expired.
    client_keeps_user: bool = False
    #: Tokens per address in 7 days; 0 has no limit, since all local clients share one address.
    ip_token_cap: int = 0
    missing_scope: str = "none"
    #: Answers name no user_id, and tokens no expires_at.
    hide_user: bool = False

    # every answer
    #: Protocol errors as HTTP status (401, 404, 403, 415, 413) instead of 200 with a code.
    real_http_status: bool = False
    code_form: str = "number"
    gzip: str = "no"


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
