"""Job files in a bucket of an S3-compatible store, behind the port of `files`.

Nothing rests on conditional writes or on lifecycle rules, which stores have or have not. What
computes goes through `offload`; what waits for the network does not (see `objects`).
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from service.clock import Clock
from service.errors import FileMissing
from service.media.files import (
    STORE_ID,
    FilesUnavailable,
    Found,
    Offload,
    Pieces,
    Stored,
    check_size,
    regroup,
    split_key,
)
from service.media.objects import (
    BodyPieces,
    Bucket,
    NoSuchBytes,
    Upload,
    open_client,
    read_address,
    translated,
)
from service.media.workspaces import open_workspace
from service.settings import Settings

#: Longer than any two processes that start together are apart in finding no store id.
SETTLE_S = 2.0


def open_bucket(settings: Settings, *, clock: Clock, offload: Offload) -> BucketFiles:
    """The store that `CAPTION_AB_FILES=s3://bucket/prefix` names. Sends nothing yet.

    Raises:
        StartupError: the address, the keys, the region or the endpoint are not usable.
    """
    bucket = read_address(settings.files)
    client = open_client(settings)
    return BucketFiles(client, bucket, clock=clock, offload=offload, link_s=settings.s3_link_s)


class BucketFiles:
    """Job files as objects `prefix/key`. `link_s` above 0 gives out links good for so long."""

    def __init__(
        self, client: Any, bucket: Bucket, *, clock: Clock, offload: Offload, link_s: float = 0
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._clock = clock
        self._offload = offload
        self._link_s = link_s

    def put(self, key: str, chunks: Iterable[bytes], *, max_bytes: int) -> Stored:
        upload = Upload(self._client, self._object(key))
        digest, size = hashlib.sha256(), 0

        def take(piece: bytes) -> None:
            digest.update(piece)
            upload.add(piece)

        try:
            for piece in regroup(chunks):
                size += len(piece)
                check_size(size, max_bytes)
                self._offload(partial(take, piece))
                upload.send_if_full()
            upload.finish()
        except BaseException:
            upload.abort()
            raise
        return Stored(key, size, digest.hexdigest())

    def open_range(self, key: str, start: int = 0, end: int | None = None) -> Pieces:
        if end is not None and end <= start:
            self.size(key)
            return BodyPieces(None, key)
        wanted = f"bytes={start}-{'' if end is None else end - 1}"
        try:
            with translated(key):
                reply = self._client.get_object(**self._object(key), Range=wanted)
        except NoSuchBytes:
            return BodyPieces(None, key)
        return BodyPieces(reply["Body"], key)

    def size(self, key: str) -> int:
        with translated(key):
            return int(self._client.head_object(**self._object(key))["ContentLength"])

    @contextlib.contextmanager
    def local_copy(self, key: str) -> Iterator[Path]:
        with contextlib.ExitStack() as stack:
            pieces = self.open_range(key)
            stack.callback(pieces.close)
            try:
                folder = stack.enter_context(open_workspace())
                path = folder / split_key(key)[-1]
                with path.open("wb") as copy:
                    self._copy(pieces, copy)
            except OSError as error:
                why = f"There is no room for a copy of {key}: {error.strerror}."
                raise FilesUnavailable(why) from error
            yield path

    def delete(self, key: str) -> None:
        self._delete(self._object(key))

    def delete_prefix(self, prefix: str) -> None:
        """Parts of uploads that broke off lie below the prefix too, and are removed with it."""
        below = self._object(prefix.removesuffix("/"))["Key"] + "/"
        for each in self._pages("list_objects_v2", "Contents", below):
            self._delete({"Bucket": self._bucket.name, "Key": each["Key"]})
        for each in self._pages("list_multipart_uploads", "Uploads", below):
            where = {"Bucket": self._bucket.name, "Key": each["Key"], "UploadId": each["UploadId"]}
            with contextlib.suppress(FileMissing), translated(prefix):
                self._client.abort_multipart_upload(**where)

    def find_all(self, folder: str) -> Iterator[Found]:
        prefix = self._bucket.prefix
        for each in self._pages("list_objects_v2", "Contents", f"{prefix}{folder}/"):
            modified_ms = int(each["LastModified"].timestamp() * 1000)
            yield Found(str(each["Key"]).removeprefix(prefix), modified_ms)

    def drop_unfinished(self, before_ms: int) -> int:
        """Uploads in parts that were never completed, as a process leaves them that has died."""
        dropped = 0
        for each in self._pages("list_multipart_uploads", "Uploads", self._bucket.prefix):
            if int(each["Initiated"].timestamp() * 1000) >= before_ms:
                continue
            where = {"Bucket": self._bucket.name, "Key": each["Key"], "UploadId": each["UploadId"]}
            with contextlib.suppress(FileMissing), translated(str(each["Key"])):
                self._client.abort_multipart_upload(**where)
            dropped += 1
        return dropped

    def store_id(self) -> str:
        """The oldest id written here: without conditional writes several may write at once."""
        below = f"{self._bucket.prefix}{STORE_ID}/"
        ids = list(self._pages("list_objects_v2", "Contents", below))
        if not ids:
            own = f"{below}{secrets.token_hex(16)}"
            with translated(STORE_ID, gone=FilesUnavailable):
                self._client.put_object(Bucket=self._bucket.name, Key=own, Body=b"")
            self._clock.sleep(SETTLE_S)
            ids = list(self._pages("list_objects_v2", "Contents", below))
        if not ids:
            raise FilesUnavailable("The bucket does not list what was just written to it.")
        first = min(ids, key=lambda each: (each["LastModified"], each["Key"]))
        return str(first["Key"]).removeprefix(below)

    def link(self, key: str, *, media_type: str, disposition: str) -> str:
        if not self._link_s:
            return ""
        wanted = {**self._object(key), "ResponseContentType": media_type}
        if disposition:
            wanted["ResponseContentDisposition"] = disposition
        with translated(key):
            return str(
                self._client.generate_presigned_url(
                    "get_object", Params=wanted, ExpiresIn=max(1, int(self._link_s))
                )
            )

    def _object(self, key: str) -> dict[str, str]:
        name = "/".join(split_key(key))
        return {"Bucket": self._bucket.name, "Key": f"{self._bucket.prefix}{name}"}

    def _copy(self, pieces: Pieces, copy: BinaryIO) -> None:
        for piece in pieces:
            self._offload(partial(copy.write, piece))

    def _delete(self, where: dict[str, str]) -> None:
        with contextlib.suppress(FileMissing), translated(where["Key"]):
            self._client.delete_object(**where)

    def _pages(self, call: str, name: str, below: str) -> Iterator[dict[str, Any]]:
        with translated(below, gone=FilesUnavailable):
            pages = self._client.get_paginator(call)
            for page in pages.paginate(Bucket=self._bucket.name, Prefix=below):
                yield from page.get(name, ())
