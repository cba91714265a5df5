"""What a process and all that it has started take of memory, descriptors and threads (Linux)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_MB = 1024.0


@dataclass(frozen=True, slots=True)
class Take:
    """Sums over a tree of processes; memory in MB.

    `own` is what it has written and shares with nobody: pages of a program's file, which depend on
    who else runs it, do not count. `shared` has its part of those.
    """

    processes: int = 0
    own: float = 0.0
    shared: float = 0.0
    resident: float = 0.0
    descriptors: int = 0
    threads: int = 0

    def plus(self, other: Take) -> Take:
        return Take(
            self.processes + other.processes,
            self.own + other.own,
            self.shared + other.shared,
            self.resident + other.resident,
            self.descriptors + other.descriptors,
            self.threads + other.threads,
        )


def measure_tree(pid: int) -> Take:
    """Look at a process and its descendants; one that ends meanwhile counts for nothing."""
    total = Take()
    for each in _tree(pid):
        with suppress(FileNotFoundError, ProcessLookupError):
            total = total.plus(_measure(each))
    return total


def _tree(pid: int) -> list[int]:
    found, left = [], [pid]
    while left:
        each = left.pop()
        found.append(each)
        for task in (_PROC / str(each) / "task").glob("*/children"):
            with suppress(FileNotFoundError, ProcessLookupError):
                left += [int(word) for word in task.read_text().split()]
    return found


def _measure(pid: int) -> Take:
    folder = _PROC / str(pid)
    memory: dict[str, int] = {}
    for line in (folder / "smaps_rollup").read_text().splitlines()[1:]:
        name, _, rest = line.partition(":")
        memory[name] = int(rest.split()[0])
    return Take(
        processes=1,
        own=memory["Private_Dirty"] / _MB,
        shared=memory["Pss"] / _MB,
        resident=memory["Rss"] / _MB,
        descriptors=len(list((folder / "fd").iterdir())),
        threads=len(list((folder / "task").iterdir())),
    )
