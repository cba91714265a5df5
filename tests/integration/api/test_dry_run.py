"""POST /v1/jobs?dry_run=true: looks at everything, makes nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import redis
import requests

from api.app import create_app
from service.captions.style import PRESETS
from service.store.observed import observe
from tests.conftest import ROOT, ValkeyServer
from tests.integration.api.conftest import JOB, MP4, SRT, Visitor
from tests.integration.api.test_server import environment
from tests.integration.store.invariants import snapshot

PNG = b"\x89PNG\r\n\x1a\n" + bytes(4096)
PATHS = {
    "/clip.mp4": (200, MP4),
    "/big.mp4": (200, MP4),
    "/page.html": (200, b"<html>" + b" " * 4096),
    "/picture.mp4": (200, PNG),
    "/none.mp4": (404, b"none"),
    "/busy.mp4": (503, b"busy"),
}


class Clips(BaseHTTPRequestHandler):
    """Serves a few clips; `/slow.mp4` never ends."""

    hang = threading.Event()

    def do_GET(self) -> None:
        if self.path == "/slow.mp4":
            self.hang.wait(20)
            return
        status, body = PATHS[self.path]
        size = 3_000_000 if self.path == "/big.mp4" else len(body)
        self.send_response(status)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def clips() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Clips)
    server.daemon_threads = True
    Clips.hang.clear()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    Clips.hang.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def visitor(ann: Visitor, services, clips: str) -> Visitor:
    """Ann, in an API that may fetch clips from that server."""
    from service.outbound.guard import Policy
    from service.outbound.session import open_session

    port = int(clips.rpartition(":")[2])
    policy = Policy("caller", allow_http=True, loopback_ports=frozenset({port}))
    settings = replace(services.settings, rehearsal_clip_s=1.0, rehearsal_s=2.0)
    parts = replace(
        services,
        settings=settings,
        caller_policy=policy,
        caller_session=open_session(policy, connect_s=2, read_s=2),
    )
    return replace(ann, client=create_app(parts).test_client())


def dry(visitor: Visitor, **job):
    return visitor.post("/v1/jobs?dry_run=true", json={**JOB, **job})


def test_nothing_is_made_spent_or_remembered(visitor: Visitor, clips, redis_client: redis.Redis):
    # Given all there is in the store
    visitor.get("/v1/limits")
    before = snapshot(redis_client)
    # When a job is tried out under a key
    clip = {"url": f"{clips}/clip.mp4"}
    reply = visitor.post(
        "/v1/jobs?dry_run=true",
        json={**JOB, "clips": [clip]},
        headers={"Idempotency-Key": "k"},
    )
    # Then it says what would come of it, and the store is as it was
    assert reply.status_code == 200, reply.get_json()
    body = reply.get_json()
    assert body["object"] == "dry_run"
    assert body["clips"] == [{"index": 0, "format": "mp4", "size": len(MP4)}]
    assert snapshot(redis_client) == before
    # and the key is free for another body
    made = visitor.post("/v1/jobs", json=JOB, headers={"Idempotency-Key": "k"})
    assert made.status_code == 202


def test_the_resolved_request_makes_the_same_job(visitor: Visitor, clips: str):
    # Given a request that leaves most of it open
    variants = [{"style": {"preset": name}} for name in list(PRESETS)[:8]]
    asked = {
        "clips": [{"url": f"{clips}/clip.mp4", "instruction": "keep it short"}],
        "captions": {"text": SRT},
        "variants": variants,
        "metadata": {"a": "b"},
        "webhook": {"url": f"{clips}/hook"},
        "max_credits": 1000,
    }
    # When it is resolved, and what came out is resolved again
    first = dry(visitor, **asked).get_json()["request"]
    again = visitor.post("/v1/jobs?dry_run=true", json=first)
    # Then every default is in it, and it means itself
    assert first["output"] == {"format": "mp4", "resolution": "1080p", "quality": "high"}
    assert first["captions"]["format"] == "srt"
    assert (first["language"], first["deadline_s"]) == ("en", 1800)
    assert [each["label"] for each in first["variants"]] == list("ABCDEFGH")[: len(variants)]
    assert all(each["style"]["font"] for each in first["variants"])
    assert again.status_code == 200, again.get_json()
    assert again.get_json()["request"] == first


def test_the_estimate_is_of_credits_and_of_what_was_observed(
    visitor: Visitor, clips: str, services, redis_client: redis.Redis
):
    # Given nothing observed yet, and an account never asked
    clip = {"url": f"{clips}/clip.mp4"}
    job = {"clips": [clip, clip], "max_credits": 200}
    body = dry(visitor, **job).get_json()
    assert body["credits"] == {
        "per_cut": 50,
        "cuts": 4,
        "total": 200,
        "max_credits": 200,
        "balance": None,
    }
    assert set(body["time"].values()) == {None}
    # When edits and renders were seen, and the account's balance
    observe(services.connection, "edit", 40_000)
    observe(services.connection, "render", 60_000)
    redis_client.hset("cab:account:acc_anonymous", mapping={"total_seen": 120, "reserved": 50})
    body = dry(visitor, **job).get_json()
    # Then cuts of one session come one after another, and too few credits are told
    assert body["time"] == {"edit_s": 40, "render_s": 60, "per_cut_s": 100, "total_s": 200}
    assert body["credits"]["balance"] == {"total": 120, "reserved": 50, "available": 70}
    assert [each["code"] for each in body["warnings"]][-1] == "few_credits"


def test_every_clip_and_asset_that_would_not_do_is_named(
    visitor: Visitor, bob: Visitor, clips: str
):
    # Given clips that are none, cannot be had, or belong to somebody else
    sound = visitor.upload(b"ID3" + bytes(4096), "a.mp3").get_json()["id"]
    foreign = bob.upload().get_json()["id"]
    names = ("page.html", "picture.mp4", "none.mp4", "busy.mp4", "big.mp4", "slow.mp4")
    asked = [{"url": f"{clips}/{name}"} for name in (*names, "clip.mp4")]
    asked += [{"upload_id": sound}, {"upload_id": foreign}]
    assets = [{"upload_id": sound, "role": "bgm"}, {"upload_id": sound, "role": "logo"}]
    # When the job is tried out
    reply = dry(visitor, clips=asked, assets=assets)
    # Then each is named with its reason, and those that would do are not
    problem = reply.get_json()
    assert (reply.status_code, problem["code"]) == (422, "unrehearsed")
    found = {each["pointer"]: each["detail"] for each in problem["errors"]}
    assert {name: found.pop(f"#/clips/{n}/url") for n, name in enumerate(names)} == {
        "page.html": "The file is of no supported format, by its content.",
        "picture.mp4": "The clip is png; a clip must be a video.",
        "none.mp4": "The clip's address answered 404.",
        "busy.mp4": "The clip's address answered 503.",
        "big.mp4": "The clip is larger than 2000000 bytes.",
        "slow.mp4": "The address took longer than 1 s in all.",
    }
    assert found == {
        "#/clips/7/upload_id": "The upload is audio; a clip must be a video.",
        "#/clips/8/upload_id": f"There is no upload {foreign}.",
        "#/assets/1/upload_id": "The upload is audio, which is no logo.",
    }


def test_it_ends_within_its_time_however_many_hang(visitor: Visitor, clips: str, services):
    began = services.clock.monotonic_s()
    reply = dry(visitor, clips=[{"url": f"{clips}/slow.mp4"}] * 10)
    assert len(reply.get_json()["errors"]) == 10
    assert services.clock.monotonic_s() - began < 8


def test_only_so_many_are_under_way_for_a_key_and_for_a_process(visitor: Visitor, clips, bob):
    # Given an API of at most three dry runs at once, two of them for one key
    parts = visitor.client.application.extensions["caption_ab"].services
    app = create_app(
        replace(parts, settings=replace(parts.settings, rehearsals=3, rehearsals_per_key=2))
    )
    slow = [{"url": f"{clips}/slow.mp4"}]

    def codes(who: Visitor, count: int) -> list[str]:
        clients = [replace(who, client=app.test_client()) for _ in range(count)]
        with ThreadPoolExecutor(count) as pool:
            replies = list(pool.map(lambda each: dry(each, clips=slow), clients))
        return sorted(each.get_json()["code"] for each in replies)

    # When one key sends four at once, then two are made
    with ThreadPoolExecutor(2) as pool:
        anns = pool.submit(codes, visitor, 4)
        time.sleep(0.5)
        # and one more of another key, while they hang on their clips.
        bobs = pool.submit(codes, bob, 2)
    assert anns.result() == ["quota_exceeded"] * 2 + ["unrehearsed"] * 2
    assert bobs.result() == ["too_many_dry_runs", "unrehearsed"]
    # Afterwards there are places again.
    assert codes(visitor, 1) == ["unrehearsed"]


def test_what_a_job_is_refused_for_a_dry_run_is_refused_for(visitor: Visitor, ann, services):
    # Given requests that an accept refuses, for all the reasons there are
    wrong = [
        {"clips": [{"url": "https://127.0.0.2/a.mp4"}]},
        {"max_credits": 1},
        {"variants": [{"style": {"preset": "none"}}]},
        {"instruction": "generate a video of a cat"},
        {"colour": "red"},
        {"clips": []},
        {"clips": [{"upload_id": "upl_" + "0" * 26}]},
    ]
    # When they are sent and tried out, then the answers are the same but for their ids
    for each in wrong:
        sent = visitor.post("/v1/jobs", json={**JOB, **each})
        tried = dry(visitor, **each)
        assert sent.status_code == 422, each
        assert {**sent.get_json(), "request_id": ""} == {**tried.get_json(), "request_id": ""}


def test_a_tenant_at_its_quota_is_told(visitor: Visitor, services, clips: str, ann):
    small = replace(services, settings=replace(services.settings, tenant_open_jobs=1))
    visitor = replace(ann, client=create_app(small).test_client())
    visitor.post("/v1/jobs", json=JOB)
    reply = dry(visitor)
    assert (reply.status_code, reply.get_json()["code"]) == (429, "quota_exceeded")


@pytest.mark.parametrize("words", ["dry_run=maybe", "dry_run=", "dryrun=true"])
def test_a_word_that_is_none_makes_no_job_either(ann: Visitor, words: str):
    assert ann.post(f"/v1/jobs?{words}", json=JOB).status_code == 422
    assert ann.get("/v1/jobs").get_json()["data"] == []


def test_the_production_server_looks_at_clips_side_by_side(
    durable_valkey_server: ValkeyServer, tmp_path: Path, clips: str
):
    # Given the server as it runs in production, which may fetch from that port
    env = {
        **environment(durable_valkey_server, tmp_path),
        "CAPTION_AB_CALLER_LOOPBACK_PORTS": clips.rpartition(":")[2],
        "CAPTION_AB_CALLER_HTTP": "true",
        "CAPTION_AB_REHEARSAL_CLIP_S": "2",
    }
    command = [sys.executable, "-m", "api.keys", "create", "--name", "t"]
    made = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "api", "--bind", "127.0.0.1:0"],
        env=env,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        url = process.stdout.readline().split()[2]
        # When a job of good clips and one that hangs is tried out
        asked = [{"url": f"{clips}/{name}"} for name in ("clip.mp4", "slow.mp4", "clip.mp4")]
        reply = requests.post(
            f"{url}/v1/jobs?dry_run=true",
            json={**JOB, "clips": asked},
            headers={"Authorization": f"Bearer {json.loads(made.stdout)['api_key']}"},
            timeout=60,
        )
        # Then only the one that hangs is named
        assert [each["pointer"] for each in reply.json()["errors"]] == ["#/clips/1/url"]
        assert "2 s in all" in reply.json()["errors"][0]["detail"]
    finally:
        process.terminate()
        process.communicate(timeout=60)
