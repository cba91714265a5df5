"""What was done to a run and how it took it: kills, restarts, cuts, and the time to work again."""

from __future__ import annotations

import statistics
import threading
from collections import Counter
from dataclasses import dataclass, field

#: What a process that cannot start ends with: ours, and gunicorn's for a worker of its own.
_REFUSED = frozenset({2, 3})


@dataclass(frozen=True, slots=True)
class Resumed:
    """A row of a killed process that somebody works on again.

    `clean` is false where the store was away, or others were stopped or killed meanwhile.
    """

    row: str
    seconds: float
    clean: bool


@dataclass
class Journal:
    """Counts, safe from many threads."""

    counts: Counter[str] = field(default_factory=Counter)
    resumed: list[Resumed] = field(default_factory=list)
    deaths: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, what: str, by: int = 1) -> None:
        with self._lock:
            self.counts[what] += by

    def killed(self, name: str) -> None:
        self.count(f"kill {name}")

    def restarted(self, name: str, code: int | None, *, served: bool) -> None:
        """A process was started again; one that nobody killed has died by itself.

        One that ended before it served, as it does where the store is away, has not died.
        """
        if code in _REFUSED and not served:
            self.count(f"no start {name}")
            return
        self.count(f"restart {name}")
        with self._lock:
            if self.counts[f"restart {name}"] > self.counts[f"kill {name}"]:
                self.deaths.append(f"{name} ended by itself with {code}")

    def worked_on_again(self, resumed: Resumed) -> None:
        with self._lock:
            self.resumed.append(resumed)

    def total(self, kind: str) -> int:
        with self._lock:
            return sum(n for what, n in self.counts.items() if what.split()[0] == kind)

    def report(self, **more: object) -> str:
        """The figures of a run, one a line."""
        with self._lock:
            counts, resumed = dict(sorted(self.counts.items())), list(self.resumed)
        lines = [f"  {name}: {value}" for name, value in {**more, **counts}.items()]
        for clean, what in ((True, "undisturbed"), (False, "disturbed")):
            times = [each.seconds for each in resumed if each.clean is clean]
            if times:
                lines.append(
                    f"  kill to resumed work, {what}: {len(times)} rows, "
                    f"median {statistics.median(times):.2f} s, max {max(times):.2f} s"
                )
        return "\n".join(lines)
