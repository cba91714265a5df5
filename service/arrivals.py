"""Uploads that arrive over several requests: received in parts, joined when all are there.

A part is a file of its own, on disk before it is counted, so what is told as received is there
whatever dies, in a folder as in a bucket, and any process may go on. What a request brought after
its last part is lost with the process, and sent again.
"""

from __future__ import annotations

import contextlib
import secrets
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from service.clock import Clock
from service.errors import (
    CaptionAbError,
    FileMissing,
    FileTooLarge,
    NotFound,
    StoreUnavailable,
    UnsupportedFile,
)
from service.ids import new_id
from service.media.files import Files, FilesUnavailable, Stored
from service.media.formats import HEAD_BYTES, check_upload
from service.settings import Settings
from service.store.accounts import AccountStore
from service.store.arrivals import Arrival, ArrivalStore, missing, parts_folder
from service.store.connection import Connection
from service.store.retention import Retention

#: A part ends at this size, or when it has been coming for so long.
PART_BYTES = 4 * 1024 * 1024
PART_S = 5.0
#: How long a process that joins parts may be silent before another may begin anew.
JOIN_S = 60.0
_JOIN_TELL_S = 10.0


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What can be done with uploads on their way."""

    connection: Connection
    files: Files
    settings: Settings
    clock: Clock

    @property
    def _store(self) -> ArrivalStore:
        return ArrivalStore(self.connection)

    def begin(self, tenant_id: str, filename: str, length: int, key_id: str = "") -> Arrival:
        """Expect a file of `length` bytes; it counts for its tenant and a key once it is whole.

        Raises:
            FileTooLarge: that is more than a file may have.
        """
        most = self.settings.upload_max_bytes
        if length > most:
            raise FileTooLarge(f"The file has {length} bytes; a file may have {most}.")
        now_ms = self.clock.now_ms()
        expires_ms = now_ms + self._ttl_ms
        upload_id = new_id("upl", now_ms)
        arrival = Arrival(upload_id, tenant_id, filename, length, 0, now_ms, expires_ms, key_id)
        self._store.create(arrival, ttl_ms=self._ttl_ms)
        return arrival

    def read(self, upload_id: str, tenant_id: str) -> Arrival:
        """One upload on its way.

        Raises:
            NotFound: there is none, it is whole, has expired or is another tenant's.
        """
        found = self._store.read(upload_id, tenant_id)
        if found is None:
            raise missing(upload_id)
        return found

    def receive(self, arrival: Arrival, offset: int, chunks: Iterable[bytes]) -> Arrival:
        """Take what a request brings from `offset` on, and join the file with its last byte.

        What came before the request broke off is kept, and its error raised then.

        Raises:
            WrongOffset, UploadLocked, NotFound: it cannot go on here.
            UnsupportedFile: its first bytes are no media; nothing of it is kept.
            FileTooLarge: more came than was announced; the rest is not kept.
        """
        fence = self._resume(arrival, offset)
        if offset == arrival.length:
            return self._join(arrival, fence)
        body = _Body(chunks, arrival.length - offset, self.clock)
        if offset < HEAD_BYTES:
            self._check_head(arrival, offset, body)
        at = offset
        while body.has_more():
            at = self._store_part(arrival, fence, at, body)
        if body.error is not None:
            raise body.error
        now_ms = self.clock.now_ms()
        arrival = replace(arrival, offset=at, expires_ms=now_ms + self._ttl_ms)
        return self.join(arrival) if arrival.is_whole else arrival

    def join(self, arrival: Arrival) -> Arrival:
        """Make an upload of one whose parts are all there, unless that was done meanwhile.

        Raises:
            UploadLocked: another request does it.
            UnsupportedFile: it is no media; nothing of it is kept.
        """
        try:
            fence = self._resume(arrival, arrival.length)
        except NotFound:
            if self._is_joined(arrival):
                return arrival
            raise
        return self._join(arrival, fence)

    def drop(self, upload_id: str) -> None:
        """Forget an upload on its way, with its parts."""
        self._store.drop(upload_id, now_ms=self.clock.now_ms())
        self._delete_parts(upload_id)

    @property
    def _ttl_ms(self) -> int:
        return int(self.settings.upload_part_ttl_s * 1000)

    def _resume(self, arrival: Arrival, offset: int) -> int:
        join_ms, now_ms = int(JOIN_S * 1000), self.clock.now_ms()
        return self._store.resume(arrival, offset, join_ms=join_ms, now_ms=now_ms)

    def _check_head(self, arrival: Arrival, offset: int, body: _Body) -> None:
        """Judge a file as soon as enough of it is there, however small the pieces."""
        head = b"".join(self._read_parts(arrival.id)) if offset else b""
        head += body.peek(HEAD_BYTES - offset)
        if len(head) < min(HEAD_BYTES, arrival.length):
            return
        with self._dropped_if_refused(arrival.id):
            check_upload(head[:HEAD_BYTES], arrival.filename)

    def _store_part(self, arrival: Arrival, fence: int, at: int, body: _Body) -> int:
        # The name is used once: a request that was overtaken must not write into another's part.
        name = f"{at:012d}-{secrets.token_hex(4)}"
        key = f"{parts_folder(arrival.id)}/{name}"
        try:
            stored = self.files.put(key, body.take_part(), max_bytes=arrival.length - at)
        except FilesUnavailable:
            self.read(arrival.id, arrival.tenant_id)  # removed meanwhile, its folder with it
            raise
        ttl_ms, now_ms = self._ttl_ms, self.clock.now_ms()
        try:
            return self._store.append(
                arrival, fence, name, stored.size, ttl_ms=ttl_ms, now_ms=now_ms
            )
        except StoreUnavailable:
            raise  # it may have been counted; if not, it goes with the upload
        except CaptionAbError:
            self.files.delete(key)
            raise

    def _join(self, arrival: Arrival, fence: int) -> Arrival:
        ttl_ms = int(self.settings.upload_ttl_s * 1000)
        try:
            stored, kind = self._write_whole(arrival)
            now_ms = self.clock.now_ms()
            self._store.complete(arrival, fence, stored, kind, ttl_ms=ttl_ms, now_ms=now_ms)
        except (NotFound, FileMissing):
            if self._is_joined(arrival):  # this process was silent for long, and another did it
                return arrival
            self.files.delete(f"uploads/{arrival.id}")
            raise
        except CaptionAbError:
            with contextlib.suppress(CaptionAbError):
                self._store.hold_join(arrival.id, 0)
            raise
        self._delete_parts(arrival.id)
        return replace(arrival, offset=arrival.length, expires_ms=now_ms + ttl_ms)

    def _is_joined(self, arrival: Arrival) -> bool:
        return AccountStore(self.connection).read_upload(arrival.id) is not None

    def _write_whole(self, arrival: Arrival) -> tuple[Stored, str]:
        if not self._store.read_parts(arrival.id):
            raise missing(arrival.id)
        body = _Body(self._read_parts(arrival.id, told=True), arrival.length, self.clock)
        with self._dropped_if_refused(arrival.id):
            kind = check_upload(body.peek(HEAD_BYTES)[:HEAD_BYTES], arrival.filename).kind
        stored = self.files.put(f"uploads/{arrival.id}", body.take_all(), max_bytes=arrival.length)
        if stored.size != arrival.length:
            self.files.delete(stored.key)
            raise body.error or FilesUnavailable("The store of files has lost parts of the upload.")
        return stored, kind

    def _read_parts(self, upload_id: str, *, told: bool = False) -> Iterator[bytes]:
        """The bytes of all parts; `told` says now and then that the joining goes on."""
        said_s = self.clock.monotonic_s()
        for name in self._store.read_parts(upload_id):
            for piece in self.files.open_range(f"{parts_folder(upload_id)}/{name}"):
                yield piece
                if told and self.clock.monotonic_s() - said_s > _JOIN_TELL_S:
                    said_s = self.clock.monotonic_s()
                    until_ms = self.clock.now_ms() + int(JOIN_S * 1000)
                    self._store.hold_join(upload_id, until_ms)

    @contextlib.contextmanager
    def _dropped_if_refused(self, upload_id: str) -> Iterator[None]:
        try:
            yield
        except UnsupportedFile:
            self.drop(upload_id)
            raise

    def _delete_parts(self, upload_id: str) -> None:
        """What fails here the sweeper does: the parts are in the trash."""
        name = parts_folder(upload_id)
        with contextlib.suppress(CaptionAbError):
            self.files.delete_prefix(name)
            Retention(self.connection).note_deleted(name)


class _Body:
    """A stream of at most `most` bytes in parts; how it broke off is kept in `error`."""

    def __init__(self, chunks: Iterable[bytes], most: int, clock: Clock) -> None:
        self._chunks = iter(chunks)
        self._left = most
        self._clock = clock
        self._waiting: deque[bytes] = deque()
        self._ended = False
        self.error: CaptionAbError | None = None

    def has_more(self) -> bool:
        while not self._waiting and not self._ended:
            self._pull()
        return bool(self._waiting)

    def peek(self, size: int) -> bytes:
        """The next bytes, at least `size` of them unless it ends before."""
        while sum(map(len, self._waiting)) < size and not self._ended:
            self._pull()
        return b"".join(self._waiting)

    def take_part(self) -> Iterator[bytes]:
        until_s, size = self._clock.monotonic_s() + PART_S, 0
        while size < PART_BYTES and self.has_more():
            piece = self._waiting.popleft()
            size += len(piece)
            yield piece
            if self._clock.monotonic_s() >= until_s:
                return

    def take_all(self) -> Iterator[bytes]:
        while self.has_more():
            yield self._waiting.popleft()

    def _pull(self) -> None:
        try:
            piece = next(self._chunks, None)
        except CaptionAbError as error:
            self.error, piece = error, None
        if piece is None:
            self._ended = True
            return
        self._left -= len(piece)
        if self._left < 0:
            self.error = FileTooLarge("More bytes came than the upload was announced with.")
            self._ended = True
        elif piece:
            self._waiting.append(piece)
