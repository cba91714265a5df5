"""Recordings of probes, replayed: the client reads every reply, and a walk finds the same.

Every folder of tests/fixtures/nemo is replayed. A recording of the real cloud goes there as it is.
"""

from __future__ import annotations

import json
import re
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import requests

from service.clock import AnchoredClock
from service.errors import BackendError
from service.nemo.client import NemoClient
from service.nemo.dialogue import StreamControl
from service.nemo.limits import Limits
from service.nemo.probe import ProbeOptions, run_probe
from service.nemo.wire import Session
from service.settings import Settings

FOLDERS = sorted((Path(__file__).resolve().parents[2] / "fixtures" / "nemo").glob("*/"))
#: Made anew by every client, so a recorded one stands for any.
_OWN_IDS = re.compile(r"RENDER-\d+|90{4,}\d+|render_[0-9a-f-]{36}|\d{19}")
_HOSTS = re.compile(r"https?://cdn-\d+\.example")
_DROPPED = {"content-length", "transfer-encoding", "content-encoding", "connection", "date"}


def load(folder):
    return [json.loads(path.read_text()) for path in sorted((folder / "fixtures").glob("*.json"))]


class ReplayServer:
    """Answers each request with the next recorded reply to the same method and path."""

    def __init__(self, fixtures):
        self.left = list(fixtures)
        self.unknown = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                fixture = outer.take(self.command, self.path)
                outer.answer(self, fixture) if fixture else self.send_error(599)

            do_GET = do_POST = handle_any  # noqa: N815 the names that http.server calls

            def log_message(self, *args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def take(self, method, path):
        wanted = _OWN_IDS.sub("*", path)
        for place, fixture in enumerate(self.left):
            request = fixture["request"]
            recorded = _OWN_IDS.sub("*", _HOSTS.sub("", request["url"]))
            if (request["method"], recorded) == (method, wanted):
                return self.left.pop(place)
        self.unknown.append(f"{method} {path}")
        return None

    def answer(self, handler, fixture):
        reply = fixture["reply"]
        if not reply["status"]:
            handler.close_connection = True
            return
        size = reply["body_bytes"]
        text = reply["body"]
        body = bytes(size) if text is None else text.encode("utf-8", "surrogateescape")
        body = _HOSTS.sub(self.url, body.decode("utf-8", "replace")).encode() if text else body
        handler.send_response(reply["status"])
        for name, value in reply["headers"]:
            if name.lower() not in _DROPPED:
                handler.send_header(name, _HOSTS.sub(self.url, value))
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def close(self):
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def replay():
    servers = []

    def start(fixtures):
        servers.append(ReplayServer(fixtures))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


CASES = [
    pytest.param(folder, fixture, id=f"{folder.name}/{number:02d}-{fixture['step']}")
    for folder in FOLDERS
    for number, fixture in enumerate(load(folder), 1)
    # the bodies of videos are not recorded; the whole walk replays them
    if fixture["reply"]["status"] and not fixture["step"].startswith(("download", "fallback"))
]
MISTAKES = {"unknown_session", "unknown_render", "no_client_id", "text_file"}


def call(client, step, fixture):
    """What the product does at a step, with the recorded ids."""
    path = fixture["request"]["url"]
    sid = path.rstrip("/").split("/")[-2] if path.endswith("/latest") else "9000000000000000001"
    order = {"render_id": "RENDER-1", "session_id": sid, "draft": {}, "output": {}}
    if step.startswith(("state", "unknown_session")) or path.endswith("/latest"):
        return client.state("t", sid)
    if step.startswith("credits"):
        return client.credits("t")
    if step in {"render_poll", "unknown_render"}:
        return client.poll_render("t", path.rsplit("/", 1)[-1])
    calls = {
        "token": lambda: client.issue_token("CLIENT-1"),
        "no_client_id": lambda: client.issue_token("CLIENT-1"),
        "session": lambda: client.create_session("t", language="en"),
        "render_submit": lambda: client.submit_render("t", **order),
        "claim": lambda: client.claim_link("t", Session(sid, "TASK-1")),
    }
    if step.startswith("edit"):
        more = {"edit_id": "e", "on_event": lambda _: None, "stop": StreamControl()}
        return client.converse("t", sid, "x", **more)
    if step in {"upload", "text_file"}:
        return client.upload(
            "t", path.rsplit("/", 1)[-1], filename="x", size=1, chunks=[b"x"], content_type="v/m"
        )
    return calls[step]()


def make_client(url):
    clock = AnchoredClock(lambda: time.time_ns() // 1_000_000, 3600.0)
    limits = Limits(connect_s=2, read_s=5, silence_s=5, backoff_s=(0.01,))
    api = requests.Session()
    return NemoClient(
        url, api, api, platform="unknown", limits=limits, clock=clock, open_session=requests.Session
    )


@pytest.mark.parametrize(("folder", "fixture"), CASES)
def test_the_client_reads_every_recorded_reply(replay, folder, fixture):
    # Given one recorded exchange, when the product makes that call,
    step = fixture["step"]
    report = json.loads((folder / "report.json").read_text())
    refusals = {each["error"] for each in report["steps"] if each["name"] == step} - {""}
    client = make_client(replay([fixture]).url)
    outcome = outcome_of(lambda: call(client, step, fixture))
    # then it reads the reply, or knows a refusal for what it was when it was recorded.
    assert outcome in (refusals if step in MISTAKES else {"read", *refusals})
    assert outcome != "BackendConfused"


def outcome_of(act):
    try:
        return "read" if act() is not None else "nothing"
    except BackendError as error:
        return type(error).__name__


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_walk_over_the_recording_finds_the_same(replay, folder, small_clip, tmp_path):
    # Given a whole recording, when a probe walks over it,
    server = replay(load(folder))
    told = json.loads((folder / "report.json").read_text())
    anonymous = "anonymous" in told["account"]
    options = ProbeOptions(
        clip=small_clip,
        out=tmp_path / "out",
        account_file=tmp_path / "account.json",
        started=told["started"],
        token="" if anonymous else "nmv_usr_replayed",
        full=any(step["name"] == "edit_dropped" for step in told["steps"]),
        loopback=True,
    )
    settings = Settings(
        nemo_api_url=server.url,
        poll_every_s=0.01,
        settle_s=0.01,
        recovery_looks_s=(0.02, 0.04, 0.06),
        retry_backoff_s=(0.01,),
    )
    clock = AnchoredClock(lambda: time.time_ns() // 1_000_000, 3600.0)
    run_probe(options, settings, clock, ask=lambda *_: True, tell=lambda _: None)
    # then every request has its reply, and the answers are those of the recording.
    assert server.unknown == []
    again = json.loads((tmp_path / "out" / "report.json").read_text())
    compared = ("edit", "draft_keys", "render_shape", "1002_status", "4001_status", "cost")
    for name in compared:
        assert settled(again, name) == settled(told, name)
    assert words(again, "dialect") == words(told, "dialect")


def settled(report, name):
    """An answer without what depends on the pace of a run."""
    found = next(each for each in report["answers"] if each["id"] == name)
    timeless = re.sub(r"RENDER-\d+|finished after \d+ s|cleanly|without a proof.*?whole", "*",
                      found["answer"])  # fmt: skip
    return found["certainty"], timeless


def words(report, name):
    found = next(each for each in report["answers"] if each["id"] == name)
    return found["answer"].split(";")[0], found["answer"].partition("Names at")[2]


def test_the_samples_are_marked_as_made_with_the_sandbox():
    for folder in FOLDERS:
        if folder.name.startswith("sandbox"):
            assert {fixture["source"] for fixture in load(folder)} == {"sandbox"}
