"""Server-Sent Events as the WHATWG standard has them: bytes in, events out.

Written from the standard because no library that works with requests is exact (measured in 39
vectors). Nothing here reads a socket, so nothing here can reconnect and send a message twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from service.nemo.errors import EventTooLong

#: A state change can carry a whole draft in one event.
MAX_EVENT_BYTES = 16 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class SseEvent:
    """One dispatched event. `name` is `message` unless the stream names another."""

    name: str
    data: str
    last_id: str = ""


class SseDecoder:
    """Turns a stream's bytes into events, in time linear in the bytes.

    A CR ends its line at once; an LF that follows it, even in the next chunk, is dropped. An event
    without its blank line at the end of the stream is not dispatched: it may be cut.
    """

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_event_bytes = max_event_bytes
        self._head: bytes | None = b""
        self._skip_lf = False
        self._line: list[bytes] = []
        self._line_bytes = 0
        self._data: list[bytes] = []
        self._data_bytes = 0
        self._name = ""
        self.last_id = ""
        #: Lines that begin with a colon; many servers use them as heartbeats.
        self.comments = 0
        #: Blank lines after an `event:` without data, such as `event: heartbeat`.
        self.dataless = 0
        self.events = 0
        self.bytes_read = 0
        #: What the stream asks a browser to wait before reconnecting; noted, never obeyed.
        self.retry_ms: int | None = None

    @property
    def pending(self) -> bool:
        """Whether bytes of an unfinished line or event are held."""
        return bool(self._line or self._data or self._name or self._head)

    def feed(self, chunk: bytes) -> Iterator[SseEvent]:
        """Take bytes and yield the events they complete; iterate to the end.

        Raises:
            EventTooLong: one event is above the limit; the stream cannot be read on.
        """
        self.bytes_read += len(chunk)
        chunk = self._strip_bom(chunk)
        if self._skip_lf and chunk:
            self._skip_lf = False
            chunk = chunk.removeprefix(b"\n")
        for line in chunk.splitlines(keepends=True):
            body = line.rstrip(b"\r\n")
            self._line_bytes += len(body)
            if self._line_bytes + self._data_bytes > self._max_event_bytes:
                raise EventTooLong(self._max_event_bytes)
            if len(body) == len(line):
                self._line.append(line)
                return
            if self._line:
                self._line.append(body)
                body = b"".join(self._line)
                self._line = []
            self._line_bytes = 0
            if body:
                self._take_line(body)
            elif (event := self._dispatch()) is not None:
                self.events += 1
                yield event
        self._skip_lf = chunk.endswith(b"\r") or (self._skip_lf and not chunk)

    def _strip_bom(self, chunk: bytes) -> bytes:
        if self._head is None:
            return chunk
        head = self._head + chunk
        if len(head) < len(_BOM) and _BOM.startswith(head):
            self._head = head
            return b""
        self._head = None
        return head.removeprefix(_BOM)

    def _take_line(self, line: bytes) -> None:
        if line.startswith(b":"):
            self.comments += 1
            return
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
            self._data_bytes += len(value) + 1
        elif field == b"event":
            self._name = value.decode("utf-8", "replace")
        elif field == b"id" and b"\0" not in value:
            self.last_id = value.decode("utf-8", "replace")
        elif field == b"retry" and value.isdigit() and len(value) <= 12:
            self.retry_ms = int(value)

    def _dispatch(self) -> SseEvent | None:
        data, name = self._data, self._name
        self._data, self._data_bytes, self._name = [], 0, ""
        if not data:
            self.dataless += bool(name)
            return None
        text = b"\n".join(data).decode("utf-8", "replace")
        return SseEvent(name or "message", text, self.last_id)
