"""What one run puts on the wire: its events, stamped and in its dialect."""

from __future__ import annotations

import uuid
from typing import Any

from sandbox import stream
from sandbox.agent import Kind, Plan
from sandbox.clock import SandboxClock
from sandbox.switches import Switches
from sandbox.words import THOUGHT

_PIECES = 3


class Speech:
    """Makes the events of a run."""

    def __init__(
        self, plan: Plan, switches: Switches, clock: SandboxClock, invocation_id: str
    ) -> None:
        self._plan, self._switches, self._clock = plan, switches, clock
        self._invocation_id = invocation_id
        self._dialect = switches.sse_dialect

    def think(self) -> bytes:
        return stream.thought_event(THOUGHT, dialect=self._dialect, stamp=self._stamp())

    def call(self) -> bytes:
        """The call of the editing tool."""
        args = {
            "action": self._plan.kind.value,
            "cues": len(self._plan.cues),
            "style": self._plan.overrides,
        }
        return stream.call_event(self._tool(), args, dialect=self._dialect, stamp=self._stamp())

    def result(self, draft: dict[str, Any] | None, *, ok: bool) -> bytes:
        """The tool's result with the state change, padded to the size that is set."""
        result: dict[str, Any] = {"ok": ok}
        delta: dict[str, Any] = {"draft": draft} if draft is not None else {}
        if padding := self._switches.big_event_kb * 1024:
            result["log"] = "x" * padding
            delta["analysis"] = "x" * padding
        return stream.result_event(
            self._tool(), result, delta=delta, dialect=self._dialect, stamp=self._stamp()
        )

    def show(self) -> bytes:
        """A picture inside an event."""
        data = b"\x89PNG" * (self._switches.inline_blob_kb * 256)
        return stream.blob_event(data, dialect=self._dialect, stamp=self._stamp())

    def say(self, text: str) -> bytes:
        return stream.text_event(text, dialect=self._dialect, stamp=self._stamp())

    def pieces(self, text: str) -> list[str]:
        """Cuts a text into what its partial events say."""
        length = max(1, -(-len(text) // _PIECES))
        return [text[start : start + length] for start in range(0, len(text), length)]

    def say_piece(self, text: str) -> bytes:
        return stream.partial_event(text, dialect=self._dialect, stamp=self._stamp())

    def fail(self) -> bytes:
        """An error inside the stream."""
        form, now_s = self._switches.error_form, self._clock.now_s()
        return stream.error_event("RuntimeError", "the agent stopped", form=form, timestamp_s=now_s)

    def _tool(self) -> str:
        generates = self._plan.kind is Kind.GENERATE
        return "generate_video_with_seedance" if generates else "edit_multitrack"

    def _stamp(self) -> stream.Stamp:
        return stream.Stamp(self._invocation_id, str(uuid.uuid4()), self._clock.now_s())
