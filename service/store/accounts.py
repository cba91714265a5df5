"""Tenants, their uploads, and the backend accounts whose credits are spent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from service.errors import NotFound, StoreRefused
from service.model.limits import DAY_MS
from service.store import scripts
from service.store.api_keys import KeyStore
from service.store.connection import Connection, Refused
from service.store.scripts import Refusal
from service.store.usage import count_upload


@dataclass(frozen=True, slots=True)
class Tenant:
    """Who calls. `webhook_secret` is encrypted; `account_id` is whose credits are spent.

    `created_ms` is known in lists only; 0 where it is not.
    """

    id: str
    name: str
    account_id: str
    webhook_secret: str = field(repr=False)
    created_ms: int = 0


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that no job has used yet; `file` is its key in the file store."""

    id: str
    tenant_id: str
    file: str
    filename: str
    size: int
    sha256: str
    kind: str
    created_ms: int


class Grant(StrEnum):
    """What an account has for a caller."""

    TOKEN = "token"  # noqa: S105  a word of the reply
    FETCH = "fetch"  # the sole right to get a new one
    WAIT = "wait"  # the backend has refused; not before `token_retry`
    NONE = "none"  # a person must give one


@dataclass(frozen=True, slots=True)
class TokenGrant:
    """An account's fields; `fence` is the number of a right to get a new token."""

    fields: Mapping[str, str] = field(repr=False)
    fence: int = 0
    kind: Grant = Grant.TOKEN


