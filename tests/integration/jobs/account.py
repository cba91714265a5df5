"""An anonymous account with a backend behind it, as tests of tokens see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import requests

from service.jobs.advance import advance
from service.nemo.tokens import ANONYMOUS_ACCOUNT, Tokens
from tests.integration.jobs.harness import Harness

DAY_S = 86_400.0
WEEK_S = 7 * DAY_S
ROW = f"token:{ANONYMOUS_ACCOUNT}"


@dataclass
class World:
    """An anonymous account, several processes that use it, and the backend's books."""

    engine: Harness

    @property
    def tokens(self) -> Tokens:
        return self.engine.services.tokens

    @property
    def fields(self) -> dict[str, str]:
        return self.engine.services.accounts.read_account(ANONYMOUS_ACCOUNT)

    @property
    def stored(self) -> str:
        return self.engine.services.vault.open(self.fields["token"])

    @property
    def client_id(self) -> str:
        return self.engine.services.vault.open(self.fields["client_id"])

    @property
    def asked(self) -> int:
        """How often the backend was asked for a token."""
        count: int = self.engine.sandbox.books["requests"].get("POST /api/auth/anonymous-token", 0)
        return count

    def left_s(self) -> float:
        """The stored token's life."""
        return (int(self.fields["token_expires"]) - self.engine.clock.now_ms()) / 1000

    def token(self, *, paid: bool = False) -> str:
        return self.tokens.token_for(ANONYMOUS_ACCOUNT, paid=paid)

    def other(self, name: str = "w2", **changes: Any) -> Tokens:
        """Another process."""
        return self.engine.worker(name, **changes).tokens

    def with_nemo(self, double: Any) -> Tokens:
        """Another process, whose backend client is a double."""
        parts = self.engine.worker("w3")
        return Tokens(parts.accounts, double, parts.vault, parts.settings, parts.clock)

    def admin(self, path: str, body: Any) -> Any:
        reply = requests.post(f"{self.engine.sandbox.url}/_sandbox/{path}", json=body, timeout=10)
        reply.raise_for_status()
        return reply.json()

    def refuse(self, **rule: Any) -> None:
        """Let the backend fail when it is asked for a token."""
        self.admin("rules", {"endpoint": "token", "status": 429, **rule})

    def expire(self) -> None:
        """Let the backend end the token now, as its web settings can."""
        self.admin(f"accounts/{self.fields['user_id']}/expire", {})

    def pass_time(self, seconds: float) -> None:
        """For us and for the backend."""
        self.engine.clock.advance(seconds)
        self.admin("clock", {"now_s": self.engine.clock.now_ms() / 1000})

    def look(self) -> None:
        """Do what is due on the account's own row."""
        due_ms = dict(self.engine.due())[ROW]
        self.pass_time(max(0.0, (due_ms - self.engine.clock.now_ms()) / 1000))
        assert advance(ROW, self.engine.services) is None

    def due_in_s(self) -> float:
        return (dict(self.engine.due())[ROW] - self.engine.clock.now_ms()) / 1000


@pytest.fixture
def world(make_engine) -> World:
    return World(make_engine(balance=0))
