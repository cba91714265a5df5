"""What is read out of a recording."""

from __future__ import annotations

import pytest

from service.clock import FakeClock
from service.nemo import probe_findings as findings
from service.nemo.recording import Content, Recorded

ADK = b'data: {"content":{"parts":[{"text":"Hi"}]},"author":"nemo_agent"}\n\n'
SIMPLE = b'data: {"type":"text","content":"Hi"}\n\n'


def stream(*pieces: tuple[int, bytes], headers=(("Transfer-Encoding", "chunked"),)) -> Recorded:
    reply = Content(1_000_000)
    for _, piece in pieces:
        reply.take(piece)
    return Recorded(
        number=1,
        step="edit",
        method="POST",
        url="/run_sse",
        request_headers=(),
        request=Content(0),
        reply=reply,
        started_ms=FakeClock().now_ms(),
        status=200,
        headers=headers,
        pieces=[(at_ms, len(piece)) for at_ms, piece in pieces],
        duration_ms=pieces[-1][0],
        ended=True,
    )


@pytest.mark.parametrize(
    ("event", "dialect"),
    [
        (ADK, "ADK (content.parts)"),
        (SIMPLE, "simple (type, content)"),
        (b'data: {"odd": 1}\n\n', "unknown"),
        (b"data: hello\n\n", "none seen"),
    ],
)
def test_dialects(event, dialect):
    assert findings.read_stream(stream((5, event))).dialect == dialect


@pytest.mark.parametrize(
    ("beat", "form"),
    [
        (b"data:\n\n", "empty_data"),
        (b"data: heartbeat\n\n", "word"),
        (b'data: {"type":"heartbeat"}\n\n', "typed"),
        (b"event: heartbeat\n\n", "named"),
        (b"event: heartbeat\ndata: 1\n\n", "named"),
        (b": ping\n\n", "comment"),
        (b": ping\r\n\r\n", "comment"),
    ],
)
def test_heartbeats_with_bytes_and_interval(beat, form):
    # Given two events with three heartbeats 2 s apart between them, when the stream is read,
    pieces = [(0, ADK), (2000, beat), (4000, beat), (6000, beat), (6500, ADK)]
    seen = findings.read_stream(stream(*pieces))
    # then form, bytes and interval are known, and events are not counted as heartbeats.
    assert seen.heartbeat_forms == (form,)
    assert seen.heartbeat_bytes == (repr(beat.decode())[1:-1],)
    assert (seen.heartbeats, seen.heartbeat_every_s, seen.events) == (3, 2.0, 2)


def test_a_heartbeat_inside_a_piece_counts_when_it_came():
    seen = findings.read_stream(
        stream((1000, ADK[:20]), (4000, ADK[20:] + b":\n\n"), (9000, b":\n\n"))
    )
    assert seen.heartbeat_every_s == 5.0
    assert seen.longest_silence_s == 5.0


def test_nothing_in_a_stream_can_raise():
    body = b'data: {"a":{"b":{}}}\n\ndata: {"type":5}\n\ndata: [1]\n\ndata: \xff\xfe\n\n\n\n:'
    assert findings.read_stream(stream((1, body))).events == 2


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"taskId":"r","status":"completed","output":{"url":"u"}}', "S1"),
        (b'{"success":true,"data":{"status":"completed","outputUrl":"u"}}', "S2"),
        (b'{"code":0,"data":{"status":"pending"}}', "envelope"),
        (b'{"data":{"status":"pending"}}', "data without an envelope"),
        (b"<html>", "no JSON object"),
        (b'{"x":1}', "none of the documented shapes"),
    ],
)
def test_render_shapes(body, name):
    assert findings.render_shape(body).startswith(name)


def test_a_shape_tells_types_and_never_values():
    shape = findings.render_shape(
        b'{"success":true,"data":{"id":"secret","progress":7.5,"n":null}}'
    )
    assert shape.endswith("`{success: bool, data: {id: text, progress: number, n: null}}`")


def test_draft_keys_by_place():
    draft = {
        "d": 1000,
        "m": {"width": 1},
        "t": [{"tt": 7, "sg": [{"text": "x", "style": {"size": 1.5}}, {"d": 5}]}, "odd"],
    }
    assert findings.draft_keys(draft) == {
        "draft": ["d (int)", "m.width (int)", "t (list)"],
        "track": ["sg (list)", "tt (int)"],
        "segment of a track of type 7": ["d (int)", "style.size (number)", "text (text)"],
    }
    assert findings.draft_keys(None) == {}


def test_tracks_are_counted():
    draft = {"t": [{"tt": 0, "sg": [{}]}, {"tt": 7, "sg": [{}, {}]}, {"tt": 7}]}
    assert findings.count_tracks(draft) == {"type 0": 1, "type 7": 2}


def test_lifetime_hints_show_times_and_no_signature():
    url = "https://x.net/a.mp4?X-Amz-Expires=3600&X-Amz-Signature=abcdef&Expires=key-like-value"
    hints = findings.lifetime_hints(url, [("Cache-Control", "max-age=60"), ("ETag", "x")])
    assert hints == ["X-Amz-Expires=3600", "Expires=...", "Cache-Control: max-age=60"]


def test_an_address_without_parameters_is_told_as_such():
    assert "not a signed address" in findings.lifetime_hints("https://x.net/a.mp4", [])[0]
