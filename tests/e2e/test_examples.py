"""The receivers of docs/examples, each started and given good, forged, old and repeated events."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from service.webhooks.signing import new_secret, signed_headers

FOLDER = Path(__file__).parents[2] / "docs/examples"
SECRET, OLD_SECRET = new_secret(), new_secret()
WAIT_S = 60.0  # go builds first
COMMANDS = {
    "receiver.py": [sys.executable],
    "receiver.mjs": ["node"],
    "receiver.go": ["go", "run"],
}


class Running:
    """A receiver of the examples on a port of its own."""

    def __init__(self, name: str, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.out = folder / "out"
        env = {**os.environ, "WEBHOOK_SECRET": SECRET, "GOCACHE": str(folder / "go")}
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                [*COMMANDS[name], str(FOLDER / name), str(self.port)],
                env=env,
                stdout=out,
                start_new_session=True,  # `go run` has a child
            )

    def post(self, body: bytes, headers: dict[str, str]) -> int:
        url = f"http://127.0.0.1:{self.port}/"
        until_s = time.monotonic() + WAIT_S
        while True:
            try:
                return requests.post(url, data=body, headers=headers, timeout=5).status_code
            except requests.ConnectionError:
                assert time.monotonic() < until_s, "the receiver does not listen"
                assert self.process.poll() is None, "the receiver has ended"
                time.sleep(0.1)

    def stop(self) -> None:
        os.killpg(self.process.pid, 9)
        self.process.wait(10)


def has(name: str) -> bool:
    return shutil.which(COMMANDS[name][0]) is not None


@pytest.fixture(scope="module", params=list(COMMANDS))
def receiver(request, tmp_path_factory) -> Iterator[Running]:
    if not has(request.param):
        pytest.skip(f"{COMMANDS[request.param][0]} is not installed")
    running = Running(request.param, tmp_path_factory.mktemp("receiver"))
    yield running
    running.stop()


def signed(event_id: str, *secrets: str, late_s: int = 0) -> tuple[bytes, dict[str, str]]:
    event = {"sequence": 1, "id": event_id, "type": "job.succeeded", "data": {"job_id": "job_1"}}
    body = json.dumps(event).encode()
    at_s = int(time.time()) - late_s
    return body, signed_headers(secrets, message_id=event_id, timestamp_s=at_s, body=body)


def test_an_event_is_taken_once_however_often_it_comes(receiver: Running):
    body, headers = signed("evt_1", SECRET)
    assert [receiver.post(body, headers) for _ in range(3)] == [204, 204, 204]
    assert receiver.out.read_text().splitlines().count("job.succeeded job_1") == 1


def test_an_event_signed_by_two_secrets_is_taken(receiver: Running):
    assert receiver.post(*signed("evt_2", OLD_SECRET, SECRET)) == 204


@pytest.mark.parametrize("late_s", [400, -400])
def test_an_old_or_future_event_is_refused(receiver: Running, late_s: int):
    assert receiver.post(*signed("evt_3", SECRET, late_s=late_s)) == 400


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,a,b  v2,x"},
        {"webhook-signature": ""},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "9" * 40},
        {"webhook-timestamp": "-1"},
        {"webhook-id": "evt_other"},
    ],
    ids=str,
)
def test_whatever_is_not_ours_is_refused(receiver: Running, change: dict[str, str]):
    body, headers = signed("evt_4", SECRET)
    assert receiver.post(body, {**headers, **change}) == 400
    assert receiver.post(*signed("evt_5", SECRET)) == 204  # and it goes on


def test_a_changed_body_is_refused(receiver: Running):
    body, headers = signed("evt_6", SECRET)
    assert receiver.post(body.replace(b"job_1", b"job_2"), headers) == 400


def test_a_body_without_end_is_refused(receiver: Running):
    body, headers = signed("evt_7", SECRET)
    assert receiver.post(body + b" " * 1_000_001, headers) == 400
