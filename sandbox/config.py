"""What a sandbox process is started with, and its movable clock."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.switches import Switches

#: Byte limit of one uploaded file (SEED).
MAX_UPLOAD_BYTES = 500_000_000


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """Start-up choices; everything that changes behaviour at run time is in `switches`."""

    data: Path
    port: int = 0
    switches: Switches = field(default_factory=Switches)
    preset: str = "veryfast"
    seed: int = 1
    render_workers: int = 1
    fonts_dirs: tuple[Path, ...] = ()
    max_upload_bytes: int = MAX_UPLOAD_BYTES


class SandboxClock:
    """Wall time plus an offset that the admin route moves, so that seven days pass at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ahead_s = 0.0

    def now_s(self) -> float:
        """Returns the sandbox's time in epoch seconds."""
        with self._lock:
            return time.time() + self._ahead_s

    def now_ms(self) -> int:
        """Returns the sandbox's time in epoch milliseconds."""
        return int(self.now_s() * 1000)

    def advance(self, seconds: float) -> float:
        """Moves the clock forward and returns the new time in epoch seconds."""
        with self._lock:
            self._ahead_s += seconds
        return self.now_s()
