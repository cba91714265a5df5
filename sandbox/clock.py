"""The sandbox's time: the wall's, or one that only the admin route moves."""

from __future__ import annotations

import math
import threading
import time

#: How often a wait looks at a clock that others move.
LOOK_EVERY_S = 0.01
#: A clock that is moved stands on multiples of this (about a microsecond), whose sums are exact in
#: binary: otherwise a rounding could leave it short of a moment that somebody waits for.
_TICK_S = 2.0**-20


class SandboxClock:
    """Two readings: a date for tokens and books, and a running time for everything that waits.

    `wall`: the date is the wall's plus what was advanced; waits take real time. `manual`: both
    stand still until they are advanced. `leap`: like `manual`, but an open stream or a delayed
    answer advances it to its next moment at once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._mode = "wall"
        self._frozen = (0.0, 0.0)
        self._ahead_s = 0.0
        self._moved_s = 0.0

    @property
    def mode(self) -> str:
        """`wall`, `manual` or `leap`."""
        return self._mode

    def set_mode(self, mode: str) -> None:
        """Changes the mode; coming back to `wall` catches up with the time that has passed."""
        with self._lock:
            if self._mode == "wall" and mode != "wall":
                self._frozen = (time.time(), _whole(time.monotonic()))
            self._mode = mode

    def now_s(self) -> float:
        """Returns the sandbox's date in epoch seconds."""
        with self._lock:
            return self._date_s()

    def now_ms(self) -> int:
        """Returns the sandbox's date in epoch milliseconds."""
        return int(self.now_s() * 1000)

    def running_s(self) -> float:
        """Returns the seconds that waits are measured in; never goes back."""
        with self._lock:
            base = time.monotonic() if self._mode == "wall" else self._frozen[1]
            return base + self._moved_s

    def advance(self, seconds: float) -> float:
        """Moves the date, and the running time unless it is the wall's; returns epoch seconds."""
        with self._lock:
            self._ahead_s += seconds
            if self._mode != "wall":
                self._moved_s += _whole(max(0.0, seconds))
            return self._date_s()

    def set_now(self, epoch_s: float) -> float:
        """Sets the date, as a test's own clock has it; the running time follows forwards."""
        return self.advance(epoch_s - self.now_s())

    def pass_time(self, until_s: float) -> None:
        """Advances a leaping clock to a running time."""
        if self._mode == "leap":
            self.advance(max(0.0, until_s - self.running_s()))

    def sleep(self, seconds: float, stopping: threading.Event) -> None:
        """Waits so long on this clock, or until `stopping` is set."""
        until_s = self.running_s() + seconds
        self.pass_time(until_s)
        while (left_s := until_s - self.running_s()) > 0:
            if stopping.wait(left_s if self._mode == "wall" else LOOK_EVERY_S):
                return

    def _date_s(self) -> float:
        return (time.time() if self._mode == "wall" else self._frozen[0]) + self._ahead_s


def _whole(seconds: float) -> float:
    """The seconds in whole ticks, never fewer."""
    return math.ceil(seconds / _TICK_S) * _TICK_S
