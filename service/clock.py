"""The one source of time.

In production it is the process's monotonic clock plus an offset to Redis TIME, so a wall clock that
jumps on one machine changes nothing (design 5, invariant 3). Nothing else reads a clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """Time as the product sees it."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, by the store's clock."""

    def anchor_if_due(self) -> None:
        """Measure against the store again when the last measurement is old."""

    def monotonic_s(self) -> float:
        """Seconds of this process's own clock, for measuring pauses."""

    def sleep(self, seconds: float) -> None:
        """Wait; only for short pauses inside a call, never instead of a due row."""


class AnchoredClock:
    """Monotonic time plus an offset to Redis TIME, measured again every `anchor_every_s`."""

    def __init__(self, read_server_ms: Callable[[], int], anchor_every_s: float) -> None:
        self._read_server_ms = read_server_ms
        self._anchor_every_s = anchor_every_s
        self._offset_ms = 0.0
        self._anchored_at_s: float | None = None

    def anchor(self) -> None:
        """Measure the offset; the best of three round trips counts.

        Raises:
            StoreUnavailable: Redis does not answer; the old offset stays in use.
        """
        best: tuple[float, float] | None = None
        for _ in range(3):
            before = time.monotonic()
            server_ms = self._read_server_ms()
            after = time.monotonic()
            sample = (after - before, server_ms - (before + after) * 500.0)
            best = sample if best is None else min(best, sample)
        assert best is not None
        self._offset_ms = best[1]
        self._anchored_at_s = time.monotonic()

    def anchor_if_due(self) -> None:
        """Measure again when the last measurement is older than `anchor_every_s`."""
        if (
            self._anchored_at_s is None
            or time.monotonic() - self._anchored_at_s >= self._anchor_every_s
        ):
            self.anchor()

    def now_ms(self) -> int:
        if self._anchored_at_s is None:
            self.anchor()
        return int(time.monotonic() * 1000.0 + self._offset_ms)

    def monotonic_s(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class MachineClock:
    """This machine's own clock, for commands that work without a store."""

    def now_ms(self) -> int:
        return int(time.time() * 1000)

    def anchor_if_due(self) -> None:
        return

    def monotonic_s(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class FakeClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now_ms: int = 1_800_000_000_000) -> None:
        self._now_ms = now_ms

    def advance(self, seconds: float) -> None:
        self._now_ms += int(seconds * 1000)

    def anchor_if_due(self) -> None:
        """Nothing: it stands by itself."""

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic_s(self) -> float:
        return self._now_ms / 1000.0

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)
