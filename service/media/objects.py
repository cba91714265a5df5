"""Calls to an S3-compatible store behind `BucketFiles`. boto3 is known here alone.

A call waits where it is made: under gevent its sockets yield, and one that a thread has opened
could not be read by another.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from service.errors import FileMissing, StartupError
from service.media.files import PIECE_BYTES, FilesUnavailable
from service.settings import Settings

_log = logging.getLogger(__name__)

#: Size of the parts of a stream; S3 demands at least 5 MiB, and 10,000 parts are enough for 80 GB.
PART_BYTES = 32 * PIECE_BYTES
_ADDRESS = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/([A-Za-z0-9._/-]*))?")
_CONNECT_S, _READ_S, _TRIES, _CONNECTIONS = 5, 60, 4, 64


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where files lie: the bucket and what every key in it begins with, such as `ab/`."""

    name: str
    prefix: str


def read_address(address: str) -> Bucket:
    """Read `s3://bucket/prefix`.

    Raises:
        StartupError: it is not one.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise StartupError(f"CAPTION_AB_FILES is {address}.", hint="Write s3://bucket/prefix.")
    prefix = (match[2] or "").strip("/")
    return Bucket(match[1], f"{prefix}/" if prefix else "")


def open_client(settings: Settings) -> Any:
    """A client as the settings say; what they leave open boto3 looks for itself. Sends nothing.

    Raises:
        StartupError: half a pair of keys, no region anywhere, or an endpoint that is no address.
    """
    if bool(settings.s3_access_key) != bool(settings.s3_secret_key):
        raise StartupError("CAPTION_AB_S3_ACCESS_KEY and CAPTION_AB_S3_SECRET_KEY go together.")
    config = Config(
        signature_version="s3v4",
        # Stores beside Amazon's seldom have a name in the DNS for each bucket.
        s3={"addressing_style": "path" if settings.s3_endpoint else "auto"},
        # Only Amazon's store knows the newer checksums; Content-MD5 is known to all.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        connect_timeout=_CONNECT_S,
        read_timeout=_READ_S,
        retries={"total_max_attempts": _TRIES, "mode": "standard"},
        max_pool_connections=_CONNECTIONS,
    )
    try:
        return boto3.session.Session().client(
            "s3",
            endpoint_url=settings.s3_endpoint or None,
            region_name=settings.s3_region or None,
            aws_access_key_id=settings.s3_access_key or None,
            aws_secret_access_key=settings.s3_secret_key or None,
            config=config,
        )
    except (BotoCoreError, ValueError) as error:
        raise StartupError(
            f"The store of CAPTION_AB_FILES cannot be used: {error}",
            hint="See CAPTION_AB_S3_ENDPOINT and CAPTION_AB_S3_REGION.",
        ) from None


class NoSuchBytes(Exception):
    """The range begins behind the end of the file."""


@dataclass(slots=True)
class Upload:
    """One object on its way: what fits into one part goes in one call, more in several."""

    client: Any
    where: dict[str, str]
    pieces: list[bytes] = field(default_factory=list)
    size: int = 0
    upload_id: str = ""
    etags: list[str] = field(default_factory=list)
    md5: Any = field(default_factory=lambda: hashlib.md5(usedforsecurity=False))

    def add(self, piece: bytes) -> None:
        self.md5.update(piece)
        self.pieces.append(piece)
        self.size += len(piece)

    def send_if_full(self) -> None:
        if self.size >= PART_BYTES:
            self._send_part()

    def finish(self) -> None:
        if not self.upload_id:
            self._call("put_object", **self._take())
            return
        if self.pieces:
            self._send_part()
        parts = [{"ETag": tag, "PartNumber": n} for n, tag in enumerate(self.etags, 1)]
        self._call(
            "complete_multipart_upload",
            UploadId=self.upload_id,
            MultipartUpload={"Parts": parts},
        )

    def abort(self) -> None:
        """Remove the parts that were sent; never raises, since another error is under way."""
        if not self.upload_id:
            return
        try:
            self._call("abort_multipart_upload", UploadId=self.upload_id)
        except (FilesUnavailable, FileMissing) as error:
            _log.warning("parts_left", extra={"key": self.where["Key"], "why": error.detail})

    def _send_part(self) -> None:
        if not self.upload_id:
            self.upload_id = self._call("create_multipart_upload")["UploadId"]
        number = len(self.etags) + 1
        reply = self._call(
            "upload_part", UploadId=self.upload_id, PartNumber=number, **self._take()
        )
        self.etags.append(reply["ETag"])

    def _take(self) -> dict[str, Any]:
        body, digest = b"".join(self.pieces), self.md5.digest()
        self.pieces, self.size = [], 0
        self.md5 = hashlib.md5(usedforsecurity=False)
        return {"Body": body, "ContentMD5": base64.b64encode(digest).decode("ascii")}

    def _call(self, name: str, **options: Any) -> Any:
        # What is not there can only be the bucket, or an upload that somebody has ended.
        with translated(self.where["Key"], gone=FilesUnavailable):
            return getattr(self.client, name)(**self.where, **options)


class BodyPieces:
    def __init__(self, body: Any, key: str) -> None:
        self._body = body
        self._key = key

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = b""
        if self._body is not None:
            with translated(self._key):
                piece = self._body.read(PIECE_BYTES)
        if not piece:
            self.close()
            raise StopIteration
        return piece

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None


@contextlib.contextmanager
def translated(
    key: str, *, gone: type[FileMissing | FilesUnavailable] = FileMissing
) -> Iterator[None]:
    """boto3's errors as ours; what they say of a refusal is its code alone."""
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if status == 416:
            raise NoSuchBytes from None
        if status == 404 and code != "NoSuchBucket":
            raise gone(f"There is no file {key}.") from None
        raise FilesUnavailable(f"The store of files refused: {code or status}.") from error
    except (BotoCoreError, OSError) as error:
        kind = type(error).__name__
        raise FilesUnavailable(f"The store of files does not answer: {kind}.") from error
