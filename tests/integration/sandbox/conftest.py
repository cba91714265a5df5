"""A running sandbox and a small client of raw HTTP; nothing here knows the product."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.config import SandboxConfig
from sandbox.ffmpeg import ffmpeg_binary
from sandbox.server import RunningSandbox, start_sandbox
from sandbox.switches import Switches

ATTRIBUTION = {
    "X-Skill-Source": "caption-ab",
    "X-Skill-Version": "1.0.0",
    "X-Skill-Platform": "unknown",
}
SRT = (
    "1\n00:00:00,200 --> 00:00:01,000\nCold brew\n\n"
    "2\n00:00:01,000 --> 00:00:01,800\nin ten seconds\n"
)
CAPTION = f"Add captions in the outline style.\n```srt\n{SRT}```"
QUICK = Switches(edit_s=0.05, heartbeat_every_s=0.02, silent_rate=0.0, pending_s=0, processing_s=0)


@dataclass
class Caller:
    """Calls one sandbox as one account."""

    url: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", **ATTRIBUTION}

    def get(self, path: str) -> requests.Response:
        return requests.get(self.url + path, headers=self.headers, timeout=20)

    def post(self, path: str, body: Any = None, **more: Any) -> requests.Response:
        return requests.post(self.url + path, json=body, headers=self.headers, timeout=20, **more)

    def session(self) -> str:
        body = {"task_name": "project", "language": "en"}
        reply = self.post("/api/tasks/me/with-session/nemo_agent", body)
        return str(reply.json()["data"]["session_id"])

    def upload(
        self, session_id: str, path: Path, name: str = "", mime: str = ""
    ) -> requests.Response:
        with path.open("rb") as file:
            part = (name or path.name, file, mime or "application/octet-stream")
            return requests.post(
                f"{self.url}/api/upload-video/nemo_agent/me/{session_id}",
                files=[("files", part)],
                headers=self.headers,
                timeout=30,
            )

    def say(
        self, session_id: str, text: str, edit_id: str = "e1", **more: Any
    ) -> requests.Response:
        body = {
            "app_name": "nemo_agent",
            "user_id": "me",
            "session_id": session_id,
            "new_message": {"parts": [{"text": text}]},
        }
        headers = {**self.headers, "Accept": "text/event-stream", "X-Request-Id": edit_id}
        return requests.post(f"{self.url}/run_sse", json=body, headers=headers, timeout=20, **more)

    def state(self, session_id: str) -> dict[str, Any]:
        reply = self.get(f"/api/state/nemo_agent/me/{session_id}/latest").json()
        state: dict[str, Any] = reply["data"]["state"]
        return state

    def balance(self) -> dict[str, int]:
        data: dict[str, int] = self.get("/api/credits/balance/simple").json()["data"]
        return data

    def submit(self, session_id: str, render_id: str, **output: Any) -> requests.Response:
        draft = self.state(session_id)["draft"]
        body = {"id": render_id, "sessionId": session_id, "draft": draft, "output": output}
        return self.post("/api/render/proxy/lambda", body)

    def finished(self, render_id: str) -> dict[str, Any]:
        for _ in range(600):
            data: dict[str, Any] = self.get(f"/api/render/proxy/lambda/{render_id}").json()["data"]
            if data["status"] in {"completed", "failed", "cancelled"}:
                return data
            time.sleep(0.05)
        raise AssertionError("the render did not end")


def events_of(reply: requests.Response) -> list[dict[str, Any]]:
    """Returns the JSON events of a finished stream, heartbeats left out."""
    blocks = reply.content.decode("utf-8").split("\n\n")
    return [json.loads(block[6:]) for block in blocks if block.startswith("data: {")]


def texts_of(reply: requests.Response) -> list[str]:
    """Returns the texts an ADK stream carried."""
    events = [event for event in events_of(reply) if "content" in event]
    return [part["text"] for e in events for part in e["content"]["parts"] if "text" in part]


@pytest.fixture(scope="session")
def make_clip(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    folder = tmp_path_factory.mktemp("clips")

    def make(name: str, *options: str, size: str = "320x180", sound: bool = True) -> Path:
        path = folder / name
        if not path.exists():
            audio = ["-f", "lavfi", "-i", "sine=440:duration=2"] if sound else []
            subprocess.run(
                [
                    ffmpeg_binary(), "-loglevel", "error", "-f", "lavfi", "-i",
                    f"color=c=gray:size={size}:rate=25:duration=2", *audio, "-pix_fmt", "yuv420p",
                    *options, str(path),
                ],
                check=True,
            )  # fmt: skip
        return path

    return make


@pytest.fixture(scope="session")
def clip(make_clip: Callable[..., Path]) -> Path:
    return make_clip("demo.mp4", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    data = tmp_path_factory.mktemp("sandbox")
    config = SandboxConfig(data, switches=QUICK, preset="ultrafast", max_upload_bytes=3_000_000)
    sandbox = start_sandbox(config)
    yield sandbox
    sandbox.stop()


@pytest.fixture
def sandbox(running: RunningSandbox) -> Iterator[RunningSandbox]:
    yield running
    running.world.agenda.clear()
    running.world.board.reset()
    running.world.faults.drop()


@pytest.fixture
def caller(sandbox: RunningSandbox) -> Caller:
    """A registered account of its own with 1000 credits."""
    return Caller(sandbox.url, f"nmv_usr_sbx_{uuid.uuid4().hex[:8]}_1000")


@pytest.fixture
def captioned(caller: Caller, clip: Path) -> str:
    """A session whose clip has captions."""
    session_id = caller.session()
    assert caller.upload(session_id, clip).json()["code"] == 0
    caller.say(session_id, CAPTION)
    return session_id


@pytest.fixture
def make_caller(sandbox: RunningSandbox) -> Callable[[str], Caller]:
    """Makes callers with any token."""
    return lambda token: Caller(sandbox.url, token)


@pytest.fixture
def caption_message() -> str:
    """A message that asks for two captions."""
    return CAPTION


@pytest.fixture
def read_events() -> Callable[[requests.Response], list[dict[str, Any]]]:
    """Reads the JSON events of a stream."""
    return events_of


@pytest.fixture
def read_texts() -> Callable[[requests.Response], list[str]]:
    """Reads the texts of an ADK stream."""
    return texts_of


@pytest.fixture
def make_caller_at() -> Callable[[str], Caller]:
    """Makes registered callers of any sandbox."""
    return lambda url: Caller(url, f"nmv_usr_sbx_{uuid.uuid4().hex[:8]}_1000")
