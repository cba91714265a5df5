"""The wire protocol of Redis (RESP2 and 3), as far as it takes to tell messages apart. Pure."""

from __future__ import annotations

from collections.abc import Iterator

_CRLF = b"\r\n"
_LINES, _BLOBS = "+-:_,#(", "$=!"
#: Lists, and how many messages follow for each that they count.
_LISTS = {"*": 1, "~": 1, ">": 1, "%": 2, "|": 2}


class Broken(ValueError):
    """Bytes that are no message of Redis."""


class Messages:
    """Cuts a stream of bytes into whole messages, requests and replies alike."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Whole messages that are complete with these bytes."""
        self._waiting += data
        start = 0
        try:
            while start < len(self._waiting):
                end = _end_of_message(self._waiting, start)
                if end < 0:
                    return
                yield bytes(self._waiting[start:end])
                start = end
        finally:
            del self._waiting[:start]


def _end_of_message(data: bytearray, start: int) -> int:
    """Where the message that begins at `start` ends; -1 while it is not whole."""
    line_end = data.find(_CRLF, start)
    if line_end < 0:
        return -1
    kind, after = chr(data[start]), line_end + 2
    if kind in _LINES:
        return after
    if kind in _BLOBS:
        size = int(data[start + 1 : line_end])
        end = after if size < 0 else after + size + 2
        return end if end <= len(data) else -1
    if kind not in _LISTS:
        raise Broken(bytes(data[start:line_end][:40]))
    for _ in range(max(0, int(data[start + 1 : line_end])) * _LISTS[kind]):
        after = _end_of_message(data, after) if after < len(data) else -1
        if after < 0:
            return -1
    return after


def is_push(message: bytes) -> bool:
    """Whether the server says it unasked."""
    return message.startswith(b">")


def read_words(message: bytes) -> list[bytes]:
    """The strings and numbers of a message, those of nested lists flattened."""
    words, at = [], 0
    while at < len(message):
        line_end = message.index(_CRLF, at)
        kind, line = message[at : at + 1], message[at + 1 : line_end]
        at = line_end + 2
        if kind.decode() in _BLOBS:
            size = int(line)
            if size >= 0:
                words.append(message[at : at + size])
                at += size + 2
        elif kind.decode() not in _LISTS:
            words.append(line)
    return words
