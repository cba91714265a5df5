"""Jobs that tell of themselves, receivers, and workers that send: real Valkey, real HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis

from service.clock import FakeClock
from service.jobs.advance import advance
from service.jobs.context import Services
from service.model.endpoint import Endpoint
from service.model.origin import NOWHERE
from service.settings import Settings
from service.store.accounts import Tenant
from service.store.deliveries import Delivery
from service.vault import new_vault_key
from service.webhooks.endpoints import change_endpoint, open_endpoint, send_test
from service.webhooks.signing import new_secret
from service.wiring import build_services
from tests.builders import TENANT, a_new_job, a_spec, an_event
from tests.integration.store.invariants import assert_invariants
from tests.receiver import Receiver

HOUR_S = 3600.0


@dataclass
class Post:
    """A tenant's events on their way, with a clock that the test moves."""

    services: Services
    client: redis.Redis
    clock: FakeClock
    secret: str
    secrets: dict[str, str] = field(default_factory=dict)

    def endpoint(self, receiver: Receiver, *events: str, tenant: str = TENANT, **more: Any) -> str:
        """Make an endpoint at a receiver; its id."""
        request = {"url": receiver.url, "events": events or ("job.*",), **more}
        endpoint, secret = open_endpoint(tenant, request, self.services)
        self.secrets[endpoint.id] = secret.text
        return endpoint.id

    def change(self, endpoint_id: str, **changes: Any) -> None:
        change_endpoint(TENANT, endpoint_id, changes, self.services)

    def accept(self, *, tenant: str = TENANT, webhook: str = "") -> str:
        """Accept a job, which is an event; its id."""
        spec = a_spec(webhook=webhook)
        new = a_new_job(spec, tenant=tenant)
        self.services.jobs.create(new, now_ms=self.clock.now_ms())
        return new.id

    def happen(self, job: str, kind: str = "job.running") -> None:
        """Let one more thing happen to a job."""
        claim = self.services.commands.claim(
            f"clip:{job}.0", owner="w", now_ms=self.clock.now_ms(), now_s=0.0
        )
        self.services.commands.note(claim, an_event(kind), now_ms=self.clock.now_ms())
        self.clock.advance(0.001)
        self.services.commands.release_all([(claim.row, claim.fence)], now_ms=self.clock.now_ms())

    def test(self, endpoint_id: str) -> str:
        return send_test(TENANT, endpoint_id, NOWHERE, self.services).row

    def send(self) -> None:
        """Send what is due now, and what comes of it."""
        for _ in range(200):
            if not (due := self.due_now()):
                return
            for row in due:
                advance(row, self.services)
        raise AssertionError(f"always due: {self.due_now()}")

    def due_now(self) -> list[str]:
        rows = self.client.zrange("cab:due", "-inf", self.clock.now_ms(), byscore=True)
        return [row for row in rows if row.startswith(("event:", "delivery:"))]

    def pass_hours(self, hours: float, *, of: float = 0.5) -> None:
        """Let time pass in small pieces, sending what is due in each."""
        for _ in range(int(hours / of)):
            self.clock.advance(of * HOUR_S)
            self.send()

    def deliveries(self, endpoint_id: str) -> list[Delivery]:
        """What was sent to an endpoint, the oldest first."""
        store = self.services.deliveries
        page = store.page(endpoint_id, after=None, limit=1000)
        return store.read_many([row for _, row in reversed(page)])

    def states(self, endpoint_id: str) -> list[str]:
        return [each.state.value for each in self.deliveries(endpoint_id)]

    def read(self, endpoint_id: str) -> Endpoint:
        found = self.services.endpoints.read(endpoint_id)
        assert found is not None
        return found


@pytest.fixture
def make_post(
    redis_client: redis.Redis, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Post]]:
    """Builds a post whose receivers may be these."""
    clock = FakeClock(int(time.time() * 1000))
    monkeypatch.setattr("service.wiring.AnchoredClock", lambda *_: clock)

    def make(*receivers: Receiver, **changes: Any) -> Post:
        settings = Settings(
            redis_url=redis_url,
            files=str(tmp_path / "files"),
            secret_keys=(new_vault_key(),),
            caller_http=True,
            caller_loopback_ports=tuple(each.port for each in receivers),
            webhook_deadline_s=changes.pop("webhook_deadline_s", 2.0),
            clock_ahead_s=1e9,
            **changes,
        )
        services, secret = build_services(settings, name="hooks", connections=4), new_secret()
        for tenant in (TENANT, "ten_2"):
            sealed = services.vault.seal(secret)
            services.accounts.create_tenant(Tenant(tenant, "t", "acc_1", sealed))
        return Post(services, redis_client, clock, secret)

    yield make
    assert_invariants(redis_client)
