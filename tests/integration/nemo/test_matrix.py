"""The happy path over every combination of what the backend may look like on the wire.

Its documents leave open which dialect its streams speak, how it shows that it is alive, which shape
a render's answer has, and whether an error is a status or an envelope. All of them have to do.
"""

from __future__ import annotations

import time
import uuid
from itertools import product
from urllib.parse import urlsplit

import pytest

from sandbox.config import SandboxConfig
from sandbox.server import start_sandbox
from sandbox.switches import Switches
from service.clock import FakeClock
from service.nemo import errors
from service.nemo.client import NemoClient
from service.nemo.dialogue import StreamControl
from service.nemo.fingerprints import fingerprint
from service.nemo.headers import Platform
from service.nemo.limits import Limits
from service.nemo.render import RenderState
from service.nemo.timeline import find_caption_texts
from service.outbound.guard import Policy
from service.outbound.session import open_session

#: Ten seconds of an edit, a heartbeat each 0.7 s and 25 s of a render, on a clock that leaps.
LEAPING = Switches(clock="leap", edit_s=10.0, heartbeat_every_s=0.7, silent_rate=0.0, render="copy")
BEATS = 14
DIALECTS = ("adk", "simple")
HEARTBEATS = ("empty", "word", "json", "event", "comment", "none")
SHAPES = ("s1", "s2", "envelope")
ERRORS = ("envelope 200", "real status")
MATRIX = tuple(product(DIALECTS, HEARTBEATS, SHAPES, ERRORS))
ASK = (
    "Add captions in the outline style.\n```srt\n"
    "1\n00:00:00,200 --> 00:00:01,000\nCold brew\n\n"
    "2\n00:00:01,000 --> 00:00:01,800\nin ten seconds\n```"
)
STATE = "GET /api/state/nemo_agent/me/<session_id>/latest"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    started = start_sandbox(SandboxConfig(tmp_path_factory.mktemp("sandbox"), switches=LEAPING))
    yield started
    started.stop()


@pytest.fixture(params=MATRIX, ids=["-".join(case) for case in MATRIX])
def case(request, running):
    """A backend of one combination, with empty books."""
    dialect, heartbeat, shape, error = request.param
    running.world.board.set(
        {
            "sse_dialect": dialect,
            "heartbeat_form": heartbeat,
            "render_shape": shape,
            "real_http_status": error == "real status",
        }
    )
    running.world.books.reset()
    yield request.param
    running.world.board.reset()
    running.world.books.reset()
    running.world.clear()


@pytest.fixture
def client(running):
    """The client over the guarded sessions of production, loopback open for this port alone."""
    ports = frozenset({urlsplit(running.url).port})
    policy = Policy(name="backend", allow_http=True, loopback_ports=ports)

    def guarded():
        return open_session(policy, connect_s=20, read_s=60)

    api, results = guarded(), guarded()
    yield NemoClient(
        running.url,
        api,
        results,
        platform=Platform.UNKNOWN,
        limits=Limits(
            connect_s=20, read_s=60, silence_s=60
        ),  # real time: only a hang takes so long
        clock=FakeClock(),
        open_session=guarded,
    )
    api.close()
    results.close()


def upload(client, token, session_id, clip):
    content = clip.read_bytes()
    client.upload(
        token, session_id, filename="small.mp4", size=len(content), chunks=[content],
        content_type="video/mp4",
    )  # fmt: skip


def ask(client, token, session_id, edit_id):
    return client.converse(
        token, session_id, ASK, edit_id=edit_id, on_event=id, stop=StreamControl()
    )


def polled(running, client, token, render_id):
    """What a poll sees at once, after 5 s and after 20 s more, when the copy has been made too."""
    seen = [client.poll_render(token, render_id)]
    for wait_s in (5.0, 20.0):
        running.world.clock.advance(wait_s)
        seen.append(client.poll_render(token, render_id))
    until_s = time.monotonic() + 30
    while seen[-1].status is RenderState.PROCESSING and time.monotonic() < until_s:
        time.sleep(0.02)
        seen[-1] = client.poll_render(token, render_id)
    return seen


def joined(pieces):
    with pieces as opened:
        return b"".join(opened)


def assert_refusals(client, token, session_id):
    """What is refused on the way is told apart in this combination too."""
    with pytest.raises(errors.TokenRejected):
        client.state("nmv_usr_nobody", session_id)
    with pytest.raises(errors.SessionLost):
        client.state(token, "5529798700000000009")
    with pytest.raises(errors.SessionLost):
        ask(client, token, "5529798700000000009", "edt_foreign")
    with pytest.raises(errors.RenderUnknown):
        client.poll_render(token, "render_nobody")


