"""API keys in Redis: by the hash of their text, with an index by id and one by tenant."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from service.errors import NotFound
from service.model.limits import NO_OWN_LIMITS, KeyLimits
from service.model.scope import (
    DEFAULT_SCOPES,
    Mode,
    Scope,
    read_scopes,
    write_scopes,
)
from service.store import scripts
from service.store.connection import Connection, Refused
from service.store.scripts import Refusal

#: How long a key that has expired or was revoked is still listed.
LISTED_AFTER_MS = 30 * 86_400_000
_LIMITS = ("jobs_per_minute", "open_jobs", "month_credits")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as the store knows it: by the hash of its text. Its account is its tenant's.

    `expires_ms` 0 is never, `used_ms` 0 not yet, `revoked_ms` 0 not; `replaced_by` is the key
    that a rotation made.
    """

    id: str
    tenant_id: str
    account_id: str
    created_ms: int
    last4: str
    name: str = ""
    scopes: frozenset[Scope] = DEFAULT_SCOPES
    mode: Mode = Mode.LIVE
    operator: bool = False
    expires_ms: int = 0
    used_ms: int = 0
    replaced_by: str = ""
    revoked_ms: int = 0
    limits: KeyLimits = NO_OWN_LIMITS


class KeyStore:
    """The keys of all tenants."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._keys = connection.keys

    def create(self, digest: str, key: ApiKey) -> None:
        """Write a key under the hash of its text."""
        name, fields = self._keys.api_key(digest), _fields(key)

        def ask(client: Any) -> Any:
            pipeline = client.pipeline(transaction=True)
            pipeline.hset(name, mapping=fields)
            if key.expires_ms:
                pipeline.pexpireat(name, key.expires_ms + LISTED_AFTER_MS)
            pipeline.hset(self._keys.key_ids, key.id, digest)
            pipeline.zadd(self._keys.tenant_keys(key.tenant_id), {key.id: key.created_ms})
            return pipeline.execute()

        self._connection.read(ask)

    def read(self, digest: str) -> ApiKey | None:
        """The key with this hash, with its tenant's account of this moment, or none."""
        name = self._keys.api_key(digest)
        found = self._connection.read(lambda client: client.hgetall(name))
        if not found:
            return None
        tenant = self._keys.tenant(found["tenant"])
        account = self._connection.read(lambda client: client.hget(tenant, "account"))
        return _key(found, account) if account is not None else None

    def find(self, key_id: str) -> ApiKey | None:
        """The key with this id, or none."""
        digest = self._digest(key_id)
        return self.read(digest) if digest else None

    def page(self, tenant_id: str, *, before_ms: int | None, limit: int) -> list[ApiKey]:
        """A tenant's keys, newest first, made before a time (milliseconds, exclusive)."""
        index = self._keys.tenant_keys(tenant_id)
        top = "+inf" if before_ms is None else f"({before_ms}"
        while True:
            ids = self._connection.read(
                lambda client: client.zrange(
                    index, top, "-inf", desc=True, byscore=True, offset=0, num=limit
                )
            )
            found = {each: self.find(each) for each in ids}
            gone = [each for each, key in found.items() if key is None]
            if not gone:
                return [key for key in found.values() if key is not None]
            # Their places in the page are for those behind them.
            for each in gone:
                self._forget(tenant_id, each)

    def count(self, tenant_id: str) -> int:
        """How many keys a tenant has."""
        index = self._keys.tenant_keys(tenant_id)
        return int(self._connection.read(lambda client: client.zcard(index)))

    def enter_old(self) -> int:
        """Enter all keys and tenants of earlier releases in the indexes; how many keys there are.

        It reads the name of every key in Redis: for the command line, not for a request.
        """

        def ask(client: Any) -> int:
            digests = [
                name.removeprefix(self._keys.api_key(""))
                for name in client.scan_iter(f"{self._keys.api_key('')}*", count=1000, _type="hash")
            ]
            pipeline = client.pipeline(transaction=False)
            for digest in digests:
                pipeline.hmget(self._keys.api_key(digest), "id", "tenant", "created")
            for digest, (key_id, tenant, created) in zip(digests, pipeline.execute(), strict=True):
                if key_id:
                    pipeline.hsetnx(self._keys.key_ids, key_id, digest)
                    pipeline.zadd(self._keys.tenant_keys(tenant), {key_id: created}, nx=True)
                    pipeline.zadd(self._keys.tenants, {tenant: created}, nx=True)
            pipeline.execute()
            return len(digests)

        return int(self._connection.read(ask))

    def make_room(self, tenant_id: str) -> bool:
        """Forget the tenant's key that was revoked longest ago; false where none is revoked."""
        index = self._keys.tenant_keys(tenant_id)
        ids = self._connection.read(lambda client: client.zrange(index, 0, -1))
        digests = self._connection.read(lambda client: client.hmget(self._keys.key_ids, ids))

        def ask(client: Any) -> Any:
            pipeline = client.pipeline(transaction=False)
            for digest in digests:
                pipeline.hmget(self._keys.api_key(digest or ""), "id", "revoked")
            return pipeline.execute()

        found = zip(ids, digests, self._connection.read(ask) if ids else [], strict=True)
        # What has left by itself goes before what is still shown.
        ended = [
            (int(revoked or 0), key_id, digest)
            for key_id, digest, (there, revoked) in found
            if revoked or not there
        ]
        if not ended:
            return False
        _, key_id, digest = min(ended)
        name = self._keys.api_key(digest or "")
        self._connection.read(lambda client: client.delete(name))
        self._forget(tenant_id, key_id)
        return True

    def revoke(self, key_id: str, *, now_ms: int) -> bool:
        """End a key at once; it is listed for `LISTED_AFTER_MS` more. False: it was before.

        Raises:
            NotFound: there is none with this id.
        """
        try:
            reply = self._connection.run(scripts.REVOKE_KEY, now_ms, key_id, LISTED_AFTER_MS)
        except Refused as refused:
            if refused.refusal is Refusal.GONE:
                raise NotFound(f"There is no key {key_id}.") from None
            raise
        return reply[0] == "1"

    def rotate(self, old: ApiKey, digest: str, new: ApiKey, *, until_ms: int, now_ms: int) -> bool:
        """Write a key's successor and let the old one live until a time, in one write.

        False when the old one is gone, revoked or has a successor already.
        """
        flat = json.dumps([str(part) for pair in _fields(new).items() for part in pair])
        try:
            self._connection.run(
                scripts.ROTATE_KEY,
                now_ms,
                *(new.tenant_id, old.id, new.id, digest, until_ms, LISTED_AFTER_MS, flat),
            )
        except Refused:
            return False
        return True

    def touch(self, digest: str, *, now_ms: int, every_ms: int) -> bool:
        """Note that a key is in use, at most once in `every_ms`; whether it was noted now."""
        try:
            return self._connection.run(scripts.TOUCH_KEY, now_ms, digest, every_ms)[0] == "1"
        except Refused as refused:
            if refused.refusal is Refusal.GONE:
                return False
            raise

    def _digest(self, key_id: str) -> str | None:
        found = self._connection.read(lambda client: client.hget(self._keys.key_ids, key_id))
        return str(found) if found is not None else None

    def _forget(self, tenant_id: str, key_id: str) -> None:
        def ask(client: Any) -> Any:
            pipeline = client.pipeline(transaction=True)
            pipeline.hdel(self._keys.key_ids, key_id)
            pipeline.zrem(self._keys.tenant_keys(tenant_id), key_id)
            return pipeline.execute()

        self._connection.read(ask)


