"""Webhook endpoints of tenants, and the secrets that sign what is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from service.errors import Conflict, NotFound, QuotaExceeded, StoreUnavailable
from service.ids import id_time_ms
from service.model.endpoint import Endpoint, OldSecret, Secrets
from service.settings import Settings
from service.store import scripts
from service.store.connection import Connection, Refused
from service.store.refusals import NEARLY_FULL
from service.store.scripts import Refusal


class EndpointStore:
    """Endpoints in Redis. They last until they are deleted."""

    def __init__(self, connection: Connection, settings: Settings) -> None:
        self._connection = connection
        self._keys = connection.keys
        self._settings = settings

    def create(
        self, tenant_id: str, endpoint_id: str, fields: Mapping[str, Any], *, now_ms: int
    ) -> None:
        """Make an endpoint; `fields` are those of `change`, and `secret`, sealed.

        Raises:
            QuotaExceeded: the tenant has as many as it may have.
            StoreUnavailable: Redis has little memory left.
        """
        most = self._settings.webhook_endpoints
        written = json.dumps(_written(fields))
        try:
            self._connection.run(
                scripts.CREATE_ENDPOINT, now_ms, tenant_id, endpoint_id, most, written
            )
        except Refused as refused:
            if refused.refusal is Refusal.FULL:
                raise StoreUnavailable(NEARLY_FULL) from None
            raise QuotaExceeded(
                f"This tenant has {most} webhook endpoints, which is its limit.",
                hint="Delete one that is not used, or let one take more types of events.",
            ) from None

    def change(
        self, tenant_id: str, endpoint_id: str, fields: Mapping[str, Any], *, now_ms: int
    ) -> None:
        """Change url, events, description, enabled or concurrency.

        Switched off, what is on its way to it ends; switched on, it hears what happens from now on.

        Raises:
            NotFound: this tenant has no such endpoint.
        """
        written = json.dumps(_written(fields))
        try:
            self._connection.run(scripts.CHANGE_ENDPOINT, now_ms, tenant_id, endpoint_id, written)
        except Refused:
            raise _not_found() from None

    def drop(self, tenant_id: str, endpoint_id: str, *, now_ms: int) -> None:
        """Delete an endpoint.

        Raises:
            NotFound: this tenant has no such endpoint.
        """
        try:
            self._connection.run(scripts.DROP_ENDPOINT, now_ms, tenant_id, endpoint_id)
        except Refused:
            raise _not_found() from None

    def rotate(self, tenant_id: str, endpoint_id: str, sealed: str, *, now_ms: int) -> None:
        """Sign with another secret; the one before signs too for `webhook_overlap_s`.

        An empty `endpoint_id` is the secret of the tenant's jobs.

        Raises:
            NotFound: this tenant has no such endpoint.
            Conflict: too many old secrets still sign.
        """
        overlap_ms = int(self._settings.webhook_overlap_s * 1000)
        most = self._settings.webhook_old_secrets
        args = (tenant_id, endpoint_id, sealed, overlap_ms, most)
        try:
            self._connection.run(scripts.ROTATE_SECRET, now_ms, *args)
        except Refused as refused:
            if refused.refusal is Refusal.LIMIT:
                raise Conflict(
                    f"{most} old secrets still sign beside the current one.",
                    hint="Rotate again when the oldest has run out, a day after its rotation.",
                ) from None
            raise _not_found() from None

    def read(self, endpoint_id: str) -> Endpoint | None:
        """One endpoint, whoever's it is, or none."""
        key = self._keys.endpoint(endpoint_id)
        found = self._connection.read(lambda client: client.hgetall(key))
        return _endpoint(endpoint_id, found) if found else None

    def read_own(self, tenant_id: str, endpoint_id: str) -> Endpoint:
        """One endpoint of a tenant.

        Raises:
            NotFound: it has no such endpoint.
        """
        found = self.read(endpoint_id)
        if found is None or found.tenant_id != tenant_id:
            raise _not_found()
        return found

    def read_all(self, tenant_id: str) -> list[Endpoint]:
        """All endpoints of a tenant, the newest first; `webhook_endpoints` at most."""
        key = self._keys.tenant_endpoints(tenant_id)
        return self._read_many(
            self._connection.read(lambda client: client.zrange(key, 0, -1, desc=True))
        )

    def read_listening(self, tenant_id: str) -> list[Endpoint]:
        """The endpoints of a tenant that are switched on."""
        key = self._keys.listening(tenant_id)
        return self._read_many(sorted(self._connection.read(lambda client: client.smembers(key))))

    def read_job_secrets(self, tenant_id: str) -> Secrets | None:
        """What signs the webhooks that a tenant's jobs name; none where there is no such tenant."""
        key = self._keys.tenant(tenant_id)
        names = ("webhook_secret", "secret_at", "old_secrets")
        found = self._connection.read(lambda client: client.hmget(key, *names))
        fields = {name: value for name, value in zip(names, found, strict=True) if value}
        if "webhook_secret" not in fields:
            return None
        return _secrets(fields, id_time_ms(tenant_id))

    def _read_many(self, ids: Sequence[str]) -> list[Endpoint]:
        def ask(client: Any) -> Any:
            pipeline = client.pipeline(transaction=False)
            for each in ids:
                pipeline.hgetall(self._keys.endpoint(each))
            return pipeline.execute()

        found = self._connection.read(ask) if ids else []
        return [_endpoint(each, has) for each, has in zip(ids, found, strict=True) if has]


def _not_found() -> NotFound:
    return NotFound("There is no such webhook endpoint.")


def _written(fields: Mapping[str, Any]) -> dict[str, str]:
    """Fields of an endpoint as the hash holds them."""
    written: dict[str, str] = {}
    for name, value in fields.items():
        match name:
            case "events":
                written[name] = json.dumps(list(value))
            case "enabled":
                written[name] = "1" if value else "0"
            case "secret":
                written["webhook_secret"] = str(value)
            case _:
                written[name] = str(value)
    return written


def _secrets(found: Mapping[str, str], born_ms: int) -> Secrets:
    old = json.loads(found.get("old_secrets", "[]"))
    return Secrets(
        sealed=found["webhook_secret"],
        since_ms=int(found.get("secret_at", born_ms)),
        # cjson writes an empty list as an object
        old=tuple(OldSecret(each["sealed"], int(each["till_ms"])) for each in old or ()),
    )


def _endpoint(endpoint_id: str, found: Mapping[str, str]) -> Endpoint:
    return Endpoint(
        id=endpoint_id,
        tenant_id=found["tenant"],
        url=found["url"],
        events=tuple(json.loads(found["events"])),
        description=found.get("description", ""),
        enabled=found["enabled"] == "1",
        concurrency=int(found["concurrency"]),
        created_ms=int(found["created"]),
        updated_ms=int(found["updated"]),
        generation=int(found["generation"]),
        secrets=_secrets(found, int(found["created"])),
        failing_since_ms=int(found.get("failing_since", 0)),
        failed_last_ms=int(found.get("failed_last", 0)),
        delivered_last_ms=int(found.get("delivered_last", 0)),
        last_error=found.get("last_error", ""),
        disabled_reason=found.get("disabled_reason", ""),
        disabled_at_ms=int(found.get("disabled_at", 0)),
        disabled_since_ms=int(found.get("disabled_since", 0)),
    )
