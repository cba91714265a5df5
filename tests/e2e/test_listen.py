"""`caption-ab listen` shows what comes, and says what is not signed with the secret."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import requests

from service.webhooks.signing import new_secret, signed_headers

BODY = {"sequence": 3, "id": "evt_1", "type": "job.running", "data": {"job_id": "job_1"}}
SECRET = new_secret()
WAIT_S = 20.0


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def listen(port: int) -> Iterator:
    started: list[subprocess.Popen] = []

    def start(*options: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "cli", "listen", "--port", str(port), *options]
        process = subprocess.Popen(
            command,
            env={**os.environ, "WEBHOOK_SECRET": SECRET},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=10)


def deliver(port: int, secret: str) -> int:
    body = json.dumps(BODY).encode()
    headers = signed_headers([secret], message_id="evt_1", timestamp_s=int(time.time()), body=body)
    until_s = time.monotonic() + WAIT_S
    while True:
        try:
            url = f"http://127.0.0.1:{port}/"
            return requests.post(url, data=body, headers=headers, timeout=5).status_code
        except requests.ConnectionError:
            if time.monotonic() > until_s:
                raise
            time.sleep(0.1)


def test_what_is_signed_is_shown_and_taken(listen, port: int):
    # Given a listener that ends after one event
    process = listen("--count", "1")
    # When a signed event comes
    assert deliver(port, SECRET) == 204
    # Then it is shown with its data, and all was well
    told, _ = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0
    assert "job.running  verified, answered 204" in told
    assert '"job_id": "job_1"' in told
    assert SECRET not in told


def test_what_another_signed_is_refused_and_said(listen, port: int):
    process = listen("--count", "1")
    assert deliver(port, new_secret()) == 400
    told, why = process.communicate(timeout=WAIT_S)
    assert "NOT VERIFIED, answered 400" in told
    # And it is said what may be lacking, and why this ends with 1
    assert "An endpoint has a secret of its own" in told
    assert process.returncode == 1
    assert "1 of 1 were not verified" in why


def test_while_a_secret_is_rotated_both_are_taken_and_failure_can_be_played(listen, port: int):
    # Given a listener that knows an old and a new secret and answers 500
    old, new = new_secret(), new_secret()
    process = listen("--secret", old, "--secret", new, "--status", "500", "--count", "2", "--json")
    assert [deliver(port, old), deliver(port, new)] == [500, 500]
    told, _ = process.communicate(timeout=WAIT_S)
    assert [json.loads(line)["verified"] for line in told.splitlines()] == [True, True]


def test_a_port_that_is_taken_is_said_plainly(listen, port: int):
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        process = listen()
        _, said = process.communicate(timeout=WAIT_S)
    assert process.returncode == 1
    assert f"Port {port} is taken." in said
    assert "Traceback" not in said
