"""How long an mp4 or mov says it is: a few bytes of its head, nothing decoded. Pure.

ISO/IEC 14496-12: boxes of size, type and content; `moov` holds `mvhd`, which has a time scale and a
duration in it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

#: Reads the bytes of a file from a place, at most so many.
Read = Callable[[int, int], bytes]

#: Boxes looked at on one level; real files have fewer than ten before the one we want.
_MOST_BOXES = 32
_UNKNOWN = {0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF}


def read_length_s(read: Read, size: int) -> float | None:
    """Seconds that the file says it lasts; None where it does not say, or is of another kind.

    Args:
        read: Called some times for a few bytes each.
        size: The file's bytes.
    """
    for kind, start, end in _boxes(read, 0, size):
        if kind != b"moov":
            continue
        for inner, begin, _ in _boxes(read, start, end):
            if inner == b"mvhd":
                return _duration_s(read(begin, 32))
    return None


def _boxes(read: Read, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Type, and where the content begins and ends, of the boxes between two places."""
    for _ in range(_MOST_BOXES):
        head = read(at, 16) if at + 8 <= end else b""
        if len(head) < 8:
            return
        length, skip = int.from_bytes(head[:4], "big"), 8
        if length == 1 and len(head) == 16:
            length, skip = int.from_bytes(head[8:], "big"), 16
        elif length == 0:
            length = end - at
        if length < skip:
            return
        yield head[4:8], at + skip, min(at + length, end)
        at += length


def _duration_s(mvhd: bytes) -> float | None:
    form = ">12xII" if mvhd[:1] == b"\x00" else ">20xIQ"
    if mvhd[:1] not in {b"\x00", b"\x01"} or len(mvhd) < struct.calcsize(form):
        return None
    scale, duration = struct.unpack_from(form, mvhd)
    return duration / scale if scale and duration and duration not in _UNKNOWN else None
