"""Real processes over a bucket: the API under gevent; workers that fetch and look into clips."""

from __future__ import annotations

import hashlib
import json
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import requests

from service.media.objects import PART_BYTES, open_client
from tests.conftest import ROOT
from tests.integration.api.conftest import MP4
from tests.integration.api.test_server import Running, environment
from tests.integration.workers.conftest import broker_url, clip_host, site, wait_for

pytestmark = pytest.mark.s3
__all__ = ["broker_url", "clip_host", "site"]


def bucket_environment(settings) -> dict[str, str]:
    return {
        "CAPTION_AB_FILES": settings.files,
        "CAPTION_AB_S3_ENDPOINT": settings.s3_endpoint,
        "CAPTION_AB_S3_REGION": settings.s3_region,
        "CAPTION_AB_S3_ACCESS_KEY": settings.s3_access_key,
        "CAPTION_AB_S3_SECRET_KEY": settings.s3_secret_key,
    }


def parts_under_way(settings) -> list[object]:
    name = urlsplit(settings.files).netloc
    return list(open_client(settings).list_multipart_uploads(Bucket=name).get("Uploads", []))


@pytest.fixture
def api(bucket_settings, durable_valkey_server, tmp_path) -> Iterator[Running]:
    env = {
        **environment(durable_valkey_server, tmp_path),
        **bucket_environment(bucket_settings),
        "CAPTION_AB_UPLOAD_MAX_BYTES": "100000000",
    }
    command = [sys.executable, "-m", "api.keys", "create", "--name", "t"]
    made = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    with (tmp_path / "api.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "api", "--bind", "127.0.0.1:0"],
            env=env,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    line = process.stdout.readline()
    assert line.startswith("api ready http://"), (tmp_path / "api.log").read_text()
    yield Running(process, line.split()[2], json.loads(made.stdout)["api_key"])
    process.terminate()
    process.communicate(timeout=40)


def test_uploads_side_by_side_arrive_whole_and_hold_up_nobody(api, bucket_settings):
    """Given four uploads of 20 MB at once, then each is whole and the API answers meanwhile."""
    bodies = [MP4 + random.Random(n).randbytes(20_000_000) for n in range(4)]
    replies: dict[int, requests.Response] = {}

    def send(number: int) -> None:
        replies[number] = requests.post(
            f"{api.url}/v1/uploads?filename={number}.mp4",
            data=bodies[number],
            headers=api.headers,
            timeout=90,
        )

    threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    slowest_s, looks = 0.0, 0
    while any(thread.is_alive() for thread in threads):
        began_s = time.monotonic()
        assert requests.get(f"{api.url}/livez", timeout=10).status_code == 200
        slowest_s, looks = max(slowest_s, time.monotonic() - began_s), looks + 1
        time.sleep(0.02)
    print(f"slowest of {looks} answers: {slowest_s * 1000:.0f} ms")
    for number, body in enumerate(bodies):
        assert replies[number].status_code == 201
        assert replies[number].json()["sha256"] == hashlib.sha256(body).hexdigest()
    assert parts_under_way(bucket_settings) == []
    assert looks > 5
    assert slowest_s < 2.0


def test_a_client_that_vanishes_leaves_no_parts(api, bucket_settings):
    """Given an upload of which a part has been sent, when its client goes, the part goes too."""
    host, port = api.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as client:
        head = "POST /v1/uploads?filename=a.mp4 HTTP/1.1\r\nHost: x\r\nContent-Length: 90000000\r\n"
        client.sendall(f"{head}Authorization: Bearer {api.key}\r\n\r\n".encode() + MP4)
        client.sendall(bytes(PART_BYTES * 2))
        wait_for(lambda: parts_under_way(bucket_settings) != [], 20)
    wait_for(lambda: parts_under_way(bucket_settings) == [], 20)


def test_a_clip_is_fetched_into_the_bucket_and_looked_into(site, clip_host, bucket_settings):
    """Given workers over a bucket, when a clip by URL is accepted, then it becomes ready."""
    env = {
        **bucket_environment(bucket_settings),
        "CAPTION_AB_CALLER_HTTP": "1",
        "CAPTION_AB_CALLER_LOOPBACK_PORTS": str(clip_host.port),
        "TMPDIR": str(site.folder),
    }
    site.start_workers("flow", "transfer", "media", **env)
    row = site.accept(clip_host.url("clip"))
    assert site.wait_state(row, "ready", "failed", seconds=40) == "ready"
    name = urlsplit(bucket_settings.files).netloc
    found = open_client(bucket_settings).list_objects_v2(Bucket=name, Prefix="ab/jobs/")["Contents"]
    # Beside it there may already be what an ended job leaves: its view and its comparison.
    left = ("job.sealed", "comparison.json", "comparison-pictures.json", "-draft.json")
    clips = [each["Size"] for each in found if not each["Key"].endswith(left)]
    assert clips == [len(clip_host.clip)]
    # the copy that was looked into is gone
    assert not list(site.folder.glob("caption-ab-*"))


def test_workers_on_two_buckets_do_not_run_together(site, bucket_settings):
    """Given a worker on one prefix, when a peer names another, then it does not start."""
    env = bucket_environment(bucket_settings)
    site.worker("transfer", **env)
    other = site.plan_worker(
        "media", **{**env, "CAPTION_AB_FILES": bucket_settings.files + "-of-another"}
    )
    other.start()
    assert other.process.wait(30) == 2
    assert "not the one of the other" in other.printed()


def test_a_wrong_secret_stops_a_worker_and_is_not_printed(site, bucket_settings):
    env = {**bucket_environment(bucket_settings), "CAPTION_AB_S3_SECRET_KEY": "guessed-secret"}
    worker = site.plan_worker("transfer", **env)
    worker.start()
    assert worker.process.wait(30) == 2
    assert "SignatureDoesNotMatch" in worker.printed()
    assert "guessed-secret" not in worker.printed()
