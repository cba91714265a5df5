"""Whether an API process is ready, by its Redis and its files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import redis

from api.app import create_app
from service.media.files import LocalFiles
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


def test_not_ready_without_a_place_for_files(services, tmp_path: Path):
    (tmp_path / "taken").write_text("a file where the folder should be")
    broken = replace(services, files=LocalFiles(tmp_path / "taken"))
    reply = create_app(broken).test_client().get("/readyz")
    assert reply.status_code == 503
    assert reply.get_json()["checks"]["files"] != "writable"
