"""Bounds on what surrounds a reply's content: heads, interim replies, sizes of chunks, trailers.

`http.client` reads 1xx replies and trailers for as long as they come, and a hundred headers of
64 KiB each. None of it is content, so no limit on a body meets it; and a host that sends it fast
holds up every other greenlet, and the deadline too: a socket that always has data never waits.
"""

from __future__ import annotations

import io
from http.client import HTTPException, HTTPResponse
from typing import Any

#: Bytes of status lines, headers, chunk sizes and trailers that any reply may have.
FRAMING_BYTES = 128 * 1024
#: And so many more for each byte of content: a chunk of one byte has five around it.
_FOR_EACH_BYTE = 8


class BadFraming(HTTPException):
    """A reply is more frame than content, or its head breaks off; to urllib3 a broken protocol."""


class BoundedReply(HTTPResponse):
    """A response that reads no more framing than its content is worth."""

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        # Nothing has been read yet, so the buffer that is left behind is empty.
        self.fp: Any = _BoundedReader(self.fp.detach())

    def begin(self) -> None:
        """Read the head; one that breaks off is no answer, whatever its status (RFC 9112, 8)."""
        super().begin()
        if not self.fp.last_line:
            raise BadFraming("The head of the reply broke off.")


class _BoundedReader(io.BufferedReader):
    """Counts lines, which are framing, against all else, which is content."""

    def __init__(self, raw: Any) -> None:
        super().__init__(raw)
        self._left = FRAMING_BYTES
        self.last_line = b""

    def readline(self, size: int | None = -1, /) -> bytes:
        most = self._left + 1
        line = super().readline(most if size is None or size < 0 else min(size, most))
        self._left -= len(line)
        if self._left < 0:
            raise BadFraming("The reply has more around its content than content.")
        self.last_line = line
        return line

    def read(self, size: int | None = -1, /) -> bytes:
        return self._count(super().read(size))

    def read1(self, size: int = -1, /) -> bytes:
        return self._count(super().read1(size))

    def readinto(self, buffer: Any, /) -> int:
        count = super().readinto(buffer)
        self._left += _FOR_EACH_BYTE * count
        return count

    def _count(self, data: bytes) -> bytes:
        self._left += _FOR_EACH_BYTE * len(data)
        return data