@pytest.mark.rule("P-111")
def test_the_happy_path_in_every_combination(running, case, client, small_clip):
    _, heartbeat, _, error = case
    token, edit_id, render_id = (
        f"nmv_usr_sbx_{uuid.uuid4().hex[:8]}_1000", f"edt_{uuid.uuid4()}", f"render_{uuid.uuid4()}"
    )  # fmt: skip
    # Given a session with a clip, and callers who were refused
    session_id = client.create_session(token, language="en").session_id
    upload(client, token, session_id, small_clip)
    assert_refusals(client, token, session_id)
    before = client.state(token, session_id)
    # When captions are asked for
    said = ask(client, token, session_id, edit_id)
    # Then the stream is understood to the last event, and the state has the captions
    assert "2 captions" in said.text
    assert said.tools == ("edit_multitrack",)
    assert said.closed_cleanly
    assert (said.unknown, said.errors, said.failed_tools) == (0, (), ())
    assert said.heartbeats == (0 if heartbeat == "none" else BEATS)
    after = client.state(token, session_id)
    assert fingerprint(after) != fingerprint(before)
    assert find_caption_texts(after.draft) == ("Cold brew", "in ten seconds")
    assert client.credits(token).available == 950
    # When it is rendered under one id, then the render is seen pending, at work and completed
    order = {"render_id": render_id, "session_id": session_id, "draft": after.draft, "output": {}}
    client.submit_render(token, edit_id=edit_id, **order)
    with pytest.raises(errors.DuplicateRender):
        client.submit_render(token, edit_id=edit_id, **order)
    seen = polled(running, client, token, render_id)
    assert [each.status for each in seen] == [
        RenderState.PENDING,
        RenderState.PROCESSING,
        RenderState.COMPLETED,
    ]
    # and both ways to the result give the same video
    assert joined(client.download(seen[-1].url, max_bytes=10_000_000)) == small_clip.read_bytes()
    fallback = client.download_fallback(token, render_id, max_bytes=10_000_000)
    assert joined(fallback) == small_clip.read_bytes()
    # and the books agree
    books = running.books
    assert books["edits"] == {edit_id: 1}
    assert (books["orphaned_renders"], books["without_attribution"]) == ([], {})
    assert books["auth_on_cdn"] == []
    refused = [row["status"] for row in books["request_log"] if row["route"] == STATE]
    assert refused[:2] == ([401, 404] if error == "real status" else [200, 200])


ODDITIES = {
    "closed without chunks": {"sse_framing": "close"},
    "packed": {"gzip": "always"},
    "packed if accepted": {"gzip": "accepted"},
    "codes as text": {"code_form": "text"},
    "draft as text": {"draft_form": "text"},
    "empty draft": {"empty_draft": "object"},
    "no draft": {"empty_draft": "absent"},
    "nameless": {"hide_user": True},
    "thoughts": {"thought_parts": True},
    "pieces": {"partial_events": True},
    "pictures": {"inline_blob_kb": 256},
    "megabytes": {"big_event_kb": 3000},
    "trouble at the end": {"trailing_text": True},
    "gui phrases": {"gui_phrases": "many"},
    "capitals": {"status_words": "upper"},
    "other words": {"status_words": "synonym"},
    "progress as share": {"progress_form": "share"},
    "no progress": {"progress_form": "none"},
    "fallback as json": {"fallback": "json"},
    "fallback redirects": {"fallback": "redirect"},
}


@pytest.mark.rule("P-066", "P-132")
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("oddity", ODDITIES)
def test_the_happy_path_with_what_else_may_be_different(
    running, client, small_clip, oddity, dialect
):
    """Given one oddity that a tolerant client overlooks (protocol 10), then it ends as ever."""
    running.world.board.set({**ODDITIES[oddity], "sse_dialect": dialect})
    token, render_id = f"nmv_usr_sbx_{uuid.uuid4().hex[:8]}_1000", f"render_{uuid.uuid4()}"
    try:
        session_id = client.create_session(token, language="en").session_id
        upload(client, token, session_id, small_clip)
        assert not client.state(token, session_id).exportable
        said = ask(client, token, session_id, f"edt_{uuid.uuid4()}")
        assert said.text.count("2 captions") == 1
        assert "temporary issue" not in said.text
        assert "I will call" not in said.text
        assert said.closed_cleanly
        after = client.state(token, session_id)
        assert after.exportable
        assert find_caption_texts(after.draft) == ("Cold brew", "in ten seconds")
        client.submit_render(
            token, render_id=render_id, session_id=session_id, draft=after.draft, output={}
        )
        done = polled(running, client, token, render_id)[-1]
        assert done.status is RenderState.COMPLETED
        assert joined(client.download(done.url, max_bytes=10_000_000)) == small_clip.read_bytes()
        fallback = client.download_fallback(token, render_id, max_bytes=10_000_000)
        assert joined(fallback) == small_clip.read_bytes()
    finally:
        running.world.board.reset()


def test_the_matrix_is_whole():
    """A combination nobody runs would be a shape nobody has seen."""
    assert len(MATRIX) == len(set(MATRIX)) == 72
