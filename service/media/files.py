"""Where job files are kept: a port and its local folder; `buckets` is the other way to keep them.

Every blocking call runs through `offload`, in pieces of at most 256 KiB, because under gevent one
slow disk call would stall every stream of the process (design 7).
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

from service.errors import FileMissing, FileTooLarge, MediaError
from service.media import folders

PIECE_BYTES = 256 * 1024
STORE_ID = "store-id"
SCHEME_S3 = "s3://"
_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_MOST_SEGMENTS = 8
T = TypeVar("T")
#: What is written goes to disk in steps of this size: one large flush at the end would hold up the
#: fsync of a Redis on the same disk, and with it every accept (measured: p99 four times as long).
_FLUSH_BYTES = 4 * 1024 * 1024


class FilesUnavailable(MediaError):
    """The store of files is full or away."""

    code = "files_unavailable"
    retryable = True
    hint = "Free space on the disk of CAPTION_AB_FILES or look at its bucket, or try again later."


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that is on disk: its size in bytes and its SHA-256 in hex."""

    key: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Found:
    """A file of a listing; `modified_ms` is when it was written, by the store's own clock."""

    key: str
    modified_ms: int


class Offload(Protocol):
    """Runs a blocking call and gives back its result, elsewhere if need be."""

    def __call__(self, work: Callable[[], T], /) -> T: ...


class Pieces(Protocol):
    """Bytes of a file in pieces of at most 256 KiB; `close` lets go of it early."""

    def __iter__(self) -> Iterator[bytes]: ...

    def __next__(self) -> bytes: ...

    def close(self) -> None: ...


class Files(Protocol):
    """The store of job files. Keys look like `jobs/<job>/A-1-1.mp4`.

    Every method raises ValueError for a malformed key (a bug of ours, never a caller's doing) and
    FilesUnavailable when the store is full or away.
    """

    def put(self, key: str, chunks: Iterable[bytes], *, max_bytes: int) -> Stored:
        """Store a stream, replacing what was there; all of it is on disk on return, or nothing.

        Raises:
            FileTooLarge: more than `max_bytes` came; nothing is kept.
        """
        ...

    def open_range(self, key: str, start: int = 0, end: int | None = None) -> Pieces:
        """Bytes from `start` up to, not including, `end`. Raises FileMissing at once."""
        ...

    def size(self, key: str) -> int:
        """Size in bytes. Raises FileMissing."""
        ...

    def local_copy(self, key: str) -> contextlib.AbstractContextManager[Path]:
        """A path to read the file from inside the block, never to write. Raises FileMissing."""
        ...

    def delete(self, key: str) -> None:
        """Remove one file; nothing happens when it is not there."""

    def delete_prefix(self, prefix: str) -> None:
        """Remove everything below the folder `prefix`, such as `jobs/<job>`."""

    def find_all(self, folder: str) -> Iterator[Found]:
        """Every whole file below a folder of the first level, such as `jobs`, in any order."""
        ...

    def drop_unfinished(self, before_ms: int) -> int:
        """Remove what a `put` left that broke off before a time; how many."""
        ...

    def store_id(self) -> str:
        """The identity of this store, made once; peers with another one must not run."""
        ...

    def link(self, key: str, *, media_type: str, disposition: str) -> str:
        """An address that reads the file without us for a while; empty where there is none."""
        ...


def split_key(key: str) -> list[str]:
    """The segments of a well-formed key; one word alone is the store's own, such as its id."""
    segments = key.split("/")
    well_formed = all(_SEGMENT.fullmatch(each) for each in segments) and ".." not in key
    if not well_formed or not 2 <= len(segments) <= _MOST_SEGMENTS:
        raise ValueError(f"not a file key: {key!r}")
    return segments


def check_size(size: int, max_bytes: int) -> None:
    """Refuse what has grown above the limit while it comes.

    Raises:
        FileTooLarge: it has.
    """
    if size > max_bytes:
        raise FileTooLarge(f"The file is larger than {max_bytes} bytes.")


def run_directly(work: Callable[[], T], /) -> T:
    """The offload of processes whose threads may block."""
    return work()


def read_pieces(path: Path, *, offload: Offload = run_directly) -> Pieces:
    """A file that is not in the store yet, such as a picture just made, as chunks for `put`."""
    return _FilePieces(offload(lambda: folders.open_at(path, 0)), None, offload)


