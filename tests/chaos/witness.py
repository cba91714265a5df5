"""Whether the machine let anybody work: a thread that does a little, and looks how long that took.

What the judge measures is the system's fault only if work that asks for a processor gets one. Being
woken late does not show it: a crowded machine wakes at once who mostly sleeps, and lets those wait
who work, as a process that starts does.
"""

from __future__ import annotations

import hashlib
import threading
import time
from bisect import bisect_left

_LOOK_EVERY_S = 0.25
#: Some 10 ms of work, in which this interpreter's other threads run.
_WORK = bytes(4 * 2**20)


class Witness:
    """Works now and then, from `start` to `stop`."""

    def __init__(self) -> None:
        self._at_s: list[float] = []
        #: Seconds of work until then, and seconds that it took, summed up.
        self._sums: list[tuple[float, float]] = [(0.0, 0.0)]
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look, name="witness", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread.ident is not None:
            self._thread.join(10)

    def note(self, at_s: float, worked_s: float, took_s: float) -> None:
        """Work has ended at a time of the monotonic clock; it took at least what was worked."""
        with self._lock:
            self._at_s.append(at_s)
            worked, took = self._sums[-1]
            self._sums.append((worked + worked_s, took + max(took_s, worked_s)))

    def share(self, from_s: float, to_s: float) -> float:
        """Which part of a processor it got between two times; 1 where it has not looked."""
        with self._lock:
            first, last = bisect_left(self._at_s, from_s), bisect_left(self._at_s, to_s)
            # What was under way at the end counts.
            worked, took = self._sums[min(last + 1, len(self._at_s))]
            worked_before, took_before = self._sums[first]
        return (worked - worked_before) / (took - took_before) if took > took_before else 1.0

    def _look(self) -> None:
        while not self._stopped.wait(_LOOK_EVERY_S):
            began_s, worked_s = time.monotonic(), time.thread_time()
            hashlib.sha256(_WORK).digest()
            now_s = time.monotonic()
            self.note(now_s, time.thread_time() - worked_s, now_s - began_s)

    @property
    def looks(self) -> int:
        """How often it has worked."""
        with self._lock:
            return len(self._at_s)
