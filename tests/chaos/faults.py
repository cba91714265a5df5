"""What is being done to a system at which time, and how long each of it lasts. Times are arguments.

A fault lasts until it is over and everybody whom it struck listens for work again: a killed process
until its successor does, a store that was away until all workers do.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Fault:
    """One of them; `deaf` are those who have not listened again since it was over."""

    what: str
    began_s: float
    over: bool = False
    deaf: set[str] = field(default_factory=set)
    ended_s: float = math.inf


class Faults:
    """All faults of a run, safe from many threads."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def begin(self, what: str, now_s: float, *, deaf: Iterable[str] = ()) -> Fault:
        """Something begins, which strikes some processes."""
        fault = Fault(what, now_s, deaf=set(deaf))
        with self._lock:
            self._faults.append(fault)
        return fault

    def end(self, fault: Fault, now_s: float) -> None:
        """It is no longer done; it lasts as long as somebody is deaf from it."""
        with self._lock:
            fault.over = True
            _settle(fault, now_s)

    def heard(self, who: str, now_s: float) -> None:
        """A process listens for work."""
        with self._lock:
            for fault in self._faults:
                if fault.over and who in fault.deaf:
                    fault.deaf.discard(who)
                    _settle(fault, now_s)

    def between(self, from_s: float, to_s: float, *, but: Fault | None = None) -> tuple[str, ...]:
        """What lasted at any moment between two times, save one; in the order of beginning."""
        with self._lock:
            return tuple(
                each.what
                for each in self._faults
                if each is not but and each.began_s <= to_s and each.ended_s >= from_s
            )

    @property
    def lasting(self) -> tuple[str, ...]:
        """What has not ended."""
        with self._lock:
            return tuple(each.what for each in self._faults if math.isinf(each.ended_s))


def _settle(fault: Fault, now_s: float) -> None:
    if fault.over and not fault.deaf:
        fault.ended_s = min(fault.ended_s, now_s)