def _fields(key: ApiKey) -> dict[str, str | int]:
    fields: dict[str, str | int] = {
        "id": key.id,
        "tenant": key.tenant_id,
        "created": key.created_ms,
        "last4": key.last4,
        "name": key.name,
        "scopes": write_scopes(key.scopes),
        "mode": key.mode,
    }
    if key.operator:
        fields["operator"] = 1
    if key.expires_ms:
        fields["expires"] = key.expires_ms
    own = {name: getattr(key.limits, name) for name in _LIMITS}
    return {**fields, **{name: value for name, value in own.items() if value is not None}}


def _key(found: dict[str, str], account_id: str) -> ApiKey:
    return ApiKey(
        id=found["id"],
        tenant_id=found["tenant"],
        account_id=account_id,
        created_ms=int(found["created"]),
        last4=found["last4"],
        name=found.get("name", ""),
        # A key of an earlier release has no such field, and may what it could then.
        scopes=read_scopes(found["scopes"]) if "scopes" in found else DEFAULT_SCOPES,
        mode=Mode(found.get("mode", Mode.LIVE)),
        operator=found.get("operator") == "1",
        expires_ms=int(found.get("expires", 0)),
        used_ms=int(found.get("used", 0)),
        replaced_by=found.get("replaced_by", ""),
        revoked_ms=int(found.get("revoked", 0)),
        limits=KeyLimits(*(int(found[each]) if each in found else None for each in _LIMITS)),
    )
