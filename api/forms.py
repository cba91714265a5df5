"""The parts of a multipart/form-data body, in pieces (RFC 7578). Pure.

Our own, because werkzeug 3.1's streaming decoder adds a CR to a file when a piece of the body ends
in or just behind a boundary (found by a property test): one byte too many in a few uploads of a
million, and a checksum that is not the sender's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from werkzeug.http import parse_options_header

from api.problems import MalformedRequest

#: Longest preamble, and longest headers of one part.
MAX_HEAD_BYTES = 16 * 1024
MAX_PARTS = 20


@dataclass(frozen=True, slots=True)
class Part:
    """One part; `chunks` must be read before the next part is asked for."""

    name: str
    filename: str | None
    chunks: Iterator[bytes]


class FormReader:
    """Reads a form once, from the front to the end."""

    def __init__(self, pieces: Iterator[bytes], boundary: str) -> None:
        if not 1 <= len(boundary) <= 200:
            raise MalformedRequest("The form has no boundary in its Content-Type.")
        self._pieces = pieces
        self._delimiter = b"\r\n--" + boundary.encode("utf-8", "replace")
        # So that the first delimiter looks like the others.
        self._buffer = bytearray(b"\r\n")

    def parts(self) -> Iterator[Part]:
        """The parts in order.

        Raises:
            MalformedRequest: it is no form of this boundary, or it breaks off.
        """
        self._take_until(self._delimiter)
        for _ in range(MAX_PARTS):
            rest_of_line = self._take_until(b"\r\n", stop=b"--")
            if rest_of_line is None:
                for _epilogue in self._pieces:
                    self._buffer.clear()
                return
            if rest_of_line.strip():
                raise MalformedRequest("The form has something behind a boundary.")
            self._buffer[:0] = b"\r\n"  # headers may be none: then their end is here
            name, filename = _read_head(self._take_until(b"\r\n\r\n") or b"")
            chunks = self._body()
            yield Part(name, filename, chunks)
            for _unread in chunks:
                continue
        raise MalformedRequest(f"The form has more than {MAX_PARTS} parts.")

    def _body(self) -> Iterator[bytes]:
        keep = len(self._delimiter) - 1
        while (at := self._buffer.find(self._delimiter)) < 0:
            if len(self._buffer) > keep:
                data = bytes(self._buffer[:-keep])
                del self._buffer[: len(data)]
                yield data
            self._fill()
        data = bytes(self._buffer[:at])
        del self._buffer[: at + len(self._delimiter)]
        if data:
            yield data

    def _take_until(self, mark: bytes, stop: bytes = b"") -> bytes | None:
        """What comes before a mark, which is consumed too; None when it begins with `stop`."""
        while len(self._buffer) < len(stop):
            self._fill()
        if stop and self._buffer.startswith(stop):
            return None
        while (at := self._buffer.find(mark)) < 0:
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise MalformedRequest("The form cannot be read: a head in it is too long.")
            self._fill()
        if at > MAX_HEAD_BYTES:
            raise MalformedRequest("The form cannot be read: a head in it is too long.")
        found = bytes(self._buffer[:at])
        del self._buffer[: at + len(mark)]
        return found

    def _fill(self) -> None:
        piece = next(self._pieces, None)
        if piece is None:
            raise MalformedRequest("The form has no end, or another boundary.")
        self._buffer += piece


def _read_head(head: bytes) -> tuple[str, str | None]:
    for line in head.decode("utf-8", "replace").split("\r\n"):
        key, _, value = line.partition(":")
        if key.strip().lower() == "content-disposition":
            options = parse_options_header(value.strip())[1]
            return options.get("name", ""), options.get("filename")
    raise MalformedRequest("A part of the form has no Content-Disposition.")
