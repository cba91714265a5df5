"""One message and its stream over a real socket: every way it may go well, and every way not."""

from __future__ import annotations

import json
import threading
import time
import zlib

import pytest

from service.nemo.dialect import EventKind, HeartbeatForm
from service.nemo.dialogue import StreamControl
from service.nemo.errors import BreakKind, StreamBroken
from tests.integration.nemo.scripted import (
    BEAT,
    DELTA,
    TEXT,
    TOKEN,
    TOOL,
    hang_up,
    sse,
    talk,
    wait_until,
)


@pytest.mark.rule("P-003", "P-050")
def test_the_request(server, client):
    server.script(sse(TEXT))
    talk(client)
    [seen] = server.seen
    assert (seen.method, seen.path) == ("POST", "/run_sse")
    assert seen.json == {
        "app_name": "nemo_agent",
        "user_id": "me",
        "session_id": "55297",
        "new_message": {"parts": [{"text": "add captions \u2028 字幕"}]},
    }
    assert seen.headers["accept"] == "text/event-stream"
    assert seen.headers["accept-encoding"] == "identity"
    assert seen.headers["x-request-id"] == "edt_1"
    assert seen.headers["authorization"] == f"Bearer {TOKEN}"
    assert seen.headers["x-skill-source"] == "caption-ab"


@pytest.mark.rule("P-065")
@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "close-delimited"])
def test_a_good_stream(server, client, chunked):
    server.script(sse(BEAT, TOOL, DELTA, TEXT, chunked=chunked))
    kinds = []
    said = talk(client, on_event=lambda event: kinds.append(event.kind))
    assert said.text == "Captions added."
    assert said.tools == ("edit_multitrack",)
    assert said.state_keys == ("draft",)
    assert (said.events, said.heartbeats) == (3, 1)
    assert said.closed_cleanly
    assert kinds == [
        EventKind.HEARTBEAT,
        EventKind.TOOL_CALL,
        EventKind.STATE_DELTA,
        EventKind.TEXT,
    ]


@pytest.mark.rule("P-059")
def test_all_five_heartbeats_are_seen(server, client):
    forms = []
    server.script(
        sse(
            BEAT,
            b"data:\n\n",
            b"data: heartbeat\n\n",
            b'data: {"type":"heartbeat"}\n\n',
            b"event: heartbeat\n\n",
            TEXT,
        )
    )
    said = talk(client, on_event=lambda e: forms.append(getattr(e, "form", None)))
    assert forms[:5] == [
        HeartbeatForm.COMMENT,
        HeartbeatForm.EMPTY_DATA,
        HeartbeatForm.WORD,
        HeartbeatForm.TYPED,
        HeartbeatForm.NAMED,
    ]
    assert said.heartbeats == 5


def test_a_silent_edit_ends_well(server, client):
    server.script(sse(TOOL, DELTA))
    said = talk(client)
    assert said.text == ""
    assert said.closed_cleanly


@pytest.mark.rule("P-065")
def test_a_close_delimited_end_without_text_proves_nothing(server, client):
    server.script(sse(TOOL, chunked=False))
    assert not talk(client).closed_cleanly


@pytest.mark.rule("P-062")
def test_an_event_arrives_at_once_in_either_framing(server, client):
    """Given a stream that pauses after an event, then the event is there during the pause."""
    for chunked in (True, False):
        seen = []

        def pausing(exchange, chunked=chunked):
            exchange.begin(chunked=chunked)
            (exchange.chunk if chunked else exchange.raw)(TEXT)
            exchange.server.wait_released()

        server.released.clear()
        server.script(pausing)
        stop = StreamControl()
        reader = threading.Thread(target=lambda: _swallow(client, seen.append, stop))  # noqa: B023
        reader.start()
        wait_until(lambda: len(seen) == 1)  # noqa: B023
        stop.shutdown()
        reader.join(5)
        server.released.set()
        assert not reader.is_alive()


def _swallow(client, on_event, stop):
    with pytest.raises(StreamBroken):
        talk(client, on_event=on_event, stop=stop)


@pytest.mark.rule("P-066")
def test_a_gzipped_stream_is_read(server, client):
    """A proxy may compress although we asked it not to."""

    def gzipped(exchange):
        packer = zlib.compressobj(wbits=31)
        exchange.handler.send_response(200)
        exchange.handler.send_header("Content-Type", "text/event-stream")
        exchange.handler.send_header("Content-Encoding", "gzip")
        exchange.handler.send_header("Transfer-Encoding", "chunked")
        exchange.handler.end_headers()
        exchange.chunk(packer.compress(TOOL) + packer.flush(zlib.Z_SYNC_FLUSH))
        exchange.chunk(packer.compress(TEXT) + packer.flush())
        exchange.end()

    server.script(gzipped)
    said = talk(client)
    assert (said.text, said.tools) == ("Captions added.", ("edit_multitrack",))


