"""Fixtures of the suites that take Redis away; a suite names those it uses."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from service.jobs.context import Services
from tests.integration.api.conftest import Visitor
from tests.integration.api.outage import Server, finish_a_job


@pytest.fixture
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="cab-") as folder:
        own = Server(Path(folder))
        own.start()
        yield own
        if own.process is not None and own.process.poll() is None:
            own.kill()


@pytest.fixture
def redis_url(server: Server) -> str:
    return f"unix://{server.socket}?db=0"


@pytest.fixture
def finished(ann: Visitor, services: Services) -> str:
    """A job of Ann's that has finished with two videos."""
    return finish_a_job(ann, services)


@pytest.fixture
def client(server: Server) -> Iterator[redis.Redis]:
    with redis.Redis(unix_socket_path=str(server.socket), decode_responses=True) as own:
        yield own


@pytest.fixture
def kill(server: Server, ann: Visitor) -> Callable[[], None]:
    """Kills the server once the API process knows Ann's key."""

    def do() -> None:
        assert ann.get("/v1/jobs").status_code == 200
        server.kill()

    return do
