"""What the events of a stream say, whichever dialect the backend speaks.

Two are parsed side by side: Google ADK's (camelCase or snake_case) and the simple one of the
vendor's older documents (`{"type": "text", "content": ...}`). Which one the cloud speaks is only
known from a live call, so nothing here is ever an error: what is not understood is `Unknown`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from service.nemo.sse import SseEvent


class EventKind(StrEnum):
    TEXT = "text"
    TOOL_CALL = "tool_call"
    TOOL_RESULT = "tool_result"
    HEARTBEAT = "heartbeat"
    ERROR = "error"
    STATE_DELTA = "state_delta"
    UNKNOWN = "unknown"


class HeartbeatForm(StrEnum):
    """The five ways in which a backend may say that it is alive."""

    COMMENT = "comment"
    EMPTY_DATA = "empty_data"
    WORD = "word"
    TYPED = "typed"
    NAMED = "named"


@dataclass(frozen=True, slots=True)
class Text:
    """Words of the agent. Only those neither partial nor thought belong to the final text."""

    kind: ClassVar[EventKind] = EventKind.TEXT
    text: str
    partial: bool = False
    thought: bool = False
    #: Pieces of the simple dialect follow each other without a break.
    joined: bool = False


@dataclass(frozen=True, slots=True)
class ToolCall:
    kind: ClassVar[EventKind] = EventKind.TOOL_CALL
    name: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    kind: ClassVar[EventKind] = EventKind.TOOL_RESULT
    name: str
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Heartbeat:
    kind: ClassVar[EventKind] = EventKind.HEARTBEAT
    form: HeartbeatForm


@dataclass(frozen=True, slots=True)
class Fault:
    """An error inside the stream: evidence only, the edit may still have been applied."""

    kind: ClassVar[EventKind] = EventKind.ERROR
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class StateDelta:
    """Names of the state keys that a tool wrote."""

    kind: ClassVar[EventKind] = EventKind.STATE_DELTA
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """Ignored and counted. `json` tells a foreign object (substance) from noise (liveness)."""

    kind: ClassVar[EventKind] = EventKind.UNKNOWN
    json: bool


Event = Text | ToolCall | ToolResult | Heartbeat | Fault | StateDelta | Unknown

_BEATS = frozenset({"heartbeat", "ping", "keepalive", "keep-alive"})
_CALLS = frozenset({"tool_call", "tool_start", "toolcall_start"})
_RESULTS = frozenset({"tool_result", "tool_end", "toolcall_end"})
_PARTIALS = frozenset({"chunk", "text_delta"})


def classify_event(event: SseEvent) -> tuple[Event, ...]:
    """Say what one event means; one ADK event can mean several things."""
    if event.name.lower() in _BEATS:
        return (Heartbeat(HeartbeatForm.NAMED),)
    word = event.data.strip()
    if not word:
        return (Heartbeat(HeartbeatForm.EMPTY_DATA),)
    if word.strip('"').lower() in _BEATS:
        return (Heartbeat(HeartbeatForm.WORD),)
    try:
        payload = json.loads(word)
    except (ValueError, RecursionError):
        return (Unknown(json=False),)
    if not isinstance(payload, Mapping):
        return (Unknown(json=False),)
    return _classify_payload(payload)


def _classify_payload(payload: Mapping[str, Any]) -> tuple[Event, ...]:
    kind = payload.get("type")
    if isinstance(kind, str) and not isinstance(payload.get("content"), Mapping):
        return (_classify_simple(kind.lower(), payload),)
    found = [*_faults(payload), *_parts(payload), *_state_delta(payload)]
    return tuple(found) or (Unknown(json=True),)


def _classify_simple(kind: str, payload: Mapping[str, Any]) -> Event:
    if kind in _BEATS:
        return Heartbeat(HeartbeatForm.TYPED)
    if kind == "text" or kind in _PARTIALS:
        words = _text(payload.get("content")) or _text(payload.get("text"))
        thought = bool(payload.get("thought"))
        partial = kind in _PARTIALS or bool(payload.get("partial"))
        return Text(words, partial=partial, thought=thought, joined=True)
    if kind in _CALLS:
        return ToolCall(_text(payload.get("name")))
    if kind in _RESULTS:
        return ToolResult(_text(payload.get("name")), _has_failed(payload.get("result")))
    if kind == "error":
        return _fault(payload, payload.get("error") or payload.get("message") or "error")
    if kind == "state_delta":
        delta = payload.get("delta") or payload.get("content")
        return StateDelta(_keys(delta)) if _keys(delta) else Unknown(json=True)
    return Unknown(json=True)


def _faults(payload: Mapping[str, Any]) -> list[Event]:
    error = payload.get("error")
    code = _first(payload, "errorCode", "error_code")
    if error or code:
        return [_fault(payload, error)]
    number = payload.get("code")
    if "content" not in payload and str(number or "0").strip() not in {"0", "200"}:
        return [_fault(payload, None)]
    return []


def _fault(payload: Mapping[str, Any], error: Any) -> Fault:
    inner: Mapping[str, Any] = error if isinstance(error, Mapping) else {}
    details = _first(payload, "errorDetails", "error_details")
    kind = _first(details, "error_type", "errorType") if isinstance(details, Mapping) else None
    code = _first(payload, "errorCode", "error_code", "code") or inner.get("code") or kind
    message = (
        _text(error)
        or _text(inner.get("message"))
        or _text(_first(payload, "errorMessage", "error_message", "message"))
    )
    return Fault(_text(code) if isinstance(code, str) else str(code or ""), message)


def _parts(payload: Mapping[str, Any]) -> list[Event]:
    content = payload.get("content")
    if isinstance(content, str):
        content = {"parts": [{"text": content}]}
    parts = content.get("parts") if isinstance(content, Mapping) else None
    if not isinstance(parts, list):
        return []
    partial = payload.get("partial") is True
    said_by_us = payload.get("author") == "user"
    found = (_part(part, partial=partial) for part in parts if isinstance(part, Mapping))
    return [event for event in found if event and not (said_by_us and isinstance(event, Text))]


def _part(part: Mapping[str, Any], *, partial: bool) -> Event | None:
    call = _first(part, "functionCall", "function_call")
    if isinstance(call, Mapping):
        return ToolCall(_text(call.get("name")))
    answer = _first(part, "functionResponse", "function_response")
    if isinstance(answer, Mapping):
        return ToolResult(_text(answer.get("name")), _has_failed(answer.get("response")))
    words = part.get("text")
    if isinstance(words, str) and words:
        return Text(words, partial=partial, thought=part.get("thought") is True)
    return None


def _state_delta(payload: Mapping[str, Any]) -> list[Event]:
    actions = payload.get("actions")
    if not isinstance(actions, Mapping):
        return []
    keys = _keys(_first(actions, "stateDelta", "state_delta"))
    return [StateDelta(keys)] if keys else []


def _has_failed(result: Any) -> bool:
    if not isinstance(result, Mapping):
        return False
    status = str(result.get("status", "")).lower()
    return bool(result.get("error")) or result.get("ok") is False or status in {"error", "failed"}


def _keys(value: Any) -> tuple[str, ...]:
    return tuple(str(key) for key in value) if isinstance(value, Mapping) else ()


def _first(source: Mapping[str, Any], *names: str) -> Any:
    return next((source[name] for name in names if source.get(name) is not None), None)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
