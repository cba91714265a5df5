"""The engine's rooms on a real Valkey, with the sandbox as its backend."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from sandbox.config import SandboxConfig
from sandbox.server import RunningSandbox, start_sandbox
from sandbox.switches import Switches
from service.clock import FakeClock
from service.nemo.tokens import ANONYMOUS_ACCOUNT, ENV_ACCOUNT
from tests.events import assert_documented
from tests.integration.jobs.harness import Harness, make_settings
from tests.integration.store.conftest import store
from tests.integration.store.invariants import assert_invariants

__all__ = ["store"]

QUICK = Switches(edit_s=0.02, heartbeat_every_s=0.01, silent_rate=0.0, pending_s=0, processing_s=0)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[RunningSandbox]:
    """A backend of its own for each test, so that its books tell of this test alone."""
    running = start_sandbox(SandboxConfig(tmp_path / "sbx", switches=QUICK, preset="ultrafast"))
    yield running
    running.stop()


@pytest.fixture
def make_engine(
    sandbox: RunningSandbox,
    redis_client: redis.Redis,
    redis_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[..., Harness]]:
    """Builds an engine on an account with so many credits; 0 takes an anonymous one of 100."""
    # The sandbox dates its tokens by the real clock.
    clock = FakeClock(int(time.time() * 1000))
    monkeypatch.setattr("service.wiring.AnchoredClock", lambda *_: clock)

    def make(balance: int = 1000, **changes: Any) -> Harness:
        token = f"nmv_usr_sbx_{uuid.uuid4().hex[:8]}_{balance}" if balance else ""
        settings = make_settings(
            sandbox.url, redis_url, tmp_path / "files", nemo_token=token, **changes
        )
        account = ENV_ACCOUNT if balance else ANONYMOUS_ACCOUNT
        return Harness(sandbox, redis_client, settings, clock, account)

    yield make
    assert_invariants(redis_client)
    assert_documented(redis_client)


@pytest.fixture
def engine(make_engine: Callable[..., Harness]) -> Harness:
    return make_engine()