class LocalFiles:
    """Job files in one folder of this machine or of a shared mount."""

    def __init__(self, folder: str | Path, offload: Offload = run_directly) -> None:
        self._folder = Path(folder)
        self._offload = offload

    def put(self, key: str, chunks: Iterable[bytes], *, max_bytes: int) -> Stored:
        target = self._path(key)
        temp, handle = self._disk(key, lambda: folders.create_temp(target), gone=FilesUnavailable)
        try:
            stored = self._write(handle, key, chunks, max_bytes)
            publish = functools.partial(folders.publish, handle, temp, target)
            self._disk(key, publish, gone=FilesUnavailable)
        except BaseException:
            self._offload(lambda: folders.discard(handle, temp))
            raise
        return stored

    def open_range(self, key: str, start: int = 0, end: int | None = None) -> Pieces:
        path = self._path(key)
        handle = self._disk(key, lambda: folders.open_at(path, start))
        return _FilePieces(handle, None if end is None else max(0, end - start), self._offload)

    def size(self, key: str) -> int:
        path = self._path(key)
        return self._disk(key, lambda: folders.size_of(path))

    @contextlib.contextmanager
    def local_copy(self, key: str) -> Iterator[Path]:
        self.size(key)
        yield self._path(key)

    def delete(self, key: str) -> None:
        path = self._path(key)
        self._disk(key, lambda: path.unlink(missing_ok=True))

    def delete_prefix(self, prefix: str) -> None:
        folder = self._path(prefix.removesuffix("/"))
        self._disk(prefix, lambda: folders.remove_tree(folder))

    def find_all(self, folder: str) -> Iterator[Found]:
        top = self._folder / folder
        found = self._disk(folder, lambda: folders.list_files(top))
        for path, modified_ms in found:
            if not path.name.startswith("."):
                yield Found(path.relative_to(self._folder).as_posix(), modified_ms)

    def drop_unfinished(self, before_ms: int) -> int:
        def drop() -> int:
            parts = [
                path
                for path, modified_ms in folders.list_files(self._folder)
                if folders.is_part(path) and modified_ms < before_ms
            ]
            for path in parts:
                path.unlink(missing_ok=True)
            return len(parts)

        return self._disk("unfinished", drop)

    def store_id(self) -> str:
        path = self._folder / STORE_ID
        return self._disk(STORE_ID, lambda: folders.read_or_make(path))

    def link(self, key: str, *, media_type: str, disposition: str) -> str:
        del key, media_type, disposition
        return ""

    def _write(self, handle: BinaryIO, key: str, chunks: Iterable[bytes], max_bytes: int) -> Stored:
        digest = hashlib.sha256()
        size = 0

        def write(piece: bytes) -> None:
            digest.update(piece)
            handle.write(piece)
            if size // _FLUSH_BYTES != (size - len(piece)) // _FLUSH_BYTES:
                folders.flush(handle)

        for piece in regroup(chunks):
            size += len(piece)
            check_size(size, max_bytes)
            self._disk(key, functools.partial(write, piece))
        return Stored(key, size, digest.hexdigest())

    def _disk(self, key: str, work: Callable[[], T], *, gone: type[MediaError] = FileMissing) -> T:
        try:
            return self._offload(work)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise gone(f"There is no file {key}.") from None
        except OSError as error:
            raise FilesUnavailable(f"The store of files refused: {error.strerror}.") from error

    def _path(self, key: str) -> Path:
        return self._folder.joinpath(*split_key(key))


class _FilePieces:
    def __init__(self, handle: BinaryIO, left: int | None, offload: Offload) -> None:
        self._handle = handle
        self._left = left
        self._offload = offload

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._handle.closed:
            raise StopIteration
        wanted = PIECE_BYTES if self._left is None else min(PIECE_BYTES, self._left)
        try:
            piece = self._offload(lambda: self._handle.read(wanted)) if wanted else b""
        except OSError as error:
            self.close()
            raise FilesUnavailable(f"The store of files refused: {error.strerror}.") from error
        if not piece:
            self.close()
            raise StopIteration
        if self._left is not None:
            self._left -= len(piece)
        return piece

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        self._handle.close()


def regroup(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of exactly 256 KiB but for the last: few calls, none long."""
    waiting = bytearray()
    for chunk in chunks:
        view = memoryview(chunk)
        while view.nbytes:
            taken = PIECE_BYTES - len(waiting)
            waiting += view[:taken]
            view = view[taken:]
            if len(waiting) == PIECE_BYTES:
                yield bytes(waiting)
                waiting.clear()
    if waiting:
        yield bytes(waiting)
