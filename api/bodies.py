"""A file on its way in: the raw body or the one file of a form, in pieces, never in memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import IO, Any

from flask import Request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from api.problems import MalformedRequest
from service.errors import FieldError, FileTooLarge, InvalidRequest

#: Bytes read from the socket at once; what `Files` writes at once.
PIECE_BYTES = 256 * 1024
#: Enough of a file to tell what it is.
HEAD_BYTES = 64 * 1024
#: What a form may hold beside the file: headers, boundaries, small fields.
FORM_BYTES = 64 * 1024
_MAX_PARTS = 20
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
    pieces = _read(request.stream, request.content_length)
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


def _read(stream: IO[bytes], length: int | None) -> Iterator[bytes]:
    """The body; a server that ends a broken body like a whole one is told by the length."""
    total = 0
    while True:
        try:
            piece = stream.read(PIECE_BYTES)
        except RequestEntityTooLarge:
            raise FileTooLarge("The body is larger than the limit.") from None
        except (OSError, ClientDisconnected) as error:
            raise MalformedRequest(f"The body broke off after {total} bytes.") from error
        if not piece:
            break
        total += len(piece)
        yield piece
    if length is not None and total != length:
        raise MalformedRequest(f"The body broke off after {total} of {length} bytes.")


def _open_form(pieces: Iterator[bytes], boundary: str) -> tuple[str, Iterator[bytes]]:
    if not boundary:
        raise MalformedRequest("The form has no boundary in its Content-Type.")
    events = _decode(pieces, boundary)
    for event in events:
        if isinstance(event, File):
            return event.filename or "", _file_of(events)
    raise InvalidRequest(
        "There is no file in the form.", [FieldError("#/file", "must be one file")]
    )


def _file_of(events: Iterator[Any]) -> Iterator[bytes]:
    """The data of the file part; then the rest of the form, in which there is no second one."""
    inside = True
    for event in events:
        if isinstance(event, File):
            raise InvalidRequest(
                "There is more than one file in the form.",
                [FieldError("#/file", "must be one file; send one request for each")],
            )
        if isinstance(event, Data) and inside:
            if event.data:
                yield event.data
            inside = event.more_data


def _decode(pieces: Iterator[bytes], boundary: str) -> Iterator[Any]:
    decoder = MultipartDecoder(
        boundary.encode(), max_form_memory_size=4 * PIECE_BYTES, max_parts=_MAX_PARTS
    )
    fields = 0
    in_field = False
    for piece in chain(pieces, [None]):
        for event in _feed(decoder, piece):
            in_field = isinstance(event, Field) or (in_field and isinstance(event, Data))
            fields += len(event.data) if in_field and isinstance(event, Data) else 0
            if fields > FORM_BYTES:
                raise MalformedRequest("The form's fields are too long.")
            yield event


def _feed(decoder: MultipartDecoder, piece: bytes | None) -> Iterator[Any]:
    try:
        decoder.receive_data(piece)
        while not isinstance(event := decoder.next_event(), NeedData):
            yield event
            if isinstance(event, Epilogue):
                return
    except RequestEntityTooLarge:
        raise MalformedRequest("The form has too many parts or too long headers.") from None
    except (ValueError, UnicodeDecodeError):
        raise MalformedRequest("The form cannot be read; does it end?") from None
