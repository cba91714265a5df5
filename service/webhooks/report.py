"""What a try of a delivery tells of its endpoint, as record_attempt.lua takes it. Pure."""

from __future__ import annotations

from typing import Any

from service.ids import new_id
from service.model.delivery import Attempt, DeliveryState, NoticeDoc, Trigger
from service.model.documents import write_document
from service.model.endpoint import Endpoint
from service.model.rows import event_row
from service.webhooks.events import EventType, iso_time, notice_body
from service.webhooks.health import HealthPolicy, Verdict, judge_failure


def report_health(
    endpoint: Endpoint,
    attempt: Attempt,
    state: DeliveryState,
    policy: HealthPolicy,
    *,
    now_ms: int,
) -> dict[str, Any]:
    """What the last try tells: that the endpoint is up, or how long it has been failing.

    Args:
        endpoint: As it was when the delivery was claimed.
        attempt: The try.
        state: The delivery's state after it.
        policy: How long failures may go on.
        now_ms: When it is recorded.
    """
    told: dict[str, Any] = {"endpoint": endpoint.id, "url": endpoint.url}
    if state is DeliveryState.DELIVERED:
        return {**told, "up": True}
    verdict = judge_failure(
        policy,
        endpoint,
        now_ms=now_ms,
        gone=state is DeliveryState.DISABLED,
        manual=attempt.trigger is Trigger.MANUAL,
    )
    error = attempt.error or f"HTTP {attempt.status}"
    told |= {
        "up": False,
        "seen": str(endpoint.failing_since_ms or ""),
        "since": str(verdict.since_ms or ""),
        "error": error,
    }
    if verdict.off is not None:
        told["off"] = _notice(endpoint, verdict, error, now_ms=now_ms)
    return told


def _notice(endpoint: Endpoint, verdict: Verdict, error: str, *, now_ms: int) -> dict[str, Any]:
    """What the tenant's other endpoints are told when one is switched off."""
    event_id = new_id("evt", now_ms)
    data = {
        "endpoint_id": endpoint.id,
        "reason": verdict.off,
        "failing_since": iso_time(verdict.since_ms),
        "last_error": error,
    }
    body = notice_body(EventType.ENDPOINT_DISABLED, event_id, data, now_ms=now_ms)
    return {
        "reason": verdict.off,
        "since": str(verdict.since_ms),
        "at_once": verdict.at_once,
        "row": event_row(event_id, 0),
        "doc": write_document(NoticeDoc(endpoint.tenant_id, body)),
    }
