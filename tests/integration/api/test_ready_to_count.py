"""What `/readyz` says of a Redis that counts outcomes alone: it tells, and does not decide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from threading import Event

import pytest

from api.app import create_app
from service.errors import StoreUnavailable
from service.store.connection import Connection
from service.store.experiments import ExperimentStore
from service.store.pool import connect


@pytest.fixture
def counting_apart(services, redis_url: str) -> Iterator[Connection]:
    """Where an API counts outcomes that has a Redis of its own for them."""
    url = redis_url.replace("db=0", "db=1")
    client = connect(services.settings, connections=2, name="t", url=url)
    yield Connection(client, services.settings, services.clock)
    client.close()


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

    def hang() -> None:
        ended.wait()
        raise StoreUnavailable("Redis: TimeoutError.")

    monkeypatch.setattr(counting_apart, "server_ms", hang)
    reply = ask_ready(services, counting_apart, "stated")
    ended.set()
    assert (reply.status_code, reply.get_json()["status"]) == (200, "ok")
    assert reply.get_json()["checks"]["experiments_redis"] == "slow"


def test_another_redis_than_the_one_that_counted_is_told_of(services, counting_apart):
    services.connection.client.set("cab:counting-id", "of the right one")
    reply = ask_ready(services, counting_apart, "stated")
    assert reply.status_code == 200
    assert reply.get_json()["checks"]["experiments_redis"] == "unknown"


def test_the_main_redis_is_told_of_where_another_one_has_counted(services):
    # Given an API that was not told where outcomes have been counted so far
    services.connection.client.set("cab:counting-id", "of the right one")
    reply = ask_ready(services, services.connection, "stated")
    assert reply.status_code == 200
    assert reply.get_json()["checks"]["experiments_redis"] == "unknown"
    # And nothing is said of it where none has.
    services.connection.client.delete("cab:counting-id")
    assert (
        "experiments_redis"
        not in ask_ready(services, services.connection, "stated").get_json()["checks"]
    )
