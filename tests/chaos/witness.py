"""Whether the machine let anybody work in time: a thread that does nothing but look at the clock.

What the judge measures is the system's fault only if a thread that wants next to no time got it.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left

_LOOK_EVERY_S = 0.05
#: A look that comes this late is as punctual as threads of one interpreter are.
_PUNCTUAL_S = 0.02


class Witness:
    """Notes how late it was, from `start` to `stop`."""

    def __init__(self) -> None:
        self._at_s: list[float] = []
        self._late_s: list[float] = [0.0]
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look, name="witness", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread.ident is not None:
            self._thread.join(10)

    def note(self, at_s: float, late_s: float) -> None:
        """A look came at a time, later than it should have."""
        with self._lock:
            self._at_s.append(at_s)
            self._late_s.append(self._late_s[-1] + max(0.0, late_s - _PUNCTUAL_S))

    def late_s(self, from_s: float, to_s: float) -> float:
        """Seconds by which all looks between two times of the monotonic clock were late."""
        with self._lock:
            first, last = bisect_left(self._at_s, from_s), bisect_left(self._at_s, to_s)
            # The look that was to come before the end may still be on its way.
            return self._late_s[min(last + 1, len(self._at_s))] - self._late_s[first]

    def _look(self) -> None:
        before_s = time.monotonic()
        while not self._stopped.wait(_LOOK_EVERY_S):
            now_s = time.monotonic()
            self.note(now_s, now_s - before_s - _LOOK_EVERY_S)
            before_s = now_s

    @property
    def looks(self) -> int:
        """How often it has looked."""
        with self._lock:
            return len(self._at_s)
