"""Streams of events on the production server: live, silent, slow, over an outage, at the end."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
import requests

from tests.conftest import ROOT
from tests.integration.api.conftest import JOB
from tests.integration.api.outage import Server
from tests.integration.api.outage_fixtures import client, redis_url, server  # noqa: F401
from tests.integration.api.test_server import environment


@dataclass(frozen=True)
class Api:
    """A running API, the store behind it and a key."""

    process: subprocess.Popen[str]
    url: str
    key: str
    store: redis.Redis

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    def accept(self) -> str:
        return requests.post(
            f"{self.url}/v1/jobs", json=JOB, headers=self.headers, timeout=20
        ).json()["id"]

    @contextmanager
    def listen(self, job_id: str, after: int = 0) -> Iterator[Iterator[str]]:
        """The lines of a stream."""
        headers = {**self.headers, "Accept": "text/event-stream", "Last-Event-ID": str(after)}
        with requests.get(
            f"{self.url}/v1/jobs/{job_id}/events", headers=headers, stream=True, timeout=20
        ) as reply:
            assert reply.status_code == 200
            yield reply.iter_lines(chunk_size=None, decode_unicode=True)

    def happen(self, job_id: str, kind: str, *, status: str = "", padding: int = 0) -> None:
        """An event, written as the store's commands write one."""
        pipeline = self.store.pipeline(transaction=True)
        sequence = int(self.store.hget(f"cab:job:{job_id}", "sequence")) + 1
        body = {"sequence": sequence, "type": kind, "data": {"padding": "x" * padding}}
        pipeline.rpush(f"cab:job:{job_id}:events", json.dumps(body))
        pipeline.hset(f"cab:job:{job_id}", "sequence", sequence)
        if status:
            pipeline.hset(f"cab:job:{job_id}", "status", status)
        pipeline.execute()


def ids(lines: Iterator[str], most: int = 10_000) -> Iterator[int]:
    """The sequences that a stream tells, as they come."""
    for line in lines:
        if line.startswith("id: "):
            yield int(line[4:])
            most -= 1
            if not most:
                return


@pytest.fixture
def api(server: Server, client: redis.Redis, tmp_path: Path) -> Iterator[Api]:  # noqa: F811
    server.kill()
    server.start("--appendfsync", "always")
    target = type("Target", (), {"url": f"unix://{server.socket}?db=0"})
    env = {
        **environment(target, tmp_path),
        "CAPTION_AB_HEARTBEAT_S": "0.4",
        "CAPTION_AB_LISTEN_EVERY_S": "0.1",
        "CAPTION_AB_SLOW_STREAM_S": "0.5",
        "CAPTION_AB_LISTENERS": "3",
    }
    command = [sys.executable, "-m", "api.keys", "create", "--name", "t"]
    made = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "api", "--bind", "127.0.0.1:0"],
        env=env,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    line = process.stdout.readline()
    assert line.startswith("api ready"), process.stderr.read()
    yield Api(process, line.split()[2], json.loads(made.stdout)["api_key"], client)
    if process.poll() is None:
        process.kill()
    process.communicate()


def test_events_are_told_as_they_happen_and_silence_is_broken(api: Api):
    # Given a stream of a job that has only begun
    job_id = api.accept()
    with api.listen(job_id) as lines:
        assert next(ids(lines)) == 1
        # When nothing happens, then a comment comes
        assert any(line.startswith(":") for line in lines)
        # When something does, then it is told within a second or so
        began = time.monotonic()
        api.happen(job_id, "job.running", status="running")
        assert next(ids(lines)) == 2
        assert time.monotonic() - began < 5
        # and with the job's end the stream ends
        api.happen(job_id, "job.failed", status="failed")
        assert list(ids(lines)) == [3]


def test_a_stream_outlives_redis(api: Api, server: Server):  # noqa: F811
    # Given a stream
    job_id = api.accept()
    with api.listen(job_id) as lines:
        assert next(ids(lines)) == 1
        # When Redis dies, then it stays open; when Redis is back, what happens is told, once
        server.kill()
        comments = (line for line in lines if line.startswith(":"))
        assert [next(comments), next(comments)]
        server.start("--appendfsync", "always")
        api.happen(job_id, "job.running", status="running")
        api.happen(job_id, "job.failed", status="failed")
        assert list(ids(lines)) == [2, 3]


def test_a_client_that_does_not_read_is_cut_and_delays_nobody(api: Api):
    # Given a client that asks for a stream and then reads nothing, and one that reads
    job_id = api.accept()
    host, port = api.url.removeprefix("http://").split(":")
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect((host, int(port)))
    head = f"GET /v1/jobs/{job_id}/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n"
    slow.sendall(f"{head}Authorization: Bearer {api.key}\r\n\r\n".encode())
    with api.listen(job_id) as lines, slow:
        assert next(ids(lines)) == 1
        # When more happens than its connection holds
        heard = 1
        for _ in range(60):
            for _ in range(3):
                api.happen(job_id, "job.progress", padding=100_000)
            for sequence in ids(lines, most=3):
                assert sequence == heard + 1
                heard = sequence
        api.happen(job_id, "job.failed", status="failed")
        # Then the other hears all of it, in order
        assert list(ids(lines)) == [heard + 1]
        # and the slow one is hung up on: nothing waits for it any more
        slow.settimeout(20)
        got = 0
        try:
            while piece := slow.recv(1 << 20):
                got += len(piece)
        except ConnectionError:
            got += 0
        assert got < 18_000_000
    api.process.send_signal(signal.SIGTERM)
    _, errors = api.process.communicate(timeout=30)
    assert [json.loads(line)["job"] for line in errors.splitlines() if "stream_cut" in line] == [
        job_id
    ]
    assert "Traceback" not in errors


def test_who_has_gone_leaves_a_place_before_the_next_heartbeat(api: Api):
    # Given an API of three streams, all of them taken by clients that then went away
    job_id = api.accept()
    for _ in range(6):
        # When others come at once, then there is a place for each, and for no more
        with ExitStack() as opened:
            streams = [opened.enter_context(api.listen(job_id)) for _ in range(3)]
            assert [next(ids(lines)) for lines in streams] == [1, 1, 1]
            again = requests.get(
                f"{api.url}/v1/jobs/{job_id}/events",
                headers={**api.headers, "Accept": "text/event-stream"},
                timeout=20,
            )
            assert (again.status_code, again.json()["code"]) == (503, "too_many_streams")


def test_sigterm_ends_streams_at_once_and_loses_nothing(api: Api):
    # Given a stream of a job that goes on
    job_id = api.accept()
    with api.listen(job_id) as lines:
        assert next(ids(lines)) == 1
        # When the server is told to end, then the stream ends like any other, and the server too,
        began = time.monotonic()
        api.process.send_signal(signal.SIGTERM)
        assert list(ids(lines)) == []
        _, errors = api.process.communicate(timeout=30)
    # long before it would cut what does not end by itself
    assert time.monotonic() - began < 15
    assert api.process.returncode == 0
    assert "Traceback" not in errors
