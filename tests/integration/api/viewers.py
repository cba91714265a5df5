"""Jobs whose videos are there, experiments on them, and an API on a real socket."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
import requests
from flask import Flask
from werkzeug.serving import make_server

from tests.integration.api.conftest import JOB, Visitor
from tests.outcomes import an_outcome

#: Ends at once where there is an answer, so that a test need not wait a day.
PLAN = {
    "primary": {"name": "clicks", "kind": "proportion", "title": "click rate"},
    "secondary": [
        {"name": "watch", "kind": "mean", "title": "watch time", "most": 3000},
        {"name": "spent", "kind": "mean"},
        {"name": "per_view", "kind": "ratio", "most": 3000},
    ],
    "min_runtime_s": 0,
}


def end_job(client: redis.Redis, job_id: str, *, without: str = "") -> None:
    """Let a job have ended with the video of each variant but one."""
    for row in client.smembers(f"cab:job:{job_id}:rows"):
        kind, _, name = row.partition(":")
        if kind in {"cut", "clip"}:
            lost = kind == "cut" and bool(without) and f".{without}." in f"{name}."
            state = "failed" if lost else {"cut": "succeeded", "clip": "ready"}[kind]
            client.hset(f"cab:row:{row}", mapping={"open": "0", "state": state})
            client.zrem("cab:due", row)
    client.hset(f"cab:job:{job_id}", "status", "succeeded")


def ended_job(visitor: Visitor, client: redis.Redis, **body: Any) -> str:
    """A job of two variants with their videos."""
    reply = visitor.post("/v1/jobs", json={**JOB, **body})
    assert reply.status_code == 202, reply.get_json()
    job_id: str = reply.get_json()["id"]
    end_job(client, job_id)
    return job_id


@contextmanager
def listening(app: Flask) -> Iterator[str]:
    """The app on a socket of its own; its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


@dataclass
class Running:
    """An experiment that counts, asked over HTTP as a customer asks."""

    url: str
    key: str
    session: requests.Session = field(default_factory=requests.Session)

    def ask(self, method: str, path: str = "", **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        return self.session.request(
            method, f"{self.url}{path}", headers=headers, timeout=20, **options
        )

    def send(self, *items: Any, status: int = 200) -> list[str]:
        """What became of each item: its status, and of a rejected one the reason."""
        reply = self.ask("POST", "/outcomes", json={"outcomes": list(items)})
        assert reply.status_code == status, reply.text
        return [each.get("reason", each["status"]) for each in reply.json().get("results", [])]

    def tallies(self) -> list[dict[str, Any]]:
        """The sums of each variant, as the snapshot has them."""
        reply = self.ask("GET", "/verdict/snapshot")
        assert reply.status_code == 200, reply.text
        found: list[dict[str, Any]] = reply.json()["tallies"]
        return found


#: A viewer of each variant.
FIRST = (
    an_outcome("first-a", "ua", metric="clicks"),
    an_outcome("first-b", "ub", "B", metric="watch", value=500),
)


def some_time_ago(**ago: float) -> str:
    """A time as `occurred_at` takes it."""
    return (datetime.now(UTC) - timedelta(**ago)).isoformat()


@pytest.fixture(name="running")
def running_experiment(app, ann: Visitor, redis_client: redis.Redis) -> Iterator[Running]:
    """Ann's experiment with two viewers, at an address of its own."""
    job_id = ended_job(ann, redis_client)
    with listening(app) as url:
        found = Running(f"{url}/v1/jobs/{job_id}", ann.key)
        assert found.ask("PUT", "/experiment", json=PLAN).status_code == 201
        assert found.send(*FIRST) == ["accepted"] * 2
        yield found
