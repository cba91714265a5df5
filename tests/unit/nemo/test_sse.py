"""The decoder against the WHATWG rules: named vectors, an independent oracle, bounds."""

from __future__ import annotations

import itertools
import re
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.nemo.errors import EventTooLong
from service.nemo.sse import SseDecoder, SseEvent
from tests.growth import is_about_linear


def decode(*chunks: bytes, limit: int = 1 << 24) -> list[tuple[str, str, str]]:
    decoder = SseDecoder(limit)
    return [(e.name, e.data, e.last_id) for chunk in chunks for e in decoder.feed(chunk)]


def message(data: str, last_id: str = "") -> tuple[str, str, str]:
    return ("message", data, last_id)


VECTORS = {
    "one event": (b"data: a\n\n", [message("a")]),
    "two events": (b"data: a\n\ndata: b\n\n", [message("a"), message("b")]),
    "CR only": (b"data: a\rdata: b\r\r", [message("a\nb")]),
    "CRLF only": (b"data: a\r\n\r\ndata: b\r\n\r\n", [message("a"), message("b")]),
    "mixed CRLF and LF blank lines": (
        b"data: a\r\n\ndata: b\n\r\ndata: c\r\r\n\n",
        [message("a"), message("b"), message("c")],
    ),
    "CR CR LF is two line ends": (b"data: a\r\r\ndata: b\n\n", [message("a"), message("b")]),
    "BOM": (b"\xef\xbb\xbfdata: a\n\n", [message("a")]),
    "second BOM is content": (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []),
    "BOM later is content": (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [message("a")]),
    "half a BOM is content": (b"\xef\xbbdata: a\n\ndata: b\n\n", [message("b")]),
    "no blank line at the end drops the event": (b"data: a\n\ndata: b\n", [message("a")]),
    "no line end at the end drops the event": (b"data: a\n\ndata: b", [message("a")]),
    "comment": (b": heartbeat\n\ndata: a\n\n", [message("a")]),
    "comment within an event": (b"data: a\n: x\ndata: b\n\n", [message("a\nb")]),
    "comments only": (b":\n\n: \n\n:x\n", []),
    "empty data": (b"data:\n\n", [message("")]),
    "empty data with a space": (b"data: \n\n", [message("")]),
    "data without a colon": (b"data\n\n", [message("")]),
    "two empty data lines": (b"data\ndata\n\n", [message("\n")]),
    "the standard's three blocks": (b"data\n\ndata\ndata\n\ndata:", [message(""), message("\n")]),
    "named heartbeat without data": (b"event: heartbeat\n\ndata: a\n\n", [message("a")]),
    "named heartbeat with empty data": (b"event: heartbeat\ndata:\n\n", [("heartbeat", "", "")]),
    "empty event name": (b"event:\ndata: a\n\n", [message("a")]),
    "event name does not stick": (
        b"event: x\ndata: a\n\ndata: b\n\n",
        [("x", "a", ""), message("b")],
    ),
    "last event name counts": (b"event: x\nevent: y\ndata: a\n\n", [("y", "a", "")]),
    "id sticks": (b"id: 7\ndata: a\n\ndata: b\n\n", [message("a", "7"), message("b", "7")]),
    "id with NUL is ignored": (b"id: 1\nid: a\x00b\ndata: a\n\n", [message("a", "1")]),
    "id alone dispatches nothing but counts": (b"id: 3\n\ndata: a\n\n", [message("a", "3")]),
    "empty id resets": (b"id: 3\ndata: a\n\nid\ndata: b\n\n", [message("a", "3"), message("b")]),
    "retry alone": (b"retry: 1000\n\ndata: a\n\n", [message("a")]),
    "retry that is no number": (b"retry: 1s\ndata: a\n\n", [message("a")]),
    "U+2028 stays": ("data: x\u2028y\n\n".encode(), [message("x\u2028y")]),
    "U+0085 stays": ("data: x\u0085y\n\n".encode(), [message("x\u0085y")]),
    "VT, FF, FS, GS, RS stay": (
        b"data: a\x0bb\x0cc\x1cd\x1de\x1e\n\n",
        [message("a\x0bb\x0cc\x1cd\x1de\x1e")],
    ),
    "multi-line data keeps inner spaces": (b"data:  a\ndata:b \n\n", [message(" a\nb ")]),
    "one leading space goes": (b"data:   a\n\n", [message("  a")]),
    "a leading tab stays": (b"data:\ta\n\n", [message("\ta")]),
    "trailing newlines of data stay": (b"data: a\ndata:\ndata:\n\n", [message("a\n\n")]),
    "colons in data": (b"data: a: b:c\n\n", [message("a: b:c")]),
    "unknown field": (b"foo: bar\ndata: a\n\n", [message("a")]),
    "field names know case": (b"DATA: a\nData: b\n\n", []),
    "a space before the field": (b" data: a\n\n", []),
    "a space before the colon": (b"data : a\n\n", []),
    "invalid UTF-8 is replaced": (b"data: \xff\xfe\n\n", [message("\ufffd\ufffd")]),
    "cut UTF-8 at a line's end": (b"data: \xe2\x80\n\n", [message("\ufffd")]),
    "a surrogate is three replacements": (b"data: \xed\xa0\x80\n\n", [message("\ufffd" * 3)]),
    "Chinese": ("data: 字幕\n\n".encode(), [message("字幕")]),
    "NUL in data stays": (b"data: a\x00b\n\n", [message("a\x00b")]),
    "many blank lines": (b"\n\n\r\n\rdata: a\n\n\n\n", [message("a")]),
    "empty stream": (b"", []),
}


