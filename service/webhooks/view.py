"""Endpoints and deliveries as the API shows them. Pure."""

from __future__ import annotations

from typing import Any

from service.model.delivery import Attempt, DeliveryState
from service.model.endpoint import Endpoint, Secrets
from service.model.rows import row_id
from service.store.deliveries import Delivery
from service.webhooks.events import iso_time


def endpoint_data(endpoint: Endpoint, public_url: str, *, now_ms: int) -> dict[str, Any]:
    """One endpoint, without its secret."""
    address = f"{public_url}/v1/webhook-endpoints/{endpoint.id}"
    return {
        "id": endpoint.id,
        "object": "webhook_endpoint",
        "url": endpoint.url,
        "events": list(endpoint.events),
        "description": endpoint.description,
        "enabled": endpoint.enabled,
        "concurrency": endpoint.concurrency,
        "created_at": iso_time(endpoint.created_ms),
        "updated_at": iso_time(endpoint.updated_ms),
        "secret_created_at": iso_time(endpoint.secrets.since_ms),
        "secrets_in_use": len(endpoint.secrets.in_use(now_ms)),
        "failing_since": _time(endpoint.failing_since_ms),
        "last_delivery_at": _time(endpoint.delivered_last_ms),
        "last_error": endpoint.last_error or None,
        "disabled": _disabled(endpoint),
        "links": {"self": address, "deliveries": f"{address}/deliveries"},
    }


def secret_data(secret_id: str, secrets: Secrets, *, now_ms: int) -> dict[str, Any]:
    """What may be known of a secret: its name and its age, and until when old ones sign too."""
    old = [each for each in secrets.old if each.till_ms > now_ms]
    return {
        "id": secret_id,
        "object": "webhook_secret",
        "created_at": _time(secrets.since_ms),
        "age_s": (now_ms - secrets.since_ms) // 1000 if secrets.since_ms else None,
        "old": [{"expires_at": iso_time(each.till_ms)} for each in old],
    }


def delivery_data(delivery: Delivery, *, attempts: bool) -> dict[str, Any]:
    """One delivery; `attempts` shows every try, else the last one alone."""
    doc = delivery.doc
    shown = [_attempt(each) for each in doc.attempts]
    data: dict[str, Any] = {
        "id": row_id(delivery.row),
        "object": "webhook_delivery",
        "endpoint_id": doc.endpoint,
        "event_id": doc.message_id,
        "type": doc.type,
        "job_id": doc.job_id if doc.sequence else None,
        "sequence": doc.sequence,
        "status": shown_state(delivery.state),
        "created_at": iso_time(doc.created_ms),
        "next_attempt_at": _time(delivery.next_ms),
        "attempt_count": len(shown),
        "last_attempt": shown[-1] if shown else None,
    }
    return {**data, "attempts": shown} if attempts else data


def shown_state(state: DeliveryState) -> str:
    """A state as callers know it: one that is tried by hand is on its way like any other."""
    return (DeliveryState.PENDING if state is DeliveryState.REPLAYING else state).value


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "at": iso_time(attempt.at_ms),
        "trigger": attempt.trigger.value,
        "status": attempt.status or None,
        "duration_ms": attempt.duration_ms,
        "error": attempt.error or None,
        "reply": attempt.said if attempt.status else None,
    }


def _disabled(endpoint: Endpoint) -> dict[str, Any] | None:
    if endpoint.enabled or not endpoint.disabled_at_ms:
        return None
    return {
        "reason": endpoint.disabled_reason,
        "at": iso_time(endpoint.disabled_at_ms),
        "since": iso_time(endpoint.disabled_since_ms),
        "last_error": endpoint.last_error or None,
    }


def _time(at_ms: int) -> str | None:
    return iso_time(at_ms) if at_ms else None
