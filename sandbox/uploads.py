"""Receives files: streamed to disk with a byte limit, hashed on the way, then checked."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import requests
from flask import Request
from werkzeug.exceptions import HTTPException
from werkzeug.formparser import FormDataParser

from sandbox.media import inspect
from sandbox.sessions import Asset

_CHUNK_BYTES = 256 * 1024
_FETCH_TIMEOUT_S = (10, 60)
_NAME_CHARS = 200


class TooLarge(Exception):
    """A file of more bytes than allowed (4002)."""


class FetchFailed(Exception):
    """A URL the sandbox could not download."""


@dataclass(slots=True)
class Spool:
    """A file being received; counts and hashes what is written and stops at the limit."""

    path: Path
    limit_bytes: int
    #: Called with the bytes of each piece; takes as long as they may take.
    pace: Callable[[int], None] = lambda _: None
    size: int = 0
    digest: Any = field(default_factory=hashlib.sha256)
    file: IO[bytes] | None = None

    def write(self, data: bytes) -> int:
        """Writes a piece. Raises TooLarge before it would exceed the limit."""
        self.pace(len(data))
        self.size += len(data)
        if self.size > self.limit_bytes:
            raise TooLarge(f"more than {self.limit_bytes} bytes")
        if self.file is None:
            self.file = self.path.open("wb")
        self.digest.update(data)
        return self.file.write(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Satisfies the form parser, which rewinds at the end of each file."""
        return self.file.seek(offset, whence) if self.file else 0

    def close(self) -> None:
        """Closes the file; an empty upload becomes an empty file."""
        if self.file is None:
            self.path.touch()
        else:
            self.file.close()


@dataclass(slots=True)
class Received:
    """One file part: its name and declared type as sent, and where its bytes are."""

    filename: str
    declared: str
    spool: Spool


def receive_form(
    request: Request, folder: Path, limit_bytes: int, pace: Callable[[int], None]
) -> list[Received]:
    """Streams the `files` parts of a multipart body to disk. Raises TooLarge, with no file left."""
    spools: list[Spool] = []

    def open_spool(*_: object, **__: object) -> Any:
        spools.append(Spool(folder / secrets.token_hex(12), limit_bytes, pace))
        return spools[-1]

    parser = FormDataParser(stream_factory=open_spool, max_form_parts=100)
    try:
        _, _, files = parser.parse(
            request.stream, request.mimetype, request.content_length, request.mimetype_params
        )
    except (TooLarge, OSError, HTTPException):
        # too long, or the client went away in the middle
        discard(spools)
        raise
    received = []
    for name, item in files.items(multi=True):
        spool: Any = item.stream
        spool.close()
        if name == "files":
            received.append(Received(item.filename or "", item.content_type or "", spool))
        else:
            discard([spool])
    return received


def receive_url(url: str, folder: Path, limit_bytes: int, pace: Callable[[int], None]) -> Received:
    """Downloads one http(s) URL to disk. Raises FetchFailed or TooLarge."""
    if not url.startswith(("http://", "https://")):
        raise FetchFailed("only http and https addresses can be fetched")
    spool = Spool(folder / secrets.token_hex(12), limit_bytes, pace)
    try:
        with requests.get(url, stream=True, timeout=_FETCH_TIMEOUT_S) as reply:
            reply.raise_for_status()
            for piece in reply.iter_content(_CHUNK_BYTES):
                spool.write(piece)
    except requests.RequestException as error:
        discard([spool])
        raise FetchFailed("the address could not be downloaded") from error
    except TooLarge:
        discard([spool])
        raise
    spool.close()
    return Received(url.split("?", maxsplit=1)[0].rstrip("/").rsplit("/", 1)[-1], "", spool)


def check(received: Received) -> Asset:
    """Turns a received file into an asset. Raises UnsupportedMedia."""
    name = Path(received.filename.replace("\\", "/")).name[-_NAME_CHARS:]
    info = inspect(received.spool.path, name, received.declared)
    return Asset(
        f"asset_{secrets.token_hex(8)}", secrets.token_urlsafe(18), received.spool.path, name,
        received.spool.digest.hexdigest(), received.spool.size, info,
    )  # fmt: skip


def discard(spools: Iterable[Spool]) -> None:
    """Removes received bytes that are not kept."""
    for spool in spools:
        spool.close()
        spool.path.unlink(missing_ok=True)


def drain(request: Request, limit_bytes: int) -> None:
    """Reads on after a refusal, since closing on unread bytes would lose the answer."""
    left = limit_bytes
    with contextlib.suppress(OSError, HTTPException):
        while left > 0 and (piece := request.stream.read(min(_CHUNK_BYTES, left))):
            left -= len(piece)
