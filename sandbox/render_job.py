"""What was ordered of a render, and what a poll may see of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.clock import SandboxClock


@dataclass(frozen=True, slots=True)
class Order:
    """A submitted render; `request_id` is the `X-Request-Id` it came with."""

    render_id: str
    draft: Mapping[str, Any]
    output: Mapping[str, Any]
    request_id: str = ""


@dataclass(slots=True)
class Render:
    """One render job; `state` is the work's, `status()` what a poll may see of it."""

    render_id: str
    session_id: str
    user_id: str
    created_ms: int
    resolution: str
    pending_s: float
    processing_s: float
    cdn_key: str
    spare_key: str
    clock: SandboxClock
    started: float
    lost_s: float = 0.0
    #: The `X-Request-Id` it was submitted with.
    request_id: str = ""
    state: str = "queued"
    error: str = ""
    done_share: float = 0.0
    completed_ms: int | None = None
    path: Path | None = None
    size: int = 0
    width: int = 0
    height: int = 0
    duration_s: float = 0.0
    ass: str = ""
    warnings: list[str] = field(default_factory=list)
    polls: int = 0
    #: Downloads of the result, by its address or the fallback.
    fetched: int = 0

    def waited_s(self) -> float:
        """Returns the seconds since it was submitted."""
        return self.clock.running_s() - self.started

    def is_lost(self) -> bool:
        """Tells whether the backend does not know it yet, as the switch has it."""
        return self.waited_s() < self.lost_s

    def status(self) -> str:
        """Returns pending, processing, completed, failed or cancelled, with the set delays."""
        waited = self.waited_s()
        if self.state == "cancelled":
            return "cancelled"
        if waited < self.pending_s or self.state == "queued":
            return "pending"
        if waited < self.pending_s + self.processing_s or self.state == "working":
            return "processing"
        return "failed" if self.state == "failed" else "completed"

    def progress(self) -> int:
        """Returns 0-100; 100 only when completed."""
        match self.status():
            case "completed":
                return 100
            case "processing":
                span = max(self.processing_s, 0.001)
                timed = (self.waited_s() - self.pending_s) / span
                share = min(timed, self.done_share if self.state == "working" else 1.0)
                return 5 + int(90 * max(0.0, min(1.0, share)))
            case _:
                return 5

    def as_row(self) -> dict[str, Any]:
        """Returns the render as the books list it."""
        keys = (
            "render_id",
            "request_id",
            "session_id",
            "user_id",
            "created_ms",
            "completed_ms",
            "resolution",
        )
        more = (
            "error",
            "size",
            "width",
            "height",
            "duration_s",
            "warnings",
            "polls",
            "state",
            "fetched",
        )
        return {**{key: getattr(self, key) for key in keys + more}, "status": self.status()}
