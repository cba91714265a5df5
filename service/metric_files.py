"""The folder in which processes that fork share their counts, kept no longer than they live.

A process that is killed cannot remove its folder, and memory of the machine would fill with them.
So each is locked by whoever uses it: the lock goes with the last of them, however it ends, and
whoever starts next removes what nobody holds.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108  memory of this machine, made for sharing
_NAME = "caption-ab-metrics-"
_LOCK = "lock"


@dataclass(frozen=True, slots=True)
class KeptFolder:
    """A folder and the descriptor that locks it, which children of a fork have too."""

    path: Path
    lock: int = -1

    def close(self) -> None:
        """Remove the folder and let go of it."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self.lock >= 0:
            os.close(self.lock)


def make_folder(parent: str) -> KeptFolder:
    """A new folder for mapped files, away from where videos are copied to; locked from the start.

    They are sparse: on a full disk the next count ends its process by SIGBUS.
    """
    hidden = Path(tempfile.mkdtemp(prefix=f".{_NAME}", dir=_place(parent)))
    lock = os.open(hidden / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    # It has its name only now: a sweep never meets it without its lock.
    return KeptFolder(hidden.rename(hidden.with_name(hidden.name[1:])), lock)


def sweep_folders(parent: str) -> int:
    """Remove the folders whose processes are gone; how many were removed."""
    swept = 0
    for folder in Path(_place(parent)).glob(f"{_NAME}*"):
        try:
            lock = os.open(folder / _LOCK, os.O_RDWR)
        except OSError:
            continue  # no folder of ours, or of another user
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            pass  # in use
        else:
            shutil.rmtree(folder, ignore_errors=True)
            swept += 1
        finally:
            os.close(lock)
    return swept


def _place(parent: str) -> str:
    return parent or (str(_MEMORY) if os.access(_MEMORY, os.W_OK) else tempfile.gettempdir())
