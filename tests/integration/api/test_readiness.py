"""Whether an API process is ready, and what it says of Redis and of its files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
import redis

from api.app import create_app
from service.store.connection import Connection
from service.store.experiments import ExperimentStore
from service.store.pool import connect
from tests.integration.api.conftest import Visitor


def test_ready_with_the_policy_as_stated(ann: Visitor):
    body = ann.client.get("/readyz").get_json()
    assert body["checks"] == {"redis": "stated", "files": "writable"}


@pytest.mark.parametrize(
    ("accept", "fsync", "status", "named"),
    [
        ("strict", "always", 200, "durable"),
        ("fast", "everysec", 200, "fast"),
        ("fast", "always", 200, "durable"),
        ("strict", "everysec", 503, "appendfsync everysec"),
    ],
)
def test_ready_as_durable_as_redis_is(
    services, redis_client: redis.Redis, accept: str, fsync: str, status: int, named: str
):
    # Given a Redis with a policy, and an API that checks it
    before = redis_client.config_get("appendfsync")["appendfsync"]
    redis_client.config_set("appendfsync", fsync)
    settings = replace(services.settings, accept=accept, redis_policy="check")
    try:
        reply = create_app(replace(services, settings=settings)).test_client().get("/readyz")
    finally:
        redis_client.config_set("appendfsync", before)
    # Then it is ready only if it keeps what it promises, and says how
    assert reply.status_code == status
    assert named in reply.get_json()["checks"]["redis"]


@pytest.fixture
def counting_apart(services, redis_url: str) -> Connection:
    """Where an API counts outcomes that has a Redis of its own for them."""
    url = redis_url.replace("db=0", "db=1")
    client = connect(services.settings, connections=2, name="t", url=url)
    return Connection(client, services.settings, services.clock)


def ask_ready(services, counting: Connection, redis_policy: str):
    """What such an API says of itself."""
    settings = replace(services.settings, redis_policy=redis_policy)
    store = ExperimentStore(counting, settings)
    app = create_app(replace(services, settings=settings, experiments=store))
    return app.test_client().get("/readyz")


def test_where_outcomes_are_counted_is_told_of(services, counting_apart):
    counting_apart.client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        reply = ask_ready(services, counting_apart, "check")
    finally:
        counting_apart.client.config_set("maxmemory-policy", "noeviction")
    said = reply.get_json()["checks"]["experiments_redis"]
    assert "The Redis of CAPTION_AB_EXPERIMENTS_REDIS_URL may evict keys" in said


def test_where_outcomes_are_counted_may_hang_and_the_api_is_ready(
    services, counting_apart, monkeypatch
):
    ended = Event()
    monkeypatch.setattr(counting_apart, "server_ms", ended.wait)
    reply = ask_ready(services, counting_apart, "stated")
    ended.set()
    assert (reply.status_code, reply.get_json()["status"]) == (200, "ok")
    assert reply.get_json()["checks"]["experiments_redis"] == "slow"


def test_not_ready_without_a_place_for_files(services, tmp_path: Path):
    from service.media.files import LocalFiles

    (tmp_path / "taken").write_text("a file where the folder should be")
    broken = replace(services, files=LocalFiles(tmp_path / "taken"))
    reply = create_app(broken).test_client().get("/readyz")
    assert reply.status_code == 503
    assert reply.get_json()["checks"]["files"] != "writable"
