"""What is to happen later: done as soon as the clock has passed it and somebody looks."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable

from sandbox.clock import SandboxClock


class Agenda:
    """Acts in the order of their times. No thread of its own: every request does what is due."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._working = threading.RLock()
        self._number = itertools.count()
        self._acts: list[tuple[float, int, Callable[[], None]]] = []

    def add(self, due_s: float, act: Callable[[], None]) -> None:
        """Plans an act for a running time of the clock."""
        with self._lock:
            heapq.heappush(self._acts, (due_s, next(self._number), act))

    def do_due(self) -> None:
        """Does everything whose time has come, what that plans in its turn included."""
        with self._working:
            while (act := self._next()) is not None:
                act()

    def clear(self) -> None:
        """Forgets all plans."""
        with self._lock:
            self._acts.clear()

    def _next(self) -> Callable[[], None] | None:
        with self._lock:
            if not self._acts or self._acts[0][0] > self._clock.running_s():
                return None
            return heapq.heappop(self._acts)[2]
