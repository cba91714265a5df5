"""What a file of somebody else's may cost while it is decoded. Pure, but for setting them."""

from __future__ import annotations

import contextlib
import os
import resource
from dataclasses import dataclass

#: A video has a handful of tracks; a telephone's has seven.
MOST_STREAMS = 64
#: 8192x4320, the largest picture that cinemas and cameras make.
MOST_PIXELS = 8192 * 4320


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """Of one process that decodes: its own memory, one picture, what it writes, its time.

    `memory_bytes` counts what it may write to (RLIMIT_DATA): reserved addresses cost nothing, and
    a program with many threads reserves a lot.
    """

    memory_bytes: int = 800_000_000
    pixels: int = MOST_PIXELS
    output_bytes: int = 0
    deadline_s: float = 60.0

    @property
    def pair_memory_bytes(self) -> int:
        """Of an ffmpeg that reads two videos and writes a third: the most that one process has."""
        return 2 * self.memory_bytes

    @property
    def cpu_s(self) -> int:
        """CPU seconds on all cores: what ends a process whose parent is no more."""
        return int(self.deadline_s * (os.cpu_count() or 1)) + 1


def limit_process(limits: MediaLimits, pid: int = 0) -> None:
    """Bound a process of ours that was just started, or this one; once bounded, for ever.

    Where the system cannot bound another process (it can on Linux), its deadline remains.
    """
    bounds = {
        resource.RLIMIT_DATA: limits.memory_bytes,
        resource.RLIMIT_FSIZE: limits.output_bytes,
        resource.RLIMIT_CPU: limits.cpu_s,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in bounds.items():
        with contextlib.suppress(ProcessLookupError):  # it has ended already
            if not pid:
                resource.setrlimit(kind, _within(most, resource.getrlimit(kind)))
            elif hasattr(resource, "prlimit"):
                resource.prlimit(pid, kind, _within(most, resource.prlimit(pid, kind)))


def _within(most: int, now: tuple[int, int]) -> tuple[int, int]:
    """A hard limit can only be lowered."""
    hard = now[1]
    bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
    return bound, bound
