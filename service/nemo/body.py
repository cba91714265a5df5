"""Request bodies that know whether anybody began to write them, and one that is never in memory."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator

from service.errors import MediaError

#: A socket must take a piece within the connect timeout, so pieces are small.
_PIECE_BYTES = 65_536


class GatedBody:
    """A body behind a gate: `before_send` runs once the connection stands, just before the body.

    The headers are out by then, but they announce a length, so a backend cannot act on a request
    whose body never comes. `opened` tells afterwards whether bytes may have arrived.
    """

    def __init__(
        self,
        pieces: Iterable[bytes],
        size: int,
        before_send: Callable[[], None] | None = None,
    ) -> None:
        self._pieces = pieces
        self._size = size
        self._before_send = before_send
        self.opened = False
        #: What `before_send` raised, whatever the layers between make of it.
        self.refusal: BaseException | None = None

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        if self.opened:
            raise RuntimeError("A body is written once.")
        if self._before_send is not None:
            try:
                self._before_send()
            except BaseException as refusal:
                self.refusal = refusal
                raise
        self.opened = True
        yield from self._pieces


class MultipartFile:
    """One file as multipart/form-data (RFC 7578), its bytes passed on as they come.

    Iterating raises MediaError when the source holds more or fewer bytes than `size`.
    """

    def __init__(
        self, *, field: str, filename: str, content_type: str, size: int, chunks: Iterable[bytes]
    ) -> None:
        boundary = f"caption-ab-{secrets.token_hex(16)}"
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._head = (
            f"--{boundary}\r\n"
            f'Content-Disposition: form-data; name="{field}"; filename="{_quote(filename)}"\r\n'
            f"Content-Type: {content_type}\r\n\r\n"
        ).encode("utf-8", "replace")
        self._tail = f"\r\n--{boundary}--\r\n".encode("ascii")
        self._size = size
        self._chunks = chunks

    def __len__(self) -> int:
        return len(self._head) + self._size + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        yield self._head
        left = self._size
        for chunk in self._chunks:
            left -= len(chunk)
            if left < 0:
                raise MediaError("The file grew while it was being sent.")
            for start in range(0, len(chunk), _PIECE_BYTES):
                yield chunk[start : start + _PIECE_BYTES]
        if left:
            raise MediaError("The file shrank while it was being sent.")
        yield self._tail


def _quote(filename: str) -> str:
    """Escape a name as browsers do; the rest travels as UTF-8."""
    return filename.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
