"""What a stream said, small enough to keep: the final text, the tools, the counts, the evidence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from service.nemo.dialect import (
    Event,
    Fault,
    Heartbeat,
    StateDelta,
    Text,
    ToolCall,
    ToolResult,
    Unknown,
)
from service.nemo.refusals import redact

#: Of a paid call the store keeps at most this much text (design 6).
TEXT_BYTES = 4096
_HELD_CHARS = 65_536
_LISTED = 64
_NOISE = re.compile(
    r"(?<=\S)\s*I encountered a temporary issue\b.{0,400}\Z", re.IGNORECASE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Transcript:
    """The result of reading one stream.

    `closed_cleanly` is True when the transfer's own framing, or a complete final text, proves that
    nothing is missing; the state decides all the same whether an edit was made. `clipped` says that
    `text` was shortened to 4 kB. Durations are seconds.
    """

    text: str = ""
    clipped: bool = False
    tools: tuple[str, ...] = ()
    failed_tools: tuple[str, ...] = ()
    state_keys: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    events: int = 0
    heartbeats: int = 0
    unknown: int = 0
    bytes_read: int = 0
    closed_cleanly: bool = False
    duration_s: float = 0.0


class TranscriptBuilder:
    """Collects events in bounded memory; `secrets` are kept out of the result."""

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        self._secrets = secrets
        self.events = 0
        self.heartbeats = 0
        self.unknown = 0
        #: Whether the last thing said was a complete text.
        self.ends_in_text = False
        self._texts: list[Text] = []
        self._held_chars = 0
        self._overflowed = False
        self._tools: list[str] = []
        self._failed_tools: list[str] = []
        self._state_keys: dict[str, None] = {}
        self._errors: list[str] = []

    def add(self, event: Event) -> bool:
        """Take an event; say whether it is a real one, and no mere sign of life."""
        if isinstance(event, Heartbeat):
            self.heartbeats += 1
            return False
        if isinstance(event, Unknown):
            self.unknown += 1
            return event.json
        self.events += 1
        self.ends_in_text = isinstance(event, Text) and not (event.partial or event.thought)
        self._keep(event)
        return True

    def _keep(self, event: Text | ToolCall | ToolResult | StateDelta | Fault) -> None:
        match event:
            case Text():
                self._add_text(event)
            case ToolCall(name=name):
                _append(self._tools, name)
            case ToolResult(name=name, failed=True):
                _append(self._failed_tools, name)
            case ToolResult():
                pass
            case StateDelta(keys=keys):
                self._state_keys.update(dict.fromkeys(keys[:_LISTED]))
            case Fault(code=code, message=message):
                evidence = ": ".join(filter(None, (code, message)))
                _append(self._errors, redact(evidence, self._secrets))
            case _:
                assert_never(event)

    def build(
        self, *, bytes_read: int = 0, closed_cleanly: bool = False, duration_s: float = 0.0
    ) -> Transcript:
        text, clipped = _clip(redact(_drop_noise(_join(self._texts)), self._secrets))
        return Transcript(
            text=text,
            clipped=clipped or self._overflowed,
            tools=tuple(self._tools),
            failed_tools=tuple(self._failed_tools),
            state_keys=tuple(self._state_keys)[:_LISTED],
            errors=tuple(self._errors),
            events=self.events,
            heartbeats=self.heartbeats,
            unknown=self.unknown,
            bytes_read=bytes_read,
            closed_cleanly=closed_cleanly,
            duration_s=round(duration_s, 3),
        )

    def _add_text(self, event: Text) -> None:
        if event.partial or event.thought or not event.text:
            return
        kept = event.text[: _HELD_CHARS - self._held_chars]
        self._overflowed |= len(kept) < len(event.text)
        self._texts.append(replace(event, text=kept))
        self._held_chars += len(kept)


def _join(texts: list[Text]) -> str:
    words = ""
    for event in texts:
        words += event.text if event.joined or not words else f"\n{event.text}"
    return words.strip()


def _drop_noise(text: str) -> str:
    """V19: such an ending after normal text means nothing; alone, it is all there is."""
    return _NOISE.sub("", text)


def _clip(text: str) -> tuple[str, bool]:
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= TEXT_BYTES:
        return encoded.decode("utf-8"), False
    return encoded[:TEXT_BYTES].decode("utf-8", "ignore"), True


def _append(names: list[str], name: str) -> None:
    if len(names) < _LISTED:
        names.append(name[:500])
