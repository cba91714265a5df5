"""Shapes what the agent does into event bytes, in both documented dialects. Pure."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

_HEARTBEATS: dict[str, bytes] = {
    "empty": b"data:\n\n",
    "word": b"data: heartbeat\n\n",
    "json": b'data: {"type":"heartbeat"}\n\n',
    "event": b"event: heartbeat\ndata:\n\n",
    "comment": b": heartbeat\n\n",
    "none": b"",
}


@dataclass(frozen=True, slots=True)
class Stamp:
    """What each ADK event carries beside its content."""

    invocation_id: str
    event_id: str
    timestamp_s: float


def encode_event(body: dict[str, Any]) -> bytes:
    """Frames one JSON event as `data: ` and one compact line of raw UTF-8 (ADK, measured)."""
    line = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return f"data: {line}\n\n".encode()


def heartbeat(form: str) -> bytes:
    """Returns the bytes of one heartbeat; empty for the form `none`."""
    return _HEARTBEATS[form]


def text_event(text: str, *, dialect: str, stamp: Stamp) -> bytes:
    """Shapes a text answer."""
    if dialect == "simple":
        return encode_event({"type": "text", "content": text})
    return encode_event(_adk([{"text": text}], stamp))


def partial_event(text: str, *, dialect: str, stamp: Stamp) -> bytes:
    """Shapes a piece of a text that follows whole later, and must not be added to it."""
    if dialect == "simple":
        return encode_event({"type": "chunk", "content": text})
    return encode_event({**_adk([{"text": text}], stamp), "partial": True})


def thought_event(text: str, *, dialect: str, stamp: Stamp) -> bytes:
    """Shapes what the model thinks, which is not for the user."""
    if dialect == "simple":
        return encode_event({"type": "thinking_delta", "content": text})
    return encode_event(_adk([{"text": text, "thought": True}], stamp))


def blob_event(data: bytes, *, dialect: str, stamp: Stamp) -> bytes:
    """Shapes a picture that travels inside an event."""
    blob = {"mimeType": "image/png", "data": base64.b64encode(data).decode("ascii")}
    if dialect == "simple":
        return encode_event({"type": "media", **blob})
    return encode_event(_adk([{"inlineData": blob}], stamp))


def call_event(name: str, args: dict[str, Any], *, dialect: str, stamp: Stamp) -> bytes:
    """Shapes the call of a tool."""
    if dialect == "simple":
        return encode_event({"type": "tool_call", "name": name, "args": args})
    call = {"id": f"call_{stamp.invocation_id[-8:]}", "args": args, "name": name}
    return encode_event(_adk([{"functionCall": call}], stamp))


def result_event(
    name: str, result: dict[str, Any], *, delta: dict[str, Any], dialect: str, stamp: Stamp
) -> bytes:
    """Shapes the result of a tool; ADK carries the state change as `actions.stateDelta`."""
    if dialect == "simple":
        return encode_event({"type": "tool_result", "name": name, "result": result})
    response = {"id": f"call_{stamp.invocation_id[-8:]}", "name": name, "response": result}
    return encode_event(_adk([{"functionResponse": response}], stamp, delta))


def error_event(kind: str, message: str, *, form: str, timestamp_s: float) -> bytes:
    """Shapes an error inside a 200 stream.

    `error`: an exception as ADK 2.13 writes it, spaced, ASCII-escaped JSON. `code`: a model error
    of ADK. `typed`: that of the simple dialect.
    """
    if form == "code":
        return encode_event({"errorCode": "RESOURCE_EXHAUSTED", "errorMessage": message})
    if form == "typed":
        return encode_event({"type": "error", "message": f"{kind}: {message}"})
    details = {"error_type": kind, "error_message": message, "timestamp": timestamp_s}
    line = json.dumps({"error": f"{kind}: {message}", "error_details": details})
    return f"data: {line}\n\n".encode()


def _adk(
    parts: list[dict[str, Any]], stamp: Stamp, delta: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "content": {"parts": parts, "role": "model"},
        "invocationId": stamp.invocation_id,
        "author": "nemo_agent",
        "actions": {
            "stateDelta": delta or {},
            "artifactDelta": {},
            "requestedAuthConfigs": {},
            "requestedToolConfirmations": {},
        },
        "id": stamp.event_id,
        "timestamp": stamp.timestamp_s,
    }
