"""The production server as a process: start, refusals, early answers, the end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from cryptography.fernet import Fernet

from tests.conftest import ROOT, ValkeyServer, _run_valkey
from tests.integration.api.conftest import JOB, MP4


@dataclass(frozen=True)
class Running:
    process: subprocess.Popen[str]
    url: str
    key: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


def environment(server: ValkeyServer, folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "CAPTION_AB_SECRET_KEYS": Fernet.generate_key().decode(),
        "CAPTION_AB_REDIS_URL": server.url,
        "CAPTION_AB_FILES": str(folder / "files"),
        "CAPTION_AB_UPLOAD_MAX_BYTES": "20000000",
    }


@pytest.fixture(scope="module")
def running(
    durable_valkey_server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    env = environment(durable_valkey_server, tmp_path_factory.mktemp("api"))
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
    assert line.startswith("api ready http://127.0.0.1:"), process.stderr.read()
    yield Running(process, line.split()[2], json.loads(made.stdout)["api_key"])
    if process.poll() is None:
        process.kill()
    process.communicate()


def test_a_job_and_a_file_are_taken(running: Running):
    job = requests.post(f"{running.url}/v1/jobs", json=JOB, headers=running.headers, timeout=20)
    files = {"file": ("a.mp4", MP4 + bytes(3_000_000))}
    upload = requests.post(
        f"{running.url}/v1/uploads", files=files, headers=running.headers, timeout=20
    )
    assert (job.status_code, upload.status_code) == (202, 201)
    assert requests.get(f"{running.url}/readyz", timeout=20).json()["checks"]["redis"] == "durable"


@pytest.mark.parametrize(
    ("path", "size", "head", "status"),
    [
        ("/v1/uploads?filename=a.mp4", 15_000_000, b"just words", 422),
        ("/v1/uploads?filename=a.mp4", 30_000_000, MP4, 413),
        ("/v1/jobs", 5_000_000, b"{", 413),
        ("/v1/nowhere", 5_000_000, b"{", 404),
    ],
)
def test_an_early_refusal_reaches_a_client_that_sends_first(
    running: Running, path: str, size: int, head: bytes, status: int
):
    # Given a client that sends its whole body before it reads
    headers = {**running.headers, "Content-Type": "application/json"}
    # When its request is refused from the first bytes
    body = head + bytes(size - len(head))
    reply = requests.post(running.url + path, data=body, headers=headers, timeout=30)
    # Then it still gets the reason
    assert reply.status_code == status
    assert reply.headers["Content-Type"] == "application/problem+json"


def test_a_body_in_chunks_is_taken(running: Running):
    pieces = (piece for piece in [MP4, bytes(700_000), bytes(300_000)])
    reply = requests.post(
        f"{running.url}/v1/uploads?filename=a.mp4",
        data=pieces,
        headers=running.headers,
        timeout=20,
    )
    assert reply.json()["size"] == len(MP4) + 1_000_000


def test_a_client_that_vanishes_harms_nobody(running: Running):
    # Given an upload whose client goes away in the middle
    host, port = running.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as client:
        head = f"POST /v1/uploads HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {running.key}\r\n"
        client.sendall(f"{head}Content-Length: 9000000\r\n\r\n".encode() + MP4)
    # When another comes
    reply = requests.get(f"{running.url}/v1/limits", headers=running.headers, timeout=20)
    # Then it is served
    assert reply.status_code == 200


@pytest.mark.parametrize(
    ("request_line", "headers", "status", "code"),
    [
        ("GET /v1/jobs?name=" + "x" * 9000 + " HTTP/1.1", [], 414, "request_line_too_long"),
        ("GET /v1/jobs HTTP/1.1", ["X-A: 1"] * 70, 431, "request_headers_too_large"),
        ("GET /v1/jobs HTTP/1.1", ["X-A: " + "x" * 9000], 431, "request_headers_too_large"),
        ("GET /v1/jobs HTTP/1.1", ["X-A: " + "x" * 400_000], 431, "request_headers_too_large"),
        ("GET /v1/jobs", [], 400, "bad_request"),
        ("GET /v1/jobs HTTP/9.9", [], 400, "bad_request"),
        ("GET /v1/jobs HTTP/1.1", ["whsec_c2VjcmV0"], 400, "bad_request"),
        ("POST /v1/jobs HTTP/1.1", ["Transfer-Encoding: br"], 501, "not_implemented"),
        ("POST /v1/jobs HTTP/1.1", ["Expect: magic"], 417, "expectation_failed"),
    ],
)
def test_what_is_no_request_gets_a_problem(
    running: Running, request_line: str, headers: list[str], status: int, code: str
):
    # Given bytes that the server does not take for a request
    host, port = running.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as client:
        # When they are sent
        client.sendall("\r\n".join([request_line, "Host: x", *headers, "", ""]).encode())
        answer = b""
        while piece := client.recv(65536):
            answer += piece
    # Then the answer says what is wrong, as any other error, and gives nothing back
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"Content-Type: application/problem+json" in head
    assert b"X-Content-Type-Options: nosniff" in head
    assert json.loads(body)["code"] == code
    assert b"whsec" not in answer


def test_sigterm_ends_it_cleanly(running: Running):
    # Given an API that has taken a job and refused an address
    requests.post(f"{running.url}/v1/jobs", json=JOB, headers=running.headers, timeout=20)
    requests.get(f"{running.url}/v1/nowhere", headers=running.headers, timeout=20)
    # When it is asked to stop, then it does, without a trace and without its key in a line,
    running.process.send_signal(signal.SIGTERM)
    _, errors = running.process.communicate(timeout=30)
    assert running.process.returncode == 0
    assert "Traceback" not in errors
    assert running.key not in errors
    assert "whsec_" not in errors
    # and every line it has written is JSON; those of requests name them and lead to their jobs.
    lines = [json.loads(line) for line in errors.splitlines()]
    requested = [line for line in lines if line["event"] == "request"]
    assert all(line["request_id"] and line["status"] and line["took_ms"] >= 0 for line in requested)
    accepted = [line for line in requested if line["status"] == 202]
    assert accepted[0]["job"].startswith("job_")
    assert {line["route"] for line in requested if line["status"] == 404} == {"none"}


class TestSeveralWorkers:
    """An API of two interpreters: one metrics port, which tells of both."""

    @pytest.fixture
    def api(self, durable_valkey_server: ValkeyServer, tmp_path: Path):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            metrics_port = probe.getsockname()[1]
        env = environment(durable_valkey_server, tmp_path)
        process = subprocess.Popen(
            [sys.executable, "-m", "api", "--bind", "127.0.0.1:0", "--workers", "2"],
            env={
                **env,
                "CAPTION_AB_METRICS_PORT": str(metrics_port),
                "CAPTION_AB_METRICS_FOLDER": str(tmp_path),
            },
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        line = process.stdout.readline()
        assert line.startswith("api ready"), line
        assert list(tmp_path.glob("caption-ab-metrics-*"))
        yield process, line.split()[2], f"http://127.0.0.1:{metrics_port}/metrics"
        process.terminate()
        process.communicate(timeout=40)
        assert not list(tmp_path.glob("caption-ab-metrics-*"))

    def live_requests(self, metrics_url: str) -> float:
        """Requests to /livez, as whichever worker is asked tells them."""
        text = requests.get(metrics_url, timeout=20).text
        return sum(
            float(line.split()[-1])
            for line in text.splitlines()
            if line.startswith("caption_ab_requests_total") and '"/livez"' in line
        )

    def test_one_scrape_tells_of_all_workers_also_of_one_that_died(self, api):
        # Given forty requests, each on a connection of its own, so that both workers get some
        process, url, metrics_url = api
        for _ in range(40):
            assert requests.get(f"{url}/livez", timeout=20).status_code == 200
        # Then every scrape tells of all forty, whoever answers it
        assert {self.live_requests(metrics_url) for _ in range(6)} == {40}
        # When a worker is killed, then what it has counted stays
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGKILL)
        assert requests.get(f"{url}/livez", timeout=20).status_code == 200
        assert self.live_requests(metrics_url) == 41

    def test_metrics_are_not_on_the_port_of_the_api(self, api):
        _, url, metrics_url = api
        assert requests.get(metrics_url, timeout=20).status_code == 200
        assert requests.get(f"{url}/metrics", timeout=20).status_code == 404


@pytest.fixture
def later() -> Iterator[ValkeyServer]:
    """Where a server will be."""
    with tempfile.TemporaryDirectory(prefix="cab-") as folder:
        socket_path = Path(folder) / "valkey.sock"
        yield ValkeyServer(f"unix://{socket_path}?db=0", socket_path, Path(folder), 0)


def test_it_waits_for_a_redis_that_starts_later(later: ValkeyServer, tmp_path: Path):
    # Given an API whose Redis is not there yet
    process = subprocess.Popen(
        [sys.executable, "-m", "api", "--bind", "127.0.0.1:0"],
        env=environment(later, tmp_path),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    said = json.loads(process.stderr.readline())
    assert (said["event"], said["wait_s"]) == ("store_awaited", 30)
    # When it comes some looks later; then the API serves, and has said only once that it waits
    time.sleep(2.5)
    assert process.poll() is None
    for _ in _run_valkey(later.folder, "--appendfsync", "always"):
        assert process.stdout.readline().startswith("api ready")
        process.terminate()
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "store_awaited" not in errors


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"CAPTION_AB_SECRET_KEYS": ""}, "CAPTION_AB_SECRET_KEYS"),
        ({"CAPTION_AB_REDIS_URL": "unix:///nowhere.sock", "CAPTION_AB_STORE_WAIT_S": "0"}, "Redis"),
        ({}, "appendfsync"),
        ({"CAPTION_AB_LEASES": "1"}, "CAPTION_AB_LEASES"),
        (
            {"CAPTION_AB_ACCEPT": "fast", "CAPTION_AB_REDIS_POLICY": "stated"}
            | {"CAPTION_AB_METRICS_PORT": "1"},
            "CAPTION_AB_METRICS_PORT",
        ),
    ],
    ids=["no secret", "no Redis", "a Redis that forgets", "an unknown setting", "metrics inside"],
)
def test_a_process_that_must_not_run_says_why_in_one_line(
    valkey_server: ValkeyServer, tmp_path: Path, change: dict[str, str], named: str
):
    # Given a Redis without fsync, or something else that is wrong
    env = {**environment(valkey_server, tmp_path), **change}
    # When the API is started
    command = [sys.executable, "-m", "api", "--bind", "127.0.0.1:1"]
    ended = subprocess.run(
        command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    # Then it does not run
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert named in ended.stderr
