"""Uploads that arrive in parts: how far each has come, and who may go on with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from service.errors import Conflict, InvalidRequest, NotFound
from service.media.files import Stored
from service.store import scripts
from service.store.connection import Connection, Refused
from service.store.scripts import Refusal

#: A list of more parts than this is no upload but a load: 500 MB in pieces of 50 kB are 10,000.
MOST_PARTS = 10_000


class WrongOffset(Conflict):
    """The bytes sent do not begin where those received end."""

    code = "upload_offset"
    hint = "Ask with HEAD for `Upload-Offset` and go on from there."


class UploadLocked(Conflict):
    """Another request goes on with this upload."""

    code = "upload_locked"
    retryable = True
    hint = "Ask with HEAD for `Upload-Offset` in a moment and go on from there."


class TooManyParts(InvalidRequest):
    """The upload came in too many small requests."""

    code = "upload_parts"
    hint = "Begin anew with larger requests: 50 kB each is enough for any file."


@dataclass(frozen=True, slots=True)
class Arrival:
    """An upload on its way: `offset` of `length` bytes are on disk. `key_id` began it."""

    id: str
    tenant_id: str
    filename: str
    length: int
    offset: int
    created_ms: int
    expires_ms: int
    key_id: str = ""

    @property
    def is_whole(self) -> bool:
        return self.offset == self.length


class ArrivalStore:
    """Uploads on their way, in Redis. A fence tells who asked last: only that one may add."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._keys = connection.keys

    def create(self, arrival: Arrival, *, ttl_ms: int) -> None:
        """Write an upload of which nothing has come; it lives for `ttl_ms` from its last part."""
        mapping = {
            "tenant": arrival.tenant_id,
            "filename": arrival.filename,
            "length": arrival.length,
            "offset": 0,
            "created": arrival.created_ms,
            "expires": arrival.expires_ms,
            "fence": 0,
            "key": arrival.key_id,
        }
        key = self._keys.arrival(arrival.id)

        def ask(client: Any) -> Any:
            pipeline = client.pipeline(transaction=True)
            pipeline.hset(key, mapping=mapping)
            pipeline.pexpire(key, ttl_ms)
            pipeline.zadd(self._keys.retention, {_member(arrival.id): arrival.expires_ms})
            return pipeline.execute()

        self._connection.read(ask)

    def read(self, upload_id: str, tenant_id: str) -> Arrival | None:
        """One upload on its way of this tenant, or none."""
        key = self._keys.arrival(upload_id)
        found = self._connection.read(lambda client: client.hgetall(key))
        if not found or found["tenant"] != tenant_id:
            return None
        return Arrival(
            id=upload_id,
            tenant_id=tenant_id,
            filename=found["filename"],
            length=int(found["length"]),
            offset=int(found["offset"]),
            created_ms=int(found["created"]),
            expires_ms=int(found["expires"]),
        )

    def read_parts(self, upload_id: str) -> list[str]:
        """The names of its parts, in order."""
        key = self._keys.arrival_parts(upload_id)
        return list(self._connection.read(lambda client: client.lrange(key, 0, -1)))

    def resume(self, arrival: Arrival, offset: int, *, join_ms: int, now_ms: int) -> int:
        """Become the one who goes on at `offset`, or who joins the parts if all are there.

        Whoever was at it before is refused from now on. Joining is held for `join_ms`.

        Raises:
            NotFound: it has expired or was removed.
            WrongOffset: it has come to another place; the detail tells which.
            UploadLocked: somebody joins its parts.
        """
        try:
            reply = self._connection.run(
                scripts.RESUME_UPLOAD, now_ms, arrival.id, arrival.tenant_id, offset, join_ms
            )
        except Refused as refused:
            if refused.refusal is Refusal.STATE:
                had = refused.reply[1]
                raise WrongOffset(f"The upload has {had} bytes, not {offset}.") from None
            if refused.refusal is Refusal.HELD:
                raise UploadLocked("The parts of this upload are being joined.") from None
            raise missing(arrival.id) from None
        return int(reply[0])

    def append(
        self, arrival: Arrival, fence: int, part: str, size: int, *, ttl_ms: int, now_ms: int
    ) -> int:
        """Count a part that is on disk; returns the offset after it.

        Raises:
            NotFound: the upload has expired or was removed.
            UploadLocked: another request has taken over.
            TooManyParts: it has `MOST_PARTS` already.
        """
        try:
            reply = self._connection.run(
                scripts.APPEND_PART, now_ms, arrival.id, fence, part, size, MOST_PARTS, ttl_ms
            )
        except Refused as refused:
            if refused.refusal is Refusal.LIMIT:
                raise TooManyParts(f"The upload has {MOST_PARTS} parts.") from None
            raise _lost(arrival.id, refused) from None
        return int(reply[0])

    def hold_join(self, upload_id: str, until_ms: int) -> None:
        """Keep others from joining until a time; a past one lets go."""
        key = self._keys.arrival(upload_id)

        def ask(pipeline: Any) -> None:
            # Watched: what has just ended must not come back as a hash with one field.
            there = pipeline.exists(key)
            pipeline.multi()
            if there:
                pipeline.hset(key, "joining", until_ms)

        self._connection.read(lambda client: client.transaction(ask, key))

    def complete(
        self, arrival: Arrival, fence: int, stored: Stored, kind: str, *, ttl_ms: int, now_ms: int
    ) -> None:
        """Make it an upload like any other, for `ttl_ms`; its parts are in the trash then.

        Raises:
            NotFound: it has expired or was removed.
            UploadLocked: another request has joined it.
        """
        try:
            self._connection.run(
                *(scripts.COMPLETE_UPLOAD, now_ms, arrival.id, fence),
                *(stored.key, stored.size, stored.sha256, kind, ttl_ms),
            )
        except Refused as refused:
            raise _lost(arrival.id, refused) from None

    def drop(self, upload_id: str, *, now_ms: int) -> None:
        """Forget an upload on its way; its parts are in the trash then."""

        def ask(client: Any) -> Any:
            pipeline = client.pipeline(transaction=True)
            pipeline.delete(self._keys.arrival(upload_id), self._keys.arrival_parts(upload_id))
            pipeline.zrem(self._keys.retention, _member(upload_id))
            pipeline.zadd(self._keys.trash, {parts_folder(upload_id): now_ms})
            return pipeline.execute()

        self._connection.read(ask)


def parts_folder(upload_id: str) -> str:
    """Where the parts of an upload lie in the store of files."""
    return f"parts/{upload_id}"


def missing(upload_id: str) -> NotFound:
    """That there is none, or that it is another tenant's: the same words."""
    return NotFound(f"There is no upload {upload_id}.")


def _lost(upload_id: str, refused: Refused) -> NotFound | UploadLocked:
    if refused.refusal is Refusal.GONE:
        return missing(upload_id)
    return UploadLocked("Another request has gone on with this upload.")


def _member(upload_id: str) -> str:
    return f"parts:{upload_id}"
