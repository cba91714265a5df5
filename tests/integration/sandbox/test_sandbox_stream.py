"""What may go wrong in an event stream, and what else may travel in it (protocol 4)."""

from __future__ import annotations

import gzip
import json
import socket
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from sandbox.server import RunningSandbox

BROKEN = (requests.exceptions.ChunkedEncodingError, requests.ConnectionError)


@pytest.fixture
def uploaded(caller: Any, clip: Path) -> str:
    session_id: str = caller.session()
    caller.upload(session_id, clip)
    return session_id


@pytest.fixture
def switch(sandbox: RunningSandbox) -> Any:
    return lambda **changes: sandbox.world.board.set(changes)


def captions(caller: Any, session_id: str) -> int:
    """Counts the text segments of a session's draft."""
    draft = caller.state(session_id)["draft"] or {"t": []}
    return sum(len(track["sg"]) for track in draft["t"] if track["tt"] == 7)


def wait_for_last_stream(sandbox: RunningSandbox) -> None:
    """Waits until what follows from the end of every stream is planned."""
    until_s = time.monotonic() + 10
    while sandbox.books["streams"]:
        assert time.monotonic() < until_s, "a stream did not end"
        time.sleep(0.005)


def raw_reply(caller: Any, session_id: str, text: str) -> bytes:
    """Sends a message over a bare socket and returns all bytes of the reply."""
    message = {"parts": [{"text": text}]}
    fields = {"app_name": "nemo_agent", "user_id": "me", "session_id": session_id}
    body = json.dumps({**fields, "new_message": message})
    head = {"Host": "x", "Content-Type": "application/json", "Content-Length": str(len(body))}
    lines = [f"{name}: {value}" for name, value in {**caller.headers, **head}.items()]
    address = urlsplit(caller.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as line:
        line.sendall("\r\n".join(["POST /run_sse HTTP/1.1", *lines, "", body]).encode())
        pieces = []
        while piece := line.recv(65536):
            pieces.append(piece)
    return b"".join(pieces)


def test_a_stream_can_end_with_its_connection_without_chunks(
    switch: Any, caller: Any, uploaded: str, caption_message: str
) -> None:
    switch(sse_framing="close", heartbeat_form="none")
    head, _, body = raw_reply(caller, uploaded, caption_message).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"Transfer-Encoding" not in head
    assert b"Content-Length" not in head
    assert body.startswith(b"data: {")
    assert body.endswith(b"}\n\n")


@pytest.mark.parametrize("framing", ["chunked", "close"])
def test_a_stream_is_cut_in_the_middle_of_a_line(
    switch: Any, caller: Any, uploaded: str, caption_message: str, framing: str
) -> None:
    switch(sse_framing=framing, drop_after_events=2, drop_in_line=True, heartbeat_form="none")
    reply = raw_reply(caller, uploaded, caption_message)
    # the first event is whole, the second lacks its end, and so does the body
    assert reply.count(b"data: {") == 2
    assert reply.count(b"}\n\n") == 1
    assert not reply.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize(("kind", "beats"), [("heartbeats", 30), ("silence", 0)])
@pytest.mark.parametrize(("moment", "edited"), [("before_edit", 0), ("after_edit", 2)])
def test_a_stream_stalls(
    switch: Any, caller: Any, uploaded: str, caption_message: str, kind: str, beats: int,
    moment: str, edited: int,
) -> None:  # fmt: skip
    """Given 3,600 s of nothing, on a clock that waits for the test."""
    switch(clock="manual", edit_s=0.0, stall=kind, stall_at=moment, heartbeat_every_s=100.0)
    with caller.say(uploaded, caption_message, stream=True) as reply:
        lines = reply.iter_lines(chunk_size=1)
        first = [next(lines) for _ in range(1 if moment == "before_edit" else 3)]
        assert all(b"tool" in line.lower() or b"function" in line or not line for line in first)
        assert captions(caller, uploaded) == edited
        # When an hour passes in steps, then it goes on and ends
        seen = 0
        for _ in range(40):
            caller.post("/_sandbox/clock", {"advance_s": 100.0})
            if kind == "heartbeats" and seen < beats:
                seen += sum(next(lines) == b"data:" for _ in range(2))
        rest = list(lines)
    assert seen == beats
    assert any(b"2 captions" in line for line in rest)
    assert captions(caller, uploaded) == 2


def test_thoughts_pieces_and_pictures_travel_beside_the_text(
    switch: Any, caller: Any, uploaded: str, caption_message: str, read_events: Any
) -> None:
    switch(thought_parts=True, partial_events=True, inline_blob_kb=2)
    events = read_events(caller.say(uploaded, caption_message))
    parts = [(event, event["content"]["parts"][0]) for event in events]
    assert [part["text"] for _, part in parts if part.get("thought")]
    assert [len(part["inlineData"]["data"]) for _, part in parts if "inlineData" in part] == [2732]
    pieces = [part["text"] for event, part in parts if event.get("partial")]
    whole = parts[-1][1]["text"]
    assert len(pieces) == 3
    assert "".join(pieces) == whole


def test_the_same_in_the_simple_dialect(
    switch: Any, caller: Any, uploaded: str, caption_message: str, read_events: Any
) -> None:
    switch(sse_dialect="simple", thought_parts=True, partial_events=True, inline_blob_kb=1)
    events = read_events(caller.say(uploaded, caption_message))
    kinds = ["thinking_delta", "tool_call", "media", "tool_result", *["chunk"] * 3, "text"]
    assert [event["type"] for event in events] == kinds


def test_one_event_can_be_megabytes(
    switch: Any, caller: Any, uploaded: str, caption_message: str
) -> None:
    switch(big_event_kb=3000)
    reply = caller.say(uploaded, caption_message)
    assert max(len(line) for line in reply.content.split(b"\n")) > 6_000_000


@pytest.mark.parametrize(
    ("form", "key"), [("error", "error_details"), ("code", "errorCode"), ("typed", "message")]
)
def test_an_error_has_three_forms(
    switch: Any, caller: Any, uploaded: str, caption_message: str, form: str, key: str,
    read_events: Any,
) -> None:  # fmt: skip
    switch(error_midstream="after_edit", error_form=form)
    assert key in read_events(caller.say(uploaded, caption_message))[-1]


@pytest.mark.parametrize(
    ("apology", "edited", "left"), [("instead", 0, 1000), ("after_edit", 2, 950)]
)
def test_an_apology_proves_nothing(
    switch: Any, caller: Any, uploaded: str, caption_message: str, apology: str, edited: int,
    left: int, read_events: Any, read_texts: Any,
) -> None:  # fmt: skip
    switch(apology=apology)
    reply = caller.say(uploaded, caption_message)
    assert len(read_events(reply)) == 1
    assert "could not complete" in read_texts(reply)[0]
    assert captions(caller, uploaded) == edited
    assert caller.balance()["total"] == left


@pytest.mark.parametrize(
    ("gui", "clicks", "drags"), [("none", 0, 0), ("few", 1, 0), ("many", 2, 2)]
)
def test_how_many_gui_phrases_there_are(
    switch: Any, caller: Any, uploaded: str, caption_message: str, gui: str, clicks: int,
    drags: int, read_texts: Any,
) -> None:  # fmt: skip
    switch(gui_phrases=gui)
    text = read_texts(caller.say(uploaded, caption_message))[-1]
    assert text.count("Click") + text.count("点击") == clicks
    assert text.count("Drag") + text.count("拖拽") == drags


def test_an_edit_is_applied_long_after_its_stream_was_cut(
    sandbox: RunningSandbox, switch: Any, caller: Any, uploaded: str, caption_message: str
) -> None:
    switch(clock="leap", drop_after_events=1, edit_applied="late", late_s=45.0)
    with pytest.raises(BROKEN):
        caller.say(uploaded, caption_message, "late-1")
    # which the client may see before the sandbox has planned what follows
    wait_for_last_stream(sandbox)
    # Then it is neither applied nor charged, though the credits are reserved
    caller.post("/_sandbox/clock", {"advance_s": 44.0})
    assert captions(caller, uploaded) == 0
    assert caller.balance() == {"available": 950, "frozen": 50, "total": 1000}
    # When 45 s have passed, then it is both
    caller.post("/_sandbox/clock", {"advance_s": 1.0})
    assert captions(caller, uploaded) == 2
    assert caller.balance() == {"available": 950, "frozen": 0, "total": 950}
    assert caller.get("/_sandbox/books/edits/late-1").json()["runs"][0]["outcome"] == "applied_late"


@pytest.mark.parametrize(("charged", "left"), [(False, 1000), (True, 950)])
def test_an_edit_is_never_applied_although_the_stream_ended_well(
    switch: Any, caller: Any, uploaded: str, caption_message: str, charged: bool, left: int,
    read_texts: Any,
) -> None:  # fmt: skip
    switch(edit_applied="never", charge_unapplied=charged)
    assert "Done" in read_texts(caller.say(uploaded, caption_message))[-1]
    assert captions(caller, uploaded) == 0
    assert caller.balance() == {"available": left, "frozen": 0, "total": left}


@pytest.mark.parametrize(("mode", "accepts", "packed"), [
    ("accepted", "gzip", True), ("accepted", "identity", False), ("always", "identity", True),
])  # fmt: skip
def test_replies_and_streams_can_be_packed(
    switch: Any, caller: Any, uploaded: str, mode: str, accepts: str, packed: bool
) -> None:
    switch(gzip=mode)
    for reply in (
        requests.get(
            f"{caller.url}/api/credits/balance/simple",
            headers={**caller.headers, "Accept-Encoding": accepts}, stream=True, timeout=10,
        ),
        requests.post(
            f"{caller.url}/run_sse",
            json={
                "app_name": "nemo_agent", "user_id": "me", "session_id": uploaded,
                "new_message": {"parts": [{"text": "hello"}]},
            },
            headers={**caller.headers, "Accept-Encoding": accepts}, stream=True, timeout=10,
        ),
    ):  # fmt: skip
        content = reply.raw.read(decode_content=False)
        assert (reply.headers.get("Content-Encoding") == "gzip") == packed
        text = gzip.decompress(content) if packed else content
        assert b'"code":0' in text or b"changed nothing" in text
