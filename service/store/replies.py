"""Answers of requests that came with an Idempotency-Key, so that a repetition gets the same.

A key is remembered for a tenant, a method and a path. Answers may hold secrets that are shown once,
so they lie here sealed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from service.errors import IdempotencyBusy, IdempotencyReused, StoreUnavailable
from service.settings import Settings
from service.store import scripts
from service.store.connection import Connection, Refused
from service.store.refusals import NEARLY_FULL
from service.store.scripts import Refusal
from service.vault import Vault


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: status, headers that belong to it, body."""

    status: int
    headers: Mapping[str, str]
    body: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Turn:
    """The right of one request to answer; `id` is its own word."""

    tenant_id: str
    digest: str
    id: str


def request_digest(method: str, path: str, key: str) -> str:
    """What a key stands for: the same key on another route is another key."""
    return hashlib.sha256(f"{method}\n{path}\n{key}".encode()).hexdigest()


class ReplyStore:
    """Answers in Redis, for `idempotency_ttl_s`."""

    def __init__(self, connection: Connection, settings: Settings, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault
        self._ttl_ms = int(settings.idempotency_ttl_s * 1000)
        self._lock_ms = int(settings.idempotency_lock_s * 1000)

    def begin(self, turn: Turn, fingerprint: str, *, now_ms: int) -> Reply | None:
        """Take the turn to answer, or find the answer that was given before.

        Who dies while it is his turn holds it for `idempotency_lock_s`; then the request may be
        answered anew.

        Raises:
            IdempotencyReused: the key was used with another body.
            IdempotencyBusy: the same request is being answered now.
            StoreUnavailable: Redis has little memory left.
        """
        args = (turn.tenant_id, turn.digest, fingerprint, turn.id, self._lock_ms)
        try:
            reply = self._connection.run(scripts.BEGIN_REPLY, now_ms, *args)
        except Refused as refused:
            if refused.refusal is Refusal.WAITING:
                raise IdempotencyBusy from None
            if refused.refusal is Refusal.FULL:
                raise StoreUnavailable(NEARLY_FULL) from None
            raise IdempotencyReused from None
        if reply[0] == "mine":
            return None
        kept = json.loads(self._vault.open(reply[1]))
        return Reply(kept["status"], kept["headers"], kept["body"])

    def keep(self, turn: Turn, reply: Reply, *, now_ms: int) -> None:
        """Remember an answer."""
        body = {"status": reply.status, "headers": dict(reply.headers), "body": reply.body}
        self._put(turn, self._vault.seal(json.dumps(body, ensure_ascii=False)), now_ms)

    def forget(self, turn: Turn, *, now_ms: int) -> None:
        """Let the same request be answered anew: this answer is not to be remembered."""
        self._put(turn, "", now_ms)

    def _put(self, turn: Turn, sealed: str, now_ms: int) -> None:
        args = (turn.tenant_id, turn.digest, turn.id, sealed, self._ttl_ms)
        self._connection.run(scripts.PUT_REPLY, now_ms, *args)
