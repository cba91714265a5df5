"""What is killed in the middle costs nothing twice, by the sandbox's own books."""

from __future__ import annotations

import os
import re
import signal
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from cli.children import free_port
from cli.client import Client
from cli.credentials import read_first_key
from cli.interrupt import Interrupt
from cli.jobs import captions_of, follow, job_request
from tests.e2e.conftest import Program

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


@dataclass
class Running:
    """An `up` with short leases and one job on it."""

    up: Program
    client: Client
    sandbox: str
    job_id: str
    data: Path

    def follow_and_kill(self, *command: str) -> dict[str, Any]:
        """Kill -9 a process of this system once a cut is rendering; the job at its end."""
        killed: list[int] = []

        def look(now: dict[str, Any]) -> None:
            states = [cut["status"] for variant in now["variants"] for cut in variant["cuts"]]
            if "rendering" in states and not killed:
                killed.append(self.pid_of(*command))
                os.kill(killed[0], signal.SIGKILL)

        done = follow(self.client, self.job_id, Interrupt(), look)
        assert killed
        return done

    def pid_of(self, *command: str) -> int:
        """The process whose command line holds these words; told by its parent."""
        for entry in Path("/proc").iterdir():
            try:
                words = (entry / "cmdline").read_text()
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            if int(parent) == self.up.process.pid and all(word in words for word in command):
                return int(entry.name)
        pytest.fail(f"there is no process {command}")

    def assert_nothing_twice(self) -> None:
        """By the sandbox's books: each edit sent once, each cut rendered once."""
        books = requests.get(f"{self.sandbox}/_sandbox/books", timeout=10).json()
        sends = Counter(run["request_id"] for run in books["runs"])
        renders = Counter(render["session_id"] for render in books["renders"].values())
        assert list(sends.values()) == [1, 1]
        assert list(renders.values()) == [1, 1]
        assert books["duplicate_render_ids"] == []


@pytest.fixture
def running(desk, small_clip, captions, tmp_path) -> Running:
    data, port = tmp_path / "data", free_port()
    up = desk.run("up", "--data", str(data), "--port", str(port), **SHORT_LEASES)
    sandbox = re.search(r"sandbox at (\S+);", up.wait_for("Ctrl-C stops")).group(1)
    client = Client(f"http://127.0.0.1:{port}", read_first_key(data)["api_key"])
    upload = client.upload(small_clip, lambda _: None)
    request = job_request(upload["id"], captions_of(captions), {"A": "outline", "B": "boxed"})
    return Running(up, client, sandbox, client.submit(request, "once")["id"], data)


def test_killed_flow_worker_repeats_no_paid_call(running):
    # Given a job; when the flow worker is killed while one of its cuts is rendering
    done = running.follow_and_kill("workers", "flow")
    # Then it is started again, the job succeeds, and nothing was paid twice
    running.up.wait_for("worker flow is started again")
    assert done["status"] == "succeeded", done
    running.assert_nothing_twice()

    # and a SIGTERM ends it all
    running.up.process.terminate()
    assert running.up.wait(60) == 0
    assert running.up.left_over() == []


def test_killed_store_loses_no_accepted_job(running):
    # Given a job; when the store itself is killed while one of its cuts is rendering
    done = running.follow_and_kill("-server 127.0.0.1")
    # Then what it had acknowledged is still there, the job succeeds, and nothing was paid twice
    running.up.wait_for("valkey is started again")
    assert done["status"] == "succeeded", done
    running.assert_nothing_twice()
