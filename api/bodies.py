"""A file on its way in: the raw body or the one file of a form, in pieces, never in memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import IO

from flask import Request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.http import parse_options_header

from api.forms import FormReader, Part
from api.problems import MalformedRequest
from service.errors import FieldError, FileTooLarge, InvalidRequest

#: Bytes of a body in a piece; what `Files` writes at once.
PIECE_BYTES = 256 * 1024
#: Bytes asked of the socket at once; so many may be lost where a connection is reset.
STEP_BYTES = 8 * 1024
#: Enough of a file to tell what it is.
HEAD_BYTES = 64 * 1024
#: What a form may hold beside the file: headers, boundaries, small fields.
FORM_BYTES = 64 * 1024
_UNWANTED = re.compile(r"[\x00-\x1f\x7f<>:\"|?*]")


@dataclass(frozen=True, slots=True)
class Incoming:
    """A file that is being received; `head` is its beginning, `chunks` all of it."""

    filename: str
    head: bytes
    chunks: Iterator[bytes]


def open_incoming(request: Request, filename: str, max_bytes: int) -> Incoming:
    """Start to receive the file of a request.

    Raises:
        FileTooLarge: it says that it is larger than `max_bytes`; nothing was read.
        InvalidRequest: there is no file in it, or more than one.
        MalformedRequest: the body broke off.
    """
    form = request.mimetype == "multipart/form-data"
    most = max_bytes + (FORM_BYTES if form else 0)
    if (request.content_length or 0) > most:
        raise FileTooLarge(
            f"The body has {request.content_length} bytes; a file may have {max_bytes}."
        )
    request.max_content_length = most + FORM_BYTES
    pieces = read_body(request)
    if form:
        boundary = request.mimetype_params.get("boundary", "")
        given, chunks = _open_form(pieces, boundary)
        filename = filename or given
    else:
        chunks = pieces
        filename = filename or _disposition_name(request)
    head, chunks = _peek(chunks)
    if not head:
        raise InvalidRequest("The file is empty.", [FieldError("#", "holds no bytes")])
    return Incoming(clean_filename(filename), head, chunks)


def clean_filename(name: str) -> str:
    """A file's name without folders and without what no file system takes."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return _UNWANTED.sub("", last).strip(". ")[:255] or "upload"


def _disposition_name(request: Request) -> str:
    options = parse_options_header(request.headers.get("Content-Disposition", ""))[1]
    return options.get("filename", "")


def _peek(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    first: list[bytes] = []
    while sum(map(len, first)) < HEAD_BYTES:
        piece = next(chunks, None)
        if piece is None:
            break
        first.append(piece)
    return b"".join(first)[:HEAD_BYTES], chain(first, chunks)


def read_body(request: Request) -> Iterator[bytes]:
    """The body; a server that ends a broken body like a whole one is told by the length.

    Raises:
        FileTooLarge: it is longer than the request's `max_content_length`.
        MalformedRequest: it broke off; what came before was given out.
    """
    length, total = request.content_length, 0
    while True:
        piece, broken = _read_piece(request.stream)
        total += len(piece)
        if piece:
            yield piece
        if broken is not None:
            raise MalformedRequest(f"The body broke off after {total} bytes.") from broken
        if not piece:
            break
    if length is not None and total != length:
        raise MalformedRequest(f"The body broke off after {total} of {length} bytes.")


def _read_piece(stream: IO[bytes]) -> tuple[bytes, Exception | None]:
    """The next bytes of a body, and how it broke off after them."""
    steps: list[bytes] = []
    try:
        for _ in range(PIECE_BYTES // STEP_BYTES):
            step = stream.read(STEP_BYTES)
            if not step:
                break
            steps.append(step)
    except RequestEntityTooLarge:
        raise FileTooLarge("The body is larger than the limit.") from None
    except (OSError, ClientDisconnected) as error:
        return b"".join(steps), error
    return b"".join(steps), None


def _open_form(pieces: Iterator[bytes], boundary: str) -> tuple[str, Iterator[bytes]]:
    parts = FormReader(pieces, boundary).parts()
    fields = 0
    for part in parts:
        if part.filename is not None:
            return part.filename, _only_file(part, parts)
        for data in part.chunks:
            fields += len(data)
            if fields > FORM_BYTES:
                raise MalformedRequest("The form's fields are too long.")
    raise InvalidRequest(
        "There is no file in the form.", [FieldError("#/file", "must be one file")]
    )


def _only_file(file: Part, parts: Iterator[Part]) -> Iterator[bytes]:
    """The data of the file; then the rest of the form, in which there is no second one."""
    yield from file.chunks
    for part in parts:
        if part.filename is not None:
            raise InvalidRequest(
                "There is more than one file in the form.",
                [FieldError("#/file", "must be one file; send one request for each")],
            )