@pytest.mark.rule("P-061")
@pytest.mark.parametrize(("stream", "expected"), VECTORS.values(), ids=VECTORS.keys())
@pytest.mark.parametrize("piece", [1 << 20, 1, 2, 3], ids=["whole", "1 byte", "2 bytes", "3 bytes"])
def test_vector(stream, expected, piece):
    """Each vector decodes the same whole and in pieces (BOM, CRLF and UTF-8 split included)."""
    chunks = [stream[at : at + piece] for at in range(0, len(stream), piece)]
    assert decode(*chunks) == expected


def test_cr_dispatches_without_looking_ahead():
    """An event whose blank line is a lone CR comes at once, not with the next chunk."""
    assert decode(b"data: a\r\r") == [message("a")]


def test_empty_chunk_between_cr_and_lf():
    """An empty chunk in a split CRLF does not make a blank line of the LF."""
    assert decode(b"data: a\r", b"", b"\ndata: b\n\n") == [message("a\nb")]


def test_counts_signs_of_life():
    """Comments and data-less named events are counted although they dispatch nothing."""
    decoder = SseDecoder()
    events = list(decoder.feed(b": a\n:b\n\nevent: heartbeat\n\nretry: 50\n\ndata: x\n\n"))
    assert events == [SseEvent("message", "x")]
    assert (decoder.comments, decoder.dataless, decoder.events) == (2, 1, 1)
    assert decoder.retry_ms == 50
    assert decoder.bytes_read == 46


def test_huge_retry_is_ignored():
    """Given a retry of 5,000 digits, then it is no number of ours and nothing fails."""
    decoder = SseDecoder()
    list(decoder.feed(b"retry: " + b"9" * 5000 + b"\n"))
    assert decoder.retry_ms is None


@pytest.mark.rule("P-064")
@pytest.mark.parametrize(
    ("stream", "pending"),
    [
        (b"data: a\n\n", False),
        (b"data: a\n", True),
        (b"dat", True),
        (b"event: x\n", True),
        (b"\xef", True),
        (b"", False),
    ],
)
def test_pending_tells_a_cut_event(stream, pending):
    decoder = SseDecoder()
    list(decoder.feed(stream))
    assert decoder.pending is pending


@pytest.mark.parametrize("piece", [7, 1 << 20])
def test_limit_counts_one_event(piece):
    """Given events of 60 bytes and one of 200, when the limit is 100, then that one refuses."""
    small = b"data: " + b"x" * 54 + b"\n\n"
    big = b"data: " + b"y" * 90 + b"\ndata: " + b"y" * 90 + b"\n\n"
    stream = small * 5 + big
    decoder = SseDecoder(100)
    seen = []

    def feed():
        for at in range(0, len(stream), piece):
            seen.extend(decoder.feed(stream[at : at + piece]))

    with pytest.raises(EventTooLong):
        feed()
    assert len(seen) == 5


def test_limit_counts_an_endless_line():
    """A line without an end is refused, so that memory stays bounded."""
    decoder = SseDecoder(1000)
    list(decoder.feed(b": " + b"z" * 990))
    with pytest.raises(EventTooLong):
        list(decoder.feed(b"z" * 10))


def test_large_event_takes_linear_time():
    """Given 8 MiB in one event of 128-byte chunks, then its cost is about linear."""

    def decode(size: int) -> None:
        line = b"data: " + b"x" * size + b"\n\n"
        decoder = SseDecoder()
        events = [e for at in range(0, len(line), 128) for e in decoder.feed(line[at : at + 128])]
        assert len(events[0].data) == size

    assert is_about_linear(decode, 8 << 20)


def test_many_events_take_flat_memory():
    decoder = SseDecoder()
    tracemalloc.start()
    for _ in range(2000):
        for _event in decoder.feed(b"data: " + b"x" * 1000 + b"\n\n"):
            pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200_000


def oracle(stream: bytes) -> list[tuple[str, str, str]]:
    """The standard's algorithm once more, slow and in text."""
    text = stream.decode("utf-8", "replace").removeprefix("\ufeff")
    lines = re.split("\r\n|\r|\n", text)[:-1]
    events, data, name, last_id = [], None, "", ""
    for line in lines:
        if line == "":
            if data is not None:
                events.append((name or "message", data[:-1], last_id))
            data, name = None, ""
            continue
        if line[0] == ":":
            continue
        field, colon, value = line.partition(":")
        value = value[1:] if colon and value[:1] == " " else value
        if field == "data":
            data = (data or "") + value + "\n"
        elif field == "event":
            name = value
        elif field == "id" and "\0" not in value:
            last_id = value
    return events


TOKENS = st.sampled_from(
    [
        b"data",
        b"data:",
        b"data: ",
        b"event: ",
        b"id: ",
        b"retry: ",
        b":",
        b" ",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"x",
        b"7",
        b"\x00",
        b"\xef\xbb\xbf",
        b"\xef",
        b"\xe2\x80\xa8",
        b"\xc2\x85",
        b"\xff",
        b"\xe5\xad",
        b"heartbeat",
        b'{"a":1}',
    ]
)


@pytest.mark.rule("P-061")
@settings(max_examples=600, deadline=None)
@given(st.lists(TOKENS | st.binary(max_size=6), max_size=40), st.data())
def test_chunking_changes_nothing(tokens, data):
    """Whatever the bytes and wherever they are cut, the events are the oracle's."""
    stream = b"".join(tokens)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=12).map(sorted))
    edges = [0, *cuts, len(stream)]
    chunks = [stream[a:b] for a, b in itertools.pairwise(edges)]
    assert decode(*chunks) == oracle(stream) == decode(stream)
