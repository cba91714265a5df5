"""What a tenant does with its webhook endpoints: make, change, rotate, test, replay."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from service.errors import AddressRefused, FieldError, InvalidRequest, NotFound
from service.ids import new_id
from service.jobs.context import Services
from service.model.delivery import DeliveryDoc, DeliveryState
from service.model.documents import write_document
from service.model.endpoint import Endpoint, Secrets
from service.model.origin import Origin, write_origin
from service.model.rows import delivery_row
from service.outbound.guard import Policy, check_url
from service.store.deliveries import Delivery
from service.store.refusals import switched_off
from service.webhooks.events import EventType, notice_body
from service.webhooks.signing import new_secret

#: Ends after which a replay since a time sends again.
FAILED = frozenset({DeliveryState.FAILED, DeliveryState.DISABLED})
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many deliveries are tried again, and how many are left for another call."""

    asked: int
    left: int


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret just made, which nobody can read again."""

    text: str = field(repr=False)


def open_endpoint(
    tenant_id: str, request: Mapping[str, Any], services: Services
) -> tuple[Endpoint, NewSecret]:
    """Make an endpoint; its secret is shown here and never again.

    Raises:
        InvalidRequest: the address is not one that we may call.
        QuotaExceeded: the tenant has as many endpoints as it may have.
        StoreUnavailable
    """
    _check_url(request["url"], services.caller_policy)
    now_ms, secret = services.clock.now_ms(), new_secret()
    endpoint_id = new_id("whe", now_ms)
    fields = {
        "description": "",
        "enabled": True,
        "concurrency": services.settings.webhook_slots,
        **request,
        "secret": services.vault.seal(secret),
    }
    services.endpoints.create(tenant_id, endpoint_id, fields, now_ms=now_ms)
    return services.endpoints.read_own(tenant_id, endpoint_id), NewSecret(secret)


def change_endpoint(
    tenant_id: str, endpoint_id: str, request: Mapping[str, Any], services: Services
) -> Endpoint:
    """Change what is named; the rest stays.

    Raises:
        NotFound: this tenant has no such endpoint.
        InvalidRequest: the address is not one that we may call.
    """
    endpoint = services.endpoints.read_own(tenant_id, endpoint_id)
    if "url" in request:
        _check_url(request["url"], services.caller_policy)
    if not request:
        return endpoint
    now_ms = services.clock.now_ms()
    services.endpoints.change(tenant_id, endpoint_id, request, now_ms=now_ms)
    return services.endpoints.read_own(tenant_id, endpoint_id)


def rotate_secret(tenant_id: str, endpoint_id: str, services: Services) -> tuple[Secrets, str]:
    """Sign with a new secret from now on; the old one signs too for `webhook_overlap_s`.

    An empty `endpoint_id` is the secret of the webhooks that jobs name themselves.

    Raises:
        NotFound: this tenant has no such endpoint.
        Conflict: too many old secrets still sign.
    """
    secret, now_ms = new_secret(), services.clock.now_ms()
    sealed = services.vault.seal(secret)
    services.endpoints.rotate(tenant_id, endpoint_id, sealed, now_ms=now_ms)
    if endpoint_id:
        return services.endpoints.read_own(tenant_id, endpoint_id).secrets, secret
    return read_job_secrets(tenant_id, services), secret


def read_job_secrets(tenant_id: str, services: Services) -> Secrets:
    """The secrets that sign the webhooks which a tenant's jobs name.

    Raises:
        NotFound: there is no such tenant.
    """
    found = services.endpoints.read_job_secrets(tenant_id)
    if found is None:
        raise NotFound("There is no webhook secret.")
    return found


def secret_id(secrets: Secrets, services: Services) -> str:
    """A name for the current secret that tells nothing of it: the beginning of its SHA-256."""
    text = services.vault.open(secrets.sealed)
    return f"whs_{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def send_test(tenant_id: str, endpoint_id: str, origin: Origin, services: Services) -> Delivery:
    """Send `webhook.test` to an endpoint, once, by the way that all events go.

    Raises:
        NotFound: this tenant has no such endpoint.
        Conflict: it is switched off.
        StoreUnavailable
    """
    endpoint, now_ms = services.endpoints.read_own(tenant_id, endpoint_id), services.clock.now_ms()
    event_id, data = new_id("evt", now_ms), {"endpoint_id": endpoint_id}
    doc = DeliveryDoc(
        job_id=event_id,
        sequence=0,
        endpoint=endpoint_id,
        url=endpoint.url,
        tenant_id=tenant_id,
        message_id=event_id,
        type=EventType.WEBHOOK_TEST,
        created_ms=now_ms,
        generation=endpoint.generation,
        body=notice_body(EventType.WEBHOOK_TEST, event_id, data, now_ms=now_ms),
    )
    row = delivery_row(event_id, 0, endpoint_id)
    services.deliveries.send_test(
        tenant_id,
        endpoint_id,
        row,
        write_document(doc),
        origin=write_origin(origin),
        now_ms=now_ms,
    )
    return Delivery(row, DeliveryState.REPLAYING, doc, now_ms)


def replay_since(tenant_id: str, endpoint_id: str, since_ms: int, services: Services) -> Replayed:
    """Try every delivery now that was made since a time and has failed, the oldest first.

    One that still waits for its next try is among them and keeps its schedule; one that nobody has
    tried yet comes by itself. What succeeded later is delivered, and is not sent again.

    Raises:
        NotFound: this tenant has no such endpoint.
        Conflict: it is switched off.
    """
    deliveries = services.deliveries
    if not services.endpoints.read_own(tenant_id, endpoint_id).enabled:
        raise switched_off()
    rows: list[str] = []
    after: tuple[int, str] | None = None
    while page := deliveries.page(endpoint_id, after=after, limit=_PAGE):
        recent = [row for at_ms, row in page if at_ms >= since_ms]
        states = dict(zip(recent, deliveries.read_states(recent), strict=True))
        waiting = [row for row in recent if states[row] == DeliveryState.PENDING]
        retried = set(deliveries.read_retried(waiting))
        rows += [row for row in recent if states[row] in FAILED or row in retried]
        if len(recent) < len(page):
            break
        after = page[-1]
    most = services.settings.webhook_replays
    rows.reverse()
    now_ms, asked = services.clock.now_ms(), 0
    for start in range(0, min(len(rows), most), _PAGE):
        batch = rows[start : min(start + _PAGE, most)]
        asked += deliveries.replay_all(tenant_id, endpoint_id, batch, now_ms=now_ms)
    return Replayed(asked, max(0, len(rows) - most))


def _check_url(url: str, policy: Policy) -> None:
    try:
        check_url(url, policy)
    except AddressRefused as refused:
        errors = [FieldError("#/url", refused.detail)]
        raise InvalidRequest("The endpoint is not valid.", errors, hint=refused.hint_text) from None
