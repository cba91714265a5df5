"""The length that an mp4 states, read from a few of its bytes."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.media.length import read_length_s


def box(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def mvhd(scale: int, duration: int, version: int = 0) -> bytes:
    times = "QQIQ" if version else "IIII"
    return box(b"mvhd", struct.pack(f">B3x{times}", version, 0, 0, scale, duration) + bytes(80))


def length_of(content: bytes) -> float | None:
    return read_length_s(lambda at, most: content[at : at + most], len(content))


def test_a_real_clip_says_how_long_it_is(small_clip: Path):
    assert length_of(small_clip.read_bytes()) == pytest.approx(2.0, abs=0.05)


@pytest.mark.parametrize("version", [0, 1])
def test_the_index_may_stand_behind_the_pictures(version: int):
    moov = box(b"moov", box(b"free") + mvhd(600, 7500, version))
    assert length_of(box(b"ftyp", b"isom") + box(b"mdat", bytes(5000)) + moov) == 12.5


def test_a_large_box_has_its_size_in_eight_bytes():
    mdat = struct.pack(">I4sQ", 1, b"mdat", 16 + 100) + bytes(100)
    assert length_of(box(b"ftyp") + mdat + box(b"moov", mvhd(1000, 2000))) == 2.0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x1aE\xdf\xa3" + bytes(4000),
        box(b"ftyp") + bytes(4000),
        box(b"moov", mvhd(0, 5)),
        box(b"moov", mvhd(1000, 0)),
        box(b"moov", mvhd(1000, 0xFFFFFFFF)),
        box(b"moov", box(b"mvhd", b"\x00")),
        box(b"moov", box(b"mvhd", b"\x07" + bytes(99))),
    ],
    ids=["empty", "mkv", "head", "scale", "fragmented", "unknown", "short", "version"],
)
def test_what_does_not_say_is_not_known(content: bytes):
    assert length_of(content) is None


@given(st.binary(max_size=300))
def test_no_bytes_can_make_it_fail(content: bytes):
    for whole in (content, box(b"moov", content), box(b"moov", box(b"mvhd", content))):
        found = length_of(whole)
        assert found is None or found > 0
