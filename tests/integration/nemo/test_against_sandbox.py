"""The client and the sandbox, each written from the protocol alone, against each other."""

from __future__ import annotations

import hashlib
import threading
import time
import uuid
from urllib.parse import urlsplit

import pytest

from sandbox.config import SandboxConfig
from sandbox.server import start_sandbox
from sandbox.switches import Switches
from service.clock import AnchoredClock, FakeClock
from service.errors import AddressRefused
from service.nemo import errors
from service.nemo.client import NemoClient
from service.nemo.dialogue import StreamControl
from service.nemo.downloads import Downloads
from service.nemo.errors import BreakKind
from service.nemo.fingerprints import fingerprint
from service.nemo.headers import Platform
from service.nemo.limits import Limits
from service.nemo.render import RenderState
from service.nemo.timeline import find_caption_texts, summarise_timeline
from service.outbound.guard import Policy
from service.outbound.session import open_session
from tests.integration.nemo.scripted import ScriptedServer, answer

QUICK = Switches(
    edit_s=0.1, heartbeat_every_s=0.02, silent_rate=0.0, pending_s=0, processing_s=0, render="copy"
)
ASK = (
    "Add captions in the outline style.\n```srt\n"
    "1\n00:00:00,200 --> 00:00:01,000\nCold brew\n\n"
    "2\n00:00:01,000 --> 00:00:01,800\nin ten seconds\n```"
)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    running = start_sandbox(
        SandboxConfig(tmp_path_factory.mktemp("sandbox"), switches=QUICK, preset="ultrafast")
    )
    yield running
    running.stop()


@pytest.fixture
def switch(sandbox):
    yield lambda **changes: sandbox.world.board.set(changes)
    sandbox.world.board.set({name: getattr(QUICK, name) for name in QUICK.__dataclass_fields__})