@pytest.mark.rule("P-063")
def test_an_event_of_12_mib_is_read(server, client):
    big = b'data: {"actions":{"stateDelta":{"draft":"' + b"x" * (12 << 20) + b'"}}}\n\n'
    server.script(sse(big, TEXT))
    assert talk(client).state_keys == ("draft",)


@pytest.mark.rule("P-063")
def test_an_event_above_16_mib_breaks_the_stream(server, client):
    server.script(sse(TOOL, b"data: " + b"x" * (17 << 20), end=False))
    with pytest.raises(StreamBroken) as broken:
        talk(client)
    assert broken.value.kind is BreakKind.OVERSIZE
    assert broken.value.transcript.tools == ("edit_multitrack",)


@pytest.mark.rule("P-064", "P-067")
@pytest.mark.parametrize(
    "script",
    [sse(TOOL, end=False), sse(TOOL, b"data: {cut", chunked=False), hang_up],
    ids=["chunked", "close-delimited in an event", "before the reply"],
)
def test_a_cut_stream_may_have_arrived(server, client, script):
    """Whatever is lost after the message was written: one POST, and never a clean refusal."""
    server.script(script)
    with pytest.raises(StreamBroken) as broken:
        talk(client)
    assert broken.value.kind is BreakKind.CUT
    assert len(server.seen) == 1


def test_a_broken_stream_keeps_what_was_read(server, client):
    server.script(sse(BEAT, TOOL, TEXT, end=False))
    with pytest.raises(StreamBroken) as broken:
        talk(client)
    assert broken.value.events == 2
    assert broken.value.transcript.text == "Captions added."
    assert broken.value.info.as_dict()["kind"] == "cut"


@pytest.mark.rule("P-053")
@pytest.mark.parametrize("started", [True, False], ids=["within", "before the reply"])
def test_a_silent_socket_is_left(server, make_client, started):
    def silent(exchange):
        if started:
            exchange.begin()
            exchange.chunk(TOOL)
        exchange.server.wait_released()

    server.script(silent)
    with pytest.raises(StreamBroken) as broken:
        talk(make_client(silence_s=0.15))
    assert broken.value.kind is BreakKind.SILENT
    assert len(server.seen) == 1


@pytest.mark.rule("P-052")
def test_heartbeats_alone_run_into_the_idle_limit(server, make_client, clock):
    """Given a heartbeat every 100 s after one real event, then at 600 s the stream is left."""
    server.script(sse(TOOL, *[BEAT] * 20, end=False))
    beats = []

    def tick(event):
        if event.kind is EventKind.HEARTBEAT:
            beats.append(event)
            clock.advance(100)

    with pytest.raises(StreamBroken) as broken:
        talk(make_client(total_s=10_000.0), on_event=tick)
    assert broken.value.kind is BreakKind.IDLE
    assert len(beats) >= 6


@pytest.mark.rule("P-051")
def test_real_events_hold_off_the_idle_limit_but_not_the_total(server, client, clock):
    server.script(sse(*[TOOL] * 20))
    seen = []

    def tick(event):
        seen.append(event)
        clock.advance(100)

    with pytest.raises(StreamBroken) as broken:
        talk(client, on_event=tick)
    assert broken.value.kind is BreakKind.TOTAL
    assert broken.value.transcript.duration_s >= 900


def test_another_thread_stops_the_stream(server, client):
    """Given a blocked reader, when shutdown is called, then it wakes at once."""

    def endless(exchange):
        exchange.begin()
        exchange.chunk(TOOL)
        exchange.server.wait_released()

    server.script(endless)
    stop, seen, ends = StreamControl(), [], []

    def read():
        try:
            talk(client, on_event=seen.append, stop=stop)
        except StreamBroken as broken:
            ends.append((broken.kind, time.monotonic()))

    reader = threading.Thread(target=read)
    reader.start()
    wait_until(lambda: bool(seen))
    stopped_at = time.monotonic()
    stop.shutdown()
    stop.shutdown()
    reader.join(5)
    [(kind, ended_at)] = ends
    assert kind is BreakKind.STOPPED
    assert ended_at - stopped_at < 0.5


@pytest.mark.rule("P-014", "P-078")
def test_errors_within_the_stream_are_evidence(server, client):
    fault = json.dumps({"error": f"RuntimeError: boom {TOKEN}"}).encode()
    server.script(sse(TOOL, b"data: " + fault + b"\n\n"))
    said = talk(client)
    assert said.errors
    assert TOKEN not in repr(said)
    assert said.closed_cleanly


def test_two_messages_use_the_same_client(server, client):
    server.script(sse(TEXT), sse(TOOL))
    assert talk(client).text
    assert talk(client).tools
