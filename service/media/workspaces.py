"""Folders for work under way, gone with the work, or swept once whoever made them was killed.

Each is locked by its process: the lock goes however that ends, whatever pid it had.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_NAME = "caption-ab-work-"


@contextlib.contextmanager
def open_workspace() -> Iterator[Path]:
    """A new empty folder in the temporary folder, removed at the end of the block.

    Raises:
        OSError: there is no room for one.
    """
    hidden = Path(tempfile.mkdtemp(prefix=f".{_NAME}"))
    lock = os.open(hidden, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # It has its name only now: a sweep never meets it without its lock.
        folder = hidden.rename(hidden.with_name(hidden.name[1:]))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def sweep_workspaces() -> int:
    """Remove the folders whose processes are gone; how many were removed."""
    swept = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{_NAME}*"):
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue  # gone meanwhile, or of another user
        try:
            if os.fstat(lock).st_uid != os.getuid():
                continue
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue  # in use
        else:
            shutil.rmtree(folder, ignore_errors=True)
            swept += 1
        finally:
            os.close(lock)
    return swept