@pytest.fixture
def client(sandbox):
    """The client over the guarded sessions of production, loopback open for this port alone."""
    ports = frozenset({urlsplit(sandbox.url).port})
    policy = Policy(name="backend", allow_http=True, loopback_ports=ports)

    def guarded():
        return open_session(policy, connect_s=2, read_s=5)

    api, results = guarded(), guarded()
    clock = AnchoredClock(lambda: time.time_ns() // 1_000_000, 10.0)
    limits = Limits(connect_s=2, read_s=5, silence_s=5, backoff_s=(0.01, 0.02, 0.04))
    yield NemoClient(
        sandbox.url,
        api,
        results,
        platform=Platform.UNKNOWN,
        limits=limits,
        clock=clock,
        open_session=guarded,
    )
    api.close()
    results.close()


@pytest.fixture
def token():
    return f"nmv_usr_sbx_{uuid.uuid4().hex[:8]}_1000"


def open_and_upload(client, token, clip):
    session = client.create_session(token, language="en")
    client.upload(
        token, session.session_id, filename="small.mp4", size=clip.stat().st_size,
        chunks=lambda: [clip.read_bytes()], content_type="video/mp4",
    )  # fmt: skip
    return session.session_id


def ask(client, token, session_id, edit_id, **more):
    more = {"on_event": id, "stop": StreamControl(), **more}
    return client.converse(token, session_id, ASK, edit_id=edit_id, **more)


def wait_for_render(client, token, render_id):
    for _ in range(400):
        status = client.poll_render(token, render_id)
        if status.status in {RenderState.COMPLETED, RenderState.FAILED}:
            return status
        time.sleep(0.05)
    pytest.fail("the render did not end")


def test_the_whole_happy_path_with_an_anonymous_token(sandbox, client, small_clip, switch):
    """From a fresh token to a downloaded video with captions burnt in, no step skipped."""
    switch(render="burn")
    token = client.issue_token(str(uuid.uuid4()))
    assert token.token.startswith("nmv_usr_")
    session = client.create_session(token.token, language="en")
    size = small_clip.stat().st_size
    uploaded = client.upload(
        token.token, session.session_id, filename="small.mp4", size=size,
        chunks=[small_clip.read_bytes()], content_type="video/mp4",
    )  # fmt: skip
    assert uploaded.files[0].width == 320
    before = client.state(token.token, session.session_id)
    assert before.uploaded
    said = ask(client, token.token, session.session_id, "edt_happy")
    assert said.closed_cleanly
    assert said.tools
    after = client.state(token.token, session.session_id)
    assert fingerprint(after) != fingerprint(before)
    assert after.exportable
    assert find_caption_texts(after.draft) == ("Cold brew", "in ten seconds")
    assert summarise_timeline(after.draft).startswith(
        "Timeline (3 tracks): 1. Video: small.mp4 (0-"
    )
    assert client.credits(token.token).available == 50
    render_id = f"render_{uuid.uuid4()}"
    client.submit_render(
        token.token, render_id=render_id, session_id=session.session_id, draft=after.draft,
        output={"format": "mp4", "quality": "high"}, edit_id="edt_happy",
    )  # fmt: skip
    done = wait_for_render(client, token.token, render_id)
    with client.download(done.url, max_bytes=10_000_000) as pieces:
        video = b"".join(pieces)
    with client.download_fallback(token.token, render_id, max_bytes=10_000_000) as pieces:
        again = b"".join(pieces)
    assert video[4:8] == b"ftyp"
    assert hashlib.sha256(video).digest() == hashlib.sha256(again).digest()
    assert sandbox.books["edits"]["edt_happy"] == 1
    assert not sandbox.books["without_attribution"]
    assert not sandbox.books["auth_on_cdn"]


FORMS = ["empty", "word", "json", "event", "comment", "none"]


@pytest.mark.parametrize("shape", ["s1", "s2", "envelope"])
@pytest.mark.parametrize("dialect", ["adk", "simple"])
def test_every_shape_is_understood(client, token, small_clip, switch, dialect, shape):
    for form in FORMS:
        switch(sse_dialect=dialect, render_shape=shape, heartbeat_form=form)
        session_id = open_and_upload(client, token, small_clip)
        said = ask(client, token, session_id, f"edt_{uuid.uuid4()}")
        assert "2 captions" in said.text
        assert said.tools
        assert bool(said.heartbeats) is (form != "none")
        assert (said.unknown, said.errors) == (0, ())
    render_id = f"render_{uuid.uuid4()}"
    draft = client.state(token, session_id).draft
    client.submit_render(
        token, render_id=render_id, session_id=session_id, draft=draft, output={"format": "mp4"}
    )
    assert wait_for_render(client, token, render_id).url


def test_a_silent_edit_shows_in_the_state_alone(client, token, small_clip, switch):
    session_id = open_and_upload(client, token, small_clip)
    before = fingerprint(client.state(token, session_id))
    switch(silent_rate=1.0)
    said = ask(client, token, session_id, f"edt_{uuid.uuid4()}")
    assert said.text == ""
    assert fingerprint(client.state(token, session_id)) != before


def test_a_refused_send_never_reaches_the_books(sandbox, client, token, small_clip):
    """Given before_send refuses, then the backend has no run, and the next message is its first."""

    class LeaseOver(Exception):
        pass

    def refuse():
        raise LeaseOver

    session_id = open_and_upload(client, token, small_clip)
    edit_id = f"edt_{uuid.uuid4()}"
    with pytest.raises(LeaseOver):
        ask(client, token, session_id, edit_id, before_send=refuse)
    assert edit_id not in sandbox.books["edits"]
    ask(client, token, session_id, edit_id)
    assert sandbox.books["edits"][edit_id] == 1


@pytest.mark.rule("P-085")
def test_a_dropped_stream_is_one_send(sandbox, client, token, small_clip, switch):
    session_id = open_and_upload(client, token, small_clip)
    edit_id = f"edt_{uuid.uuid4()}"
    switch(drop_after_events=1)
    with pytest.raises(errors.StreamBroken) as broken:
        ask(client, token, session_id, edit_id)
    assert broken.value.kind is BreakKind.CUT
    assert sandbox.books["edits"][edit_id] == 1


def test_a_running_edit_is_stopped_from_another_thread(client, token, small_clip, switch):
    switch(edit_s=20.0)
    session_id = open_and_upload(client, token, small_clip)
    stop = StreamControl()
    timer = threading.Timer(0.3, stop.shutdown)
    timer.start()
    started = time.monotonic()
    with pytest.raises(errors.StreamBroken) as broken:
        ask(client, token, session_id, f"edt_{uuid.uuid4()}", stop=stop)
    assert broken.value.kind is BreakKind.STOPPED
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("real", [False, True], ids=["envelope", "http status"])
def test_refusals_are_told_apart(client, token, small_clip, switch, real):
    switch(real_http_status=real)
    with pytest.raises(errors.TokenRejected):
        client.credits("nmv_usr_nobody")
    with pytest.raises(errors.SessionLost):
        client.state(token, "5529798700000000009")
    with pytest.raises(errors.SessionLost):
        ask(client, token, "5529798700000000009", "edt_x")
    session_id = client.create_session(token, language="en").session_id
    with pytest.raises(errors.FormatRefused):
        client.upload(
            token, session_id, filename="a.mp4", size=5, chunks=[b"words"], content_type="video/mp4"
        )
    with pytest.raises(errors.RenderUnknown):
        client.poll_render(token, "render_nobody")


def test_spent_credits_and_a_blocked_plan(client, small_clip, switch):
    poor = f"nmv_usr_sbx_{uuid.uuid4().hex[:8]}_10"
    session_id = open_and_upload(client, poor, small_clip)
    with pytest.raises(errors.CreditsSpent):
        ask(client, poor, session_id, "edt_poor")
    switch(plan_blocks_export=True)
    with pytest.raises(errors.PlanBlocked):
        client.submit_render(
            poor, render_id="render_p", session_id=session_id, draft={"t": []}, output={}
        )


def test_a_second_token_of_a_client_is_refused(client):
    client_id = str(uuid.uuid4())
    client.issue_token(client_id)
    with pytest.raises(errors.RateLimited):
        client.issue_token(client_id)


def test_a_render_id_is_accepted_once(client, token, small_clip):
    session_id = open_and_upload(client, token, small_clip)
    ask(client, token, session_id, f"edt_{uuid.uuid4()}")
    draft = client.state(token, session_id).draft
    render_id = f"render_{uuid.uuid4()}"
    order = {"render_id": render_id, "session_id": session_id, "draft": draft, "output": {}}
    client.submit_render(token, **order)
    with pytest.raises(errors.DuplicateRender):
        client.submit_render(token, **order)


def test_claim_link(client, token):
    session = client.create_session(token, language="en")
    assert "/workspace/claim?ct=clm_" in client.claim_link(token, session)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/x.mp4", "http://169.254.169.254/latest", "https://10.0.0.1/x.mp4"]
)
def test_the_guard_judges_result_addresses(client, url):
    """What the backend names as a result cannot lead into our own network."""
    with pytest.raises(AddressRefused), client.download(url, max_bytes=1):
        pass


def test_the_guard_judges_redirects(client):
    """Given a result that redirects to another port of this machine, then it is not followed."""
    server = ScriptedServer().script(answer(302, Location="http://127.0.0.1:1/x"))
    ports = frozenset({urlsplit(server.url).port})
    policy = Policy(name="backend", allow_http=True, loopback_ports=ports)
    session = open_session(policy, connect_s=2, read_s=2)
    downloads = Downloads(session, Limits(), FakeClock())
    try:
        with pytest.raises(AddressRefused), downloads.open(server.url, max_bytes=1):
            pass
        assert len(server.seen) == 1
    finally:
        session.close()
        server.close()
