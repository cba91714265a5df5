"""An app over a real Valkey and a real folder; two tenants, each with a client of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from flask import Flask
from flask.testing import FlaskClient

from api.app import create_app
from api.server import warm
from api.state import attach_state
from service.access import create_tenant_with_key
from service.jobs.context import Services
from service.settings import Settings
from service.wiring import build_services

SRT = "1\n00:00:00,500 --> 00:00:02,500\nA first caption\n"
JOB = {
    "clips": [{"url": "https://media.example.com/clip.mp4"}],
    "captions": {"format": "srt", "text": SRT},
}
#: What an mp4 begins with; enough to be taken for one.
MP4 = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41" + bytes(4064)


@dataclass(frozen=True)
class Visitor:
    """A tenant's way to the API."""

    client: FlaskClient
    key: str
    tenant_id: str

    def open(self, path: str, method: str = "GET", **options: Any):
        headers = {"Authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        return self.client.open(path, method=method, headers=headers, **options)

    def get(self, path: str, **options: Any):
        return self.open(path, **options)

    def post(self, path: str, **options: Any):
        return self.open(path, "POST", **options)

    def delete(self, path: str, **options: Any):
        return self.open(path, "DELETE", **options)

    def upload(self, content: bytes = MP4, filename: str = "clip.mp4"):
        return self.post(f"/v1/uploads?filename={filename}", data=content)


@pytest.fixture
def settings(redis_url: str, tmp_path: Path) -> Settings:
    return Settings(
        redis_url=redis_url,
        files=str(tmp_path / "files"),
        secret_keys=(Fernet.generate_key().decode(),),
        key_pepper="a pepper",
        public_url="https://ab.example.com",
        redis_policy="stated",
        upload_max_bytes=2_000_000,
    )


@pytest.fixture
def services(settings: Settings) -> Iterator[Services]:
    parts = build_services(settings, name="test", connections=8)
    warm(parts)
    yield parts
    parts.connection.client.connection_pool.disconnect()


@pytest.fixture(scope="session")
def built() -> dict[tuple[int, str], Flask]:
    """Apps by the settings that their routes know: to build the routes takes most of a test."""
    return {}


@pytest.fixture
def app(built: dict[tuple[int, str], Flask], services: Services) -> Flask:
    """An app with parts of its own; its routes are those of the tests before it."""
    known = (services.settings.request_max_bytes, services.settings.public_url)
    if known not in built:
        built[known] = create_app(services)
    app = copy(built[known])
    app.extensions = dict(app.extensions)
    attach_state(app.extensions, services)
    return app


@pytest.fixture
def new_visitor(app: Flask, services: Services) -> Callable[[str], Visitor]:
    def make(name: str) -> Visitor:
        made = create_tenant_with_key(
            services.accounts,
            services.vault,
            name=name,
            account_id="acc_anonymous",
            pepper=services.settings.key_pepper,
            now_ms=services.clock.now_ms(),
        )
        return Visitor(app.test_client(), made.api_key, made.tenant_id)

    return make


@pytest.fixture
def ann(new_visitor: Callable[[str], Visitor]) -> Visitor:
    return new_visitor("ann")


@pytest.fixture
def bob(new_visitor: Callable[[str], Visitor]) -> Visitor:
    return new_visitor("bob")
