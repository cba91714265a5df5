"""A worker that is killed in the middle costs nothing twice, by the sandbox's own books."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from pathlib import Path

import pytest
import requests

from cli.children import free_port
from cli.client import Client
from cli.credentials import read_first_key
from cli.interrupt import Interrupt
from cli.jobs import captions_of, follow, job_request

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

#: Production has leases of 60 s with 10 s of grace; the same rules at a twentieth of the time.
SHORT_LEASES = {
    "CAPTION_AB_LEASE_S": "3",
    "CAPTION_AB_LEASE_GRACE_S": "0.5",
    "CAPTION_AB_EXTEND_EVERY_S": "0.5",
    "CAPTION_AB_RING_S": "0.5",
    "CAPTION_AB_LOOK_EVERY_S": "3",
    "CAPTION_AB_POLL_EVERY_S": "0.5",
}


def pid_of_worker(queue: str, marker: str) -> int:
    """The process of a worker of this test, found by its folder in its environment."""
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            ours = marker.encode() in (entry / "environ").read_bytes()
        except OSError:
            continue
        if ours and words[1:4] == [b"-m", b"workers", queue.encode()]:
            return int(entry.name)
    pytest.fail(f"there is no worker {queue}")


def test_killed_flow_worker_repeats_no_paid_call(desk, small_clip, captions, tmp_path):
    # Given a system with short leases and a job one of whose cuts is rendering
    data, port = tmp_path / "data", free_port()
    up = desk.run("up", "--data", str(data), "--port", str(port), **SHORT_LEASES)
    sandbox = re.search(r"sandbox at (\S+);", up.wait_for("Ctrl-C stops")).group(1)
    client = Client(f"http://127.0.0.1:{port}", read_first_key(data)["api_key"])
    upload = client.upload(small_clip, lambda _: None)
    request = job_request(upload["id"], captions_of(captions), {"A": "outline", "B": "boxed"})
    job = client.submit(request, "once")
    killed = []

    def kill_when_rendering(now):
        states = [cut["status"] for variant in now["variants"] for cut in variant["cuts"]]
        if "rendering" in states and not killed:
            killed.append(pid_of_worker("flow", str(data)))
            # When the flow worker is killed with no chance to hand anything back
            os.kill(killed[0], signal.SIGKILL)

    done = follow(client, job["id"], Interrupt(), kill_when_rendering)
    assert killed

    # Then it is started again, and the job succeeds
    up.wait_for("worker flow is started again")
    assert done["status"] == "succeeded", done

    # and by the sandbox's books each edit was sent once and each cut rendered once
    books = requests.get(f"{sandbox}/_sandbox/books", timeout=10).json()
    sends = Counter(run["request_id"] for run in books["runs"])
    assert len(sends) == 2
    assert set(sends.values()) == {1}
    renders = Counter(render["session_id"] for render in books["renders"].values())
    assert len(renders) == 2
    assert set(renders.values()) == {1}
    assert books["duplicate_render_ids"] == []

    # and a SIGTERM ends it all
    up.process.terminate()
    assert up.wait(60) == 0
    assert up.left_over() == []