class AccountStore:
    """Tenants, uploads and accounts in Redis; `api_keys` are the tenants' keys."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._keys = connection.keys
        self.api_keys = KeyStore(connection)

    def create_account(self, account_id: str, fields: Mapping[str, str]) -> bool:
        """Make a backend account unless it exists; `fields` holds at least `kind`."""
        key = self._keys.account(account_id)

        def ask(client: Any) -> bool:
            made = bool(client.hsetnx(key, "kind", fields["kind"]))
            if made:
                client.hset(key, mapping=dict(fields))
            return made

        return bool(self._connection.read(ask))

    def read_account(self, account_id: str) -> dict[str, str]:
        """An account's fields, or none."""
        key = self._keys.account(account_id)
        return dict(self._connection.read(lambda client: client.hgetall(key)))

    def take_token(
        self, account_id: str, *, least_ms: int, lock_ms: int, now_ms: int
    ) -> TokenGrant | None:
        """The account's token if it has `least_ms` to live, or the right to get one, if any.

        None means that another process is getting it: look again in a second.

        Raises:
            NotFound: there is no such account.
        """
        try:
            reply = self._connection.run(scripts.TAKE_TOKEN, now_ms, account_id, least_ms, lock_ms)
        except Refused as refused:
            if refused.refusal is Refusal.WAITING:
                return None
            raise NotFound(f"There is no account {account_id}.") from None
        kind = Grant(reply[0])
        if kind is Grant.FETCH:
            return TokenGrant(_pairs(reply[2:]), int(reply[1]), kind)
        return TokenGrant(_pairs(reply[1:]), kind=kind)

    def put_token(
        self,
        account_id: str,
        fence: int,
        change: Mapping[str, str],
        *,
        next_ms: int,
        now_ms: int,
    ) -> None:
        """Store what came of getting a token; `next_ms` is the account's next look, 0 for none.

        Raises:
            StoreRefused: another process has taken over; a token is stored all the same where
                there is none.
        """
        body = json.dumps(dict(change))
        try:
            self._connection.run(scripts.PUT_TOKEN, now_ms, account_id, fence, body, next_ms)
        except Refused as refused:
            raise StoreRefused(f"put_token {account_id}: {refused.refusal.name}") from None

    def drop_token(self, account_id: str, token_hash: str, *, now_ms: int) -> bool:
        """Forget a refused token if it is still that one; false when a person must act."""
        try:
            reply = self._connection.run(scripts.DROP_TOKEN, now_ms, account_id, token_hash)
        except Refused:
            return False
        return reply[0] == "renew"

    def attach_token(self, tenant_id: str, account_id: str, fields: Mapping[str, str]) -> None:
        """Give a tenant an account with a token of its own."""
        account, tenant = self._keys.account(account_id), self._keys.tenant(tenant_id)

        def ask(client: Any) -> Any:
            pipeline = client.pipeline(transaction=True)
            pipeline.hset(account, mapping=dict(fields))
            pipeline.hset(tenant, "account", account_id)
            return pipeline.execute()

        self._connection.read(ask)

    def detach_token(self, tenant_id: str, account_id: str, instead: str) -> None:
        """Forget the token of a tenant's own account, and let the tenant use another account."""
        account, tenant = self._keys.account(account_id), self._keys.tenant(tenant_id)

        def ask(client: Any) -> Any:
            pipeline = client.pipeline(transaction=True)
            pipeline.hdel(account, "token", "token_hash")
            pipeline.hset(tenant, "account", instead)
            return pipeline.execute()

        self._connection.read(ask)

    def create_tenant(self, tenant: Tenant, *, now_ms: int = 0) -> None:
        """Write a tenant."""
        mapping = {
            "name": tenant.name,
            "account": tenant.account_id,
            "webhook_secret": tenant.webhook_secret,
        }
        key = self._keys.tenant(tenant.id)

        def ask(client: Any) -> Any:
            pipeline = client.pipeline(transaction=True)
            pipeline.hset(key, mapping=mapping)
            pipeline.zadd(self._keys.tenants, {tenant.id: now_ms})
            return pipeline.execute()

        self._connection.read(ask)

    def read_tenant(self, tenant_id: str) -> Tenant | None:
        """One tenant, or none."""
        key = self._keys.tenant(tenant_id)
        found = self._connection.read(lambda client: client.hgetall(key))
        if not found:
            return None
        return Tenant(tenant_id, found["name"], found["account"], found["webhook_secret"])

    def tenants(self, *, before_ms: int | None, limit: int) -> list[Tenant]:
        """Tenants, newest first, made before a time (milliseconds, exclusive)."""
        top = "+inf" if before_ms is None else f"({before_ms}"
        made: list[tuple[str, float]] = self._connection.read(
            lambda client: client.zrange(
                self._keys.tenants, top, "-inf", desc=True, byscore=True, withscores=True,
                offset=0, num=limit,
            )
        )  # fmt: skip
        found = [(self.read_tenant(name), created) for name, created in made]
        return [replace(each, created_ms=int(created)) for each, created in found if each]

    def create_upload(self, upload: Upload, *, ttl_ms: int, key_id: str = "") -> None:
        """Write an upload that lives for `ttl_ms` unless a job uses it; then `retire` ends it.

        It is counted as used by its tenant, and by a key.
        """
        mapping = {
            "tenant": upload.tenant_id,
            "file": upload.file,
            "filename": upload.filename,
            "size": upload.size,
            "sha256": upload.sha256,
            "kind": upload.kind,
            "created": upload.created_ms,
        }
        key = self._keys.upload(upload.id)

        def ask(client: Any) -> Any:
            pipeline = client.pipeline(transaction=True)
            pipeline.hset(key, mapping=mapping)
            pipeline.pexpire(key, ttl_ms)
            pipeline.zadd(self._keys.retention, {upload.id: upload.created_ms + ttl_ms})
            day = upload.created_ms // DAY_MS
            owners = (upload.tenant_id, key_id)
            count_upload(pipeline, self._keys, owners, size=upload.size, day=day)
            return pipeline.execute()

        self._connection.read(ask)

    def read_upload(self, upload_id: str) -> Upload | None:
        """One upload, or none."""
        key = self._keys.upload(upload_id)
        found = self._connection.read(lambda client: client.hgetall(key))
        if not found:
            return None
        return Upload(
            id=upload_id,
            tenant_id=found["tenant"],
            file=found["file"],
            filename=found["filename"],
            size=int(found["size"]),
            sha256=found["sha256"],
            kind=found["kind"],
            created_ms=int(found["created"]),
        )


def _pairs(flat: list[str]) -> dict[str, str]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
