"""Forms in any pieces are read like forms in one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest
from flask import Request
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import create_environ

from api.bodies import PIECE_BYTES, STEP_BYTES, _open_form, clean_filename, read_body
from api.problems import MalformedRequest
from service.errors import InvalidRequest

BOUNDARY = "XyZ"


def form(content: bytes) -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n'
    return head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


def cut(body: bytes, places: list[int]) -> Iterator[bytes]:
    edges = [0, *sorted(place % (len(body) + 1) for place in places), len(body)]
    yield from (body[a:b] for a, b in pairwise(edges) if a < b)


PARTS = (b"\r", b"\n", b"\r\n", b"--", b"--XyZ", b"\r\n--Xy", b"XyZ", b"\x00", b"a")
#: Full of what a form is made of, but without a boundary at the start of a line (RFC 2046).
TRICKY = (
    st.lists(st.sampled_from(PARTS), max_size=30)
    .map(b"".join)
    .filter(lambda content: not re.search(rb"(^|[\r\n])--XyZ", content))
)


@given(TRICKY, st.lists(st.integers(0, 10_000), max_size=12))
def test_a_file_comes_out_as_it_went_in(content: bytes, places: list[int]):
    # Given a file full of what a form is made of, cut anywhere
    # When it is read
    name, chunks = _open_form(cut(form(content), places), BOUNDARY)
    # Then nothing is lost or added
    assert name == "a.mp4"
    assert b"".join(chunks) == content


class Broken:
    """A connection that is reset after so many bytes; before it gives what it is asked for."""

    def __init__(self, size: int) -> None:
        self.left = size

    def read(self, size: int) -> bytes:
        if size > self.left:
            raise ConnectionResetError
        self.left -= size
        return b"x" * size


def body_of(stream: Broken) -> Request:
    environ = create_environ(method="PATCH", headers={"Content-Length": "1000000"})
    return Request({**environ, "wsgi.input": stream, "wsgi.input_terminated": True})


def test_what_came_before_a_reset_is_given_out():
    # Given a body of 1 MB that is reset in the middle of a piece
    pieces = read_body(body_of(Broken(300_000)))
    # When it is read, then all came but for the last step, and the end is told
    assert len(next(pieces)) == PIECE_BYTES
    assert 300_000 - PIECE_BYTES - STEP_BYTES < len(next(pieces)) <= 300_000 - PIECE_BYTES
    with pytest.raises(MalformedRequest, match="broke off after 294912 bytes"):
        next(pieces)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_form_or_refused(body: bytes):
    try:
        _, chunks = _open_form(iter([body]), BOUNDARY)
        b"".join(chunks)
    except (MalformedRequest, InvalidRequest):
        return
    assert b"filename" in body


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("clip.mp4", "clip.mp4"),
        ("../../etc/passwd", "passwd"),
        ("C:\\videos\\clip.mp4", "clip.mp4"),
        ("..", "upload"),
        ("", "upload"),
        ("a\x00b\nc.mp4", "abc.mp4"),
        ("电影.mp4", "电影.mp4"),
        ("x" * 300, "x" * 255),
    ],
)
def test_a_files_name_is_only_a_name(given_name: str, kept: str):
    assert clean_filename(given_name) == kept
