"""What was done to a run and how it took it: kills, restarts, cuts, and the time to work again."""

from __future__ import annotations

import statistics
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

#: What a process that cannot start ends with: ours, and gunicorn's for a worker of its own.
_REFUSED = frozenset({2, 3})


#: A machine on which the witness got less of a processor than this was too busy to judge by.
BUSY_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Resumed:
    """A row of a killed process that somebody works on again.

    `after` names the kill, `disturbed` what else was done between it and then; `share` is how much
    of a processor the witness got meanwhile.
    """

    row: str
    killed_s: float
    seconds: float
    after: str = ""
    disturbed: tuple[str, ...] = ()
    share: float = 1.0

    def kind(self, bound_s: float) -> str:
        """What it shows: `disturbed` nothing, `starved` a late one that the machine explains."""
        if self.disturbed:
            return "disturbed"
        return "starved" if self.seconds > bound_s and self.share < BUSY_SHARE else "undisturbed"


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
            self.counts["recovery"] += 1

    def total(self, kind: str) -> int:
        """How often something was done, to whomever: `kill` counts `kill api` too."""
        with self._lock:
            return sum(n for what, n in self.counts.items() if f"{what} ".startswith(f"{kind} "))

    def report(self, resumed: Sequence[Resumed], bound_s: float, **more: object) -> str:
        """The figures of a run, one a line."""
        with self._lock:
            counts = dict(sorted(self.counts.items()))
        lines = [f"  {name}: {value}" for name, value in {**more, **counts}.items()]
        for kind in ("undisturbed", "starved", "disturbed"):
            found = [each for each in resumed if each.kind(bound_s) == kind]
            if found:
                last = max(found, key=lambda each: each.seconds)
                lines.append(
                    f"  kill to resumed work, {kind}: {len(found)} rows, "
                    f"median {statistics.median(each.seconds for each in found):.2f} s, "
                    f"max {last.seconds:.2f} s ({last.row.partition(':')[0]} after {last.after}); "
                    f"the witness got {min(each.share for each in found):.0%} at least"
                )
        return "\n".join(lines)
