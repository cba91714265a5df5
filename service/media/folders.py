"""Blocking disk calls behind `LocalFiles`, each small enough to be offloaded as one."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
from pathlib import Path
from typing import BinaryIO


def create_temp(target: Path) -> tuple[Path, BinaryIO]:
    """Open a new file beside `target`, on the same disk, under a name that no key can have."""
    make_durable_folder(target.parent)
    temp = target.with_name(f".{secrets.token_hex(8)}.part")
    return temp, temp.open("xb")


def publish(handle: BinaryIO, temp: Path, target: Path) -> None:
    """Put a written file in its place: on disk first, then visible, then the name on disk."""
    handle.flush()
    os.fsync(handle.fileno())
    handle.close()
    temp.replace(target)
    sync_folder(target.parent)


def flush(handle: BinaryIO) -> None:
    """Put what was written so far on the disk."""
    handle.flush()
    os.fdatasync(handle.fileno())


def discard(handle: BinaryIO, temp: Path) -> None:
    """Remove what was written; never raises, since it runs while another error is under way."""
    with contextlib.suppress(OSError):
        handle.close()
    with contextlib.suppress(OSError):
        temp.unlink(missing_ok=True)


def open_at(path: Path, start: int) -> BinaryIO:
    """Open for reading from an offset; unbuffered, since pieces are large."""
    handle = path.open("rb", buffering=0)
    try:
        handle.seek(start)
    except BaseException:
        handle.close()
        raise
    return handle


def size_of(path: Path) -> int:
    """Size in bytes of a file; a folder counts as missing."""
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError
    return status.st_size


def list_files(folder: Path) -> list[tuple[Path, int]]:
    """Every file below a folder, with the time of its last write in milliseconds."""
    found = []
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            with contextlib.suppress(FileNotFoundError):
                found.append((path, path.stat().st_mtime_ns // 1_000_000))
    return found


def is_part(path: Path) -> bool:
    """Whether a file is one that `create_temp` opens."""
    return path.name.startswith(".") and path.suffix == ".part"


def remove_tree(folder: Path) -> None:
    """Remove a folder and all below it; nothing happens when it is not there."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)


def read_or_make(path: Path) -> str:
    """The text of a small file that is made once with a random text; all readers see the same."""
    with contextlib.suppress(FileNotFoundError):
        return path.read_text("ascii").strip()
    temp, handle = create_temp(path)
    try:
        handle.write(secrets.token_hex(16).encode("ascii") + b"\n")
        handle.flush()
        os.fsync(handle.fileno())
        # A link fails when the name is taken, where a rename would overwrite another's id.
        with contextlib.suppress(FileExistsError):
            os.link(temp, path)
            sync_folder(path.parent)
    finally:
        discard(handle, temp)
    return path.read_text("ascii").strip()


def make_durable_folder(folder: Path) -> None:
    """Make a folder with its parents, every new name on disk before use."""
    if folder.is_dir():
        return
    make_durable_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
