"""tus against API processes as in production: an existing client, several processes, a kill."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from tusclient.client import TusClient

from tests.conftest import ROOT, ValkeyServer
from tests.integration.api.conftest import MP4
from tests.integration.api.test_server import environment
from tests.integration.api.tus import BYTES, TUS

MB = 1_000_000


@dataclass
class Api:
    """An API process; `start` puts another in its place, at the same address."""

    env: dict[str, str]
    port: int
    key: str
    process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    def start(self) -> None:
        command = [sys.executable, "-m", "api", "--bind", f"127.0.0.1:{self.port}"]
        command += ["--public-url", self.url]
        self.process = subprocess.Popen(
            command,
            env=self.env,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout.readline().startswith("api ready")

    def kill(self) -> None:
        """Parent and workers at once, as when a machine goes down."""
        if self.process is not None:
            os.killpg(self.process.pid, 9)
            self.process.communicate()
            self.process = None

    def begin(self, content: bytes) -> str:
        reply = requests.post(
            f"{self.url}/v1/uploads/tus",
            headers={**self.headers, **TUS, "Upload-Length": str(len(content))},
            timeout=20,
        )
        return reply.headers["Location"]

    def offset(self, address: str) -> int:
        reply = requests.head(address, headers={**self.headers, **TUS}, timeout=20)
        return int(reply.headers["Upload-Offset"])

    def patch(self, address: str, offset: int, data: bytes) -> requests.Response:
        headers = {**self.headers, **BYTES, "Upload-Offset": str(offset)}
        return requests.patch(address, headers=headers, data=data, timeout=60)

    def read(self, address: str) -> dict:
        upload_id = address.rpartition("/")[2]
        reply = requests.get(f"{self.url}/v1/uploads/{upload_id}", headers=self.headers, timeout=20)
        return reply.json()


@pytest.fixture
def new_api(durable_valkey_server: ValkeyServer, tmp_path: Path) -> Iterator[Callable[[], Api]]:
    env = environment(durable_valkey_server, tmp_path)
    command = [sys.executable, "-m", "api.keys", "create", "--name", "t"]
    made = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    started: list[Api] = []

    def make() -> Api:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        started.append(Api(env, port, json.loads(made.stdout)["api_key"]))
        started[-1].start()
        return started[-1]

    yield make
    for each in started:
        each.kill()


def clip(size: int) -> bytes:
    return MP4 + random.Random(size).randbytes(size - len(MP4))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def start_patch(api: Api, address: str, offset: int, data: bytes, length: int) -> socket.socket:
    """A request that has brought `data` of `length` bytes and goes on no further."""
    path = address.removeprefix(api.url)
    head = [f"PATCH {path} HTTP/1.1", "Host: localhost", f"Content-Length: {length}"]
    headers = {**api.headers, **BYTES, "Upload-Offset": str(offset)}
    head += [f"{name}: {value}" for name, value in headers.items()]
    client = socket.create_connection(("127.0.0.1", api.port), timeout=20)
    client.sendall("\r\n".join([*head, "", ""]).encode() + data)
    return client


def wait_for_offset(api: Api, address: str, at_least: int) -> int:
    until_s = time.monotonic() + 20
    while (found := api.offset(address)) < at_least and time.monotonic() < until_s:
        time.sleep(0.05)
    return found


def test_an_existing_client_uploads_is_interrupted_and_goes_on(new_api):
    # Given tuspy, which has sent the half of a clip
    api, content = new_api(), clip(9 * MB)
    client = TusClient(f"{api.url}/v1/uploads/tus", headers=api.headers)
    named = {"metadata": {"filename": "my clip.mp4"}, "chunk_size": 2 * MB}
    first = client.uploader(file_stream=io.BytesIO(content), **named)
    first.upload(stop_at=4 * MB)
    # When the API is killed and started again, and a new client goes on with that address
    api.kill()
    api.start()
    second = client.uploader(file_stream=io.BytesIO(content), url=first.url, **named)
    assert second.offset == 4 * MB
    second.upload()
    # Then the upload is whole, with the name that was given
    found = api.read(first.url)
    assert (found["sha256"], found["size"]) == (sha256(content), len(content))
    assert (found["filename"], found["kind"]) == ("my clip.mp4", "video")


def test_what_is_told_after_a_kill_is_on_disk(new_api, tmp_path: Path):
    # Given a request that is in the middle of its body
    api, content = new_api(), clip(15 * MB)
    address = api.begin(content)
    client = start_patch(api, address, 0, content[: 11 * MB], len(content))
    told = wait_for_offset(api, address, 8 * MB)
    # When the process is killed
    api.kill()
    client.close()
    api.start()
    # Then what it tells is what it told or more, and every byte of it is there
    offset = api.offset(address)
    parts = sorted((tmp_path / "files/parts" / address.rpartition("/")[2]).iterdir())
    on_disk = b"".join(each.read_bytes() for each in parts if not each.name.startswith("."))
    assert told <= offset <= len(on_disk)
    assert on_disk[:offset] == content[:offset]
    # and the rest makes it whole.
    assert api.patch(address, offset, content[offset:]).status_code == 204
    assert api.read(address)["sha256"] == sha256(content)


def test_any_process_goes_on_and_a_silent_request_holds_nothing_up(new_api):
    # Given two processes, and a client that has fallen silent in the middle of a request to one
    here, there = new_api(), new_api()
    content = clip(12 * MB)
    address = here.begin(content)
    silent = start_patch(here, address, 0, content[: 5 * MB], len(content))
    offset = wait_for_offset(here, address, 4 * MB)
    # When the client goes on with the other
    other = address.replace(here.url, there.url)
    assert there.offset(other) == offset
    reply = there.patch(other, offset, content[offset:])
    # Then it does so at once, and the silent request ends with nothing changed
    assert reply.status_code == 204
    assert there.read(other)["sha256"] == sha256(content)
    silent.sendall(content[5 * MB : 10 * MB])
    assert silent.recv(100).startswith((b"HTTP/1.1 423", b"HTTP/1.1 404"))
    silent.close()
    assert here.read(address)["sha256"] == sha256(content)


def test_an_early_refusal_reaches_a_client_that_sends_first(new_api):
    # Given 15 MB of words that are sent before the answer is read
    api = new_api()
    content = b"just some words\n" * MB
    address = api.begin(content[: 15 * MB])
    reply = api.patch(address, 0, content[: 15 * MB])
    # Then the reason still comes
    assert (reply.status_code, reply.json()["code"]) == (422, "unsupported_file")
