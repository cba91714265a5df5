"""Publishable keys of experiments in Redis: each in a hash, with a set by job; they go with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from service.errors import NotFound, QuotaExceeded, StoreUnavailable
from service.model.public_key import PublicKey
from service.public_keys import MOST_KEYS
from service.store import scripts
from service.store.connection import Connection, Refused
from service.store.refusals import NEARLY_FULL
from service.store.scripts import Refusal


class PublicKeyStore:
    """The publishable keys of all jobs."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._keys = connection.keys

    def create(self, key: PublicKey, *, now_ms: int) -> None:
        """Enter a key; its `created_ms` is `now_ms`.

        Raises:
            NotFound: the tenant has no such job.
            QuotaExceeded: the job has as many keys as it may that still work.
            StoreUnavailable: Redis has little memory left.
        """
        told = {"origins": " ".join(key.origins), "made_by": key.made_by, "name": key.name}
        args = (key.tenant_id, key.job_id, key.id, MOST_KEYS, json.dumps(told))
        try:
            self._connection.run(scripts.CREATE_PUBLIC_KEY, now_ms, *args)
        except Refused as refused:
            if refused.refusal is Refusal.QUOTA:
                raise QuotaExceeded(
                    f"This experiment has {MOST_KEYS} publishable keys, which is the limit.",
                    hint="Revoke one that is not used any more.",
                ) from None
            raise _refusal(refused) from None

    def revoke(self, job_id: str, tenant_id: str, key_id: str, *, now_ms: int) -> bool:
        """End a key; false when it was revoked before.

        Raises:
            NotFound: the tenant has no such job, or the job no such key.
        """
        args = (tenant_id, job_id, key_id)
        try:
            reply = self._connection.run(scripts.REVOKE_PUBLIC_KEY, now_ms, *args)
        except Refused as refused:
            raise _refusal(refused) from None
        return reply[0] == "1"

    def find(self, key_id: str) -> PublicKey | None:
        """One key, or none."""
        name = self._keys.public_key(key_id)
        found = self._connection.read(lambda client: client.hgetall(name))
        return _read(key_id, found) if found else None

    def read_all(self, job_id: str) -> list[PublicKey]:
        """The keys of a job, newest first."""
        name = self._keys.job_public_keys(job_id)

        def ask(client: Any) -> list[tuple[str, Mapping[str, str]]]:
            ids = sorted(client.smembers(name))
            pipeline = client.pipeline(transaction=False)
            for each in ids:
                pipeline.hgetall(self._keys.public_key(each))
            return list(zip(ids, pipeline.execute(), strict=True))

        found = [_read(each, fields) for each, fields in self._connection.read(ask) if fields]
        return sorted(found, key=lambda each: (each.created_ms, each.id), reverse=True)


def _read(key_id: str, found: Mapping[str, str]) -> PublicKey:
    return PublicKey(
        id=key_id,
        job_id=found["job"],
        tenant_id=found["tenant"],
        created_ms=int(found["created"]),
        origins=tuple(found["origins"].split()),
        made_by=found["made_by"],
        name=found["name"],
        revoked_ms=int(found["revoked"]),
    )


def _refusal(refused: Refused) -> Exception:
    if refused.refusal is Refusal.FULL:
        return StoreUnavailable(NEARLY_FULL)
    return NotFound("There is no such job or key.")
