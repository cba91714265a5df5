"""Events on their way: fanned out into deliveries, each tried until it arrives or ends.

Finding the receiver, posting, judging and recording are four steps; the value of one is the input
of the next.
"""

from __future__ import annotations

import json
import logging
import secrets as chance
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from service.errors import OutboundError
from service.jobs.context import Services
from service.metrics import DELIVERY_SECONDS, ENDPOINTS_DISABLED, count, observe
from service.model.delivery import (
    JOB_ENDPOINT,
    REPLY_CHARS,
    Attempt,
    DeliveryDoc,
    DeliveryState,
    NoticeDoc,
    Trigger,
    add_attempt,
)
from service.model.documents import read_document, write_document
from service.model.endpoint import Endpoint, Secrets
from service.model.rows import delivery_row, row_id
from service.outbound.session import fetch
from service.store.commands import Claim
from service.store.deliveries import AS_PLANNED, NewDelivery
from service.tracing import SpanKind, span
from service.webhooks.health import HealthPolicy
from service.webhooks.report import report_health
from service.webhooks.schedule import (
    AsPlanned,
    AttemptOutcome,
    Decision,
    Delivered,
    Disabled,
    RetryAt,
    RetryPolicy,
    after_manual,
    next_try,
    parse_retry_after,
)
from service.webhooks.signing import signed_headers
from service.webhooks.targets import choose_targets

_log = logging.getLogger(__name__)
_HEADERS = {"Content-Type": "application/json", "User-Agent": "Caption-AB-Webhooks/1"}


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where a delivery goes now. `endpoint` is none for the webhook that a job itself names."""

    url: str
    secrets: list[str] = field(repr=False)
    endpoint: Endpoint | None = None


def fan_out(claim: Claim, services: Services) -> None:
    """Turn one event into a delivery for each endpoint that wants it."""
    now_ms = services.clock.now_ms()
    if claim.is_poisoned(services.settings.crash_limit):
        _log.error("event_given_up", extra={"row": claim.row})
        services.deliveries.fan_out(claim, [], now_ms=now_ms)
        return
    owner, _, number = row_id(claim.row).rpartition(".")
    if claim.job_id:
        job = services.jobs.read(owner)
        body, event = "", services.jobs.event(owner, int(number))
        tenant_id, webhook = (job.tenant_id, job.spec.webhook) if job else ("", None)
    else:
        notice = read_document(NoticeDoc, claim.doc)
        body, event = notice.body, json.loads(notice.body)
        tenant_id, webhook = notice.tenant_id, None
    endpoints = services.endpoints.read_listening(tenant_id)
    deliveries = [
        NewDelivery(
            delivery_row(owner, int(number), target.endpoint),
            write_document(
                DeliveryDoc(
                    job_id=owner,
                    sequence=int(number),
                    endpoint=target.endpoint,
                    url=target.url,
                    tenant_id=tenant_id,
                    message_id=event["id"],
                    type=event["type"],
                    created_ms=now_ms,
                    generation=target.generation,
                    body=body,
                )
            ),
            target.line,
            target.endpoint,
        )
        for target in choose_targets(event["type"], tenant_id, webhook, endpoints)
    ]
    services.deliveries.fan_out(claim, deliveries, now_ms=now_ms)


def deliver(claim: Claim, services: Services) -> None:
    """Make one try of a delivery and write what came of it."""
    doc = read_document(DeliveryDoc, claim.doc)
    if claim.is_poisoned(services.settings.crash_limit):
        _give_up(claim, doc, services)
        return
    receiver = _find_receiver(doc, claim, services)
    if receiver is None:
        _end(claim, doc, DeliveryState.DISABLED, services)
        return
    with span("webhook", SpanKind.CLIENT) as note:
        attempt, outcome = _post(doc, receiver, claim.resumed, services)
        note("http.response.status_code", attempt.status)
    move = _move(_judge(doc, outcome, claim, services), services.clock.now_ms())
    state, _ = move
    outcome_name = "retried" if state is DeliveryState.PENDING else state.value
    observe(DELIVERY_SECONDS, attempt.duration_ms / 1000, outcome=outcome_name)
    told = _say_tried(claim, receiver.url, attempt) | {"state": state.value}
    _log.info("delivery_tried", extra=told)
    _record(claim, add_attempt(doc, attempt), move, receiver, services)


def _find_receiver(doc: DeliveryDoc, claim: Claim, services: Services) -> Receiver | None:
    """Where a delivery goes; none when nobody wants it any more."""
    if doc.endpoint == JOB_ENDPOINT:
        secrets = services.endpoints.read_job_secrets(doc.tenant_id)
        wanted = services.jobs.wants_hooks(doc.job_id)
        return Receiver(doc.url, _open(secrets, services)) if wanted else None
    endpoint = services.endpoints.read(doc.endpoint)
    if endpoint is None or not endpoint.enabled:
        return None
    if endpoint.generation != doc.generation and claim.state != DeliveryState.REPLAYING:
        return None  # it was switched off in between
    return Receiver(endpoint.url, _open(endpoint.secrets, services), endpoint)


def _open(secrets: Secrets | None, services: Services) -> list[str]:
    sealed = secrets.in_use(services.clock.now_ms()) if secrets else []
    return [services.vault.open(each) for each in sealed]


def _post(
    doc: DeliveryDoc,
    receiver: Receiver,
    manual: bool,  # noqa: FBT001
    services: Services,
) -> tuple[Attempt, AttemptOutcome]:
    body = (doc.body or services.jobs.event_body(doc.job_id, doc.sequence)).encode()
    now_ms = services.clock.now_ms()
    trigger = Trigger.MANUAL if manual else Trigger.SCHEDULED
    signed = signed_headers(
        receiver.secrets, message_id=doc.message_id, timestamp_s=now_ms // 1000, body=body
    )
    started_s = services.clock.monotonic_s()
    try:
        answer = fetch(
            services.caller_session,
            "POST",
            receiver.url,
            headers={**_HEADERS, **signed},
            body=body,
            deadline_s=services.settings.webhook_deadline_s,
            max_bytes=REPLY_CHARS,
            clock=services.clock,
        )
    except OutboundError as error:
        took_ms = int((services.clock.monotonic_s() - started_s) * 1000)
        return Attempt(now_ms, 0, took_ms, error.code, trigger=trigger), AttemptOutcome(status=None)
    took_ms = int(answer.duration_s * 1000)
    retry_after = parse_retry_after(answer.headers.get("Retry-After", ""), now_ms)
    said = answer.body.decode(errors="replace")
    return (
        Attempt(now_ms, answer.status, took_ms, reply=said, trigger=trigger),
        AttemptOutcome(status=answer.status, retry_after_s=retry_after),
    )


def _judge(doc: DeliveryDoc, outcome: AttemptOutcome, claim: Claim, services: Services) -> Decision:
    if claim.resumed:
        return after_manual(outcome, ended_before=claim.state == DeliveryState.REPLAYING)
    settings = services.settings
    return next_try(
        RetryPolicy(settings.webhook_schedule_s, settings.webhook_jitter),
        attempt=doc.scheduled + 1,
        outcome=outcome,
        random_0_1=chance.randbelow(10_000) / 10_000,
    )


def _move(decision: Decision, now_ms: int) -> tuple[DeliveryState, int]:
    """A decision as the state that follows, and when it is tried next."""
    match decision:
        case RetryAt(delay_s=delay_s):
            return DeliveryState.PENDING, now_ms + int(delay_s * 1000)
        case AsPlanned():
            return DeliveryState.PENDING, AS_PLANNED
        case Delivered():
            return DeliveryState.DELIVERED, 0
        case Disabled():
            return DeliveryState.DISABLED, 0
        case _:
            return DeliveryState.FAILED, 0


def _record(
    claim: Claim,
    doc: DeliveryDoc,
    move: tuple[DeliveryState, int],
    receiver: Receiver,
    services: Services,
) -> None:
    state, next_ms = move
    now_ms, health, reason = services.clock.now_ms(), "", ""
    if receiver.endpoint is not None:
        policy = HealthPolicy(
            services.settings.webhook_disable_s, services.settings.webhook_quiet_s
        )
        told = report_health(receiver.endpoint, doc.attempts[-1], state, policy, now_ms=now_ms)
        health, reason = json.dumps(told), (told.get("off") or {}).get("reason", "")
    switched_off = services.deliveries.record_attempt(
        claim,
        state=state,
        doc=write_document(doc),
        next_ms=next_ms,
        now_ms=now_ms,
        health=health,
    )
    if switched_off:
        count(ENDPOINTS_DISABLED, reason=reason)
        _log.warning("endpoint_disabled", extra={"endpoint": doc.endpoint, "why": reason})


def _say_tried(claim: Claim, url: str, attempt: Attempt) -> dict[str, Any]:
    """Of an address its host alone, and no word of a receiver: either may hold secrets."""
    host = urlsplit(url).hostname or ""
    return {"row": claim.row, "host": host, "status": attempt.status, "why": attempt.error}


def _give_up(claim: Claim, doc: DeliveryDoc, services: Services) -> None:
    """A delivery that keeps failing before it is sent, as when its secret cannot be opened."""
    attempt = Attempt(services.clock.now_ms(), 0, 0, "could not be sent")
    observe(DELIVERY_SECONDS, 0.0, outcome=DeliveryState.FAILED.value)
    _log.error("delivery_given_up", extra=_say_tried(claim, doc.url, attempt))
    _end(claim, add_attempt(doc, attempt), DeliveryState.FAILED, services)


def _end(claim: Claim, doc: DeliveryDoc, state: DeliveryState, services: Services) -> None:
    """End a delivery without a try."""
    services.deliveries.record_attempt(
        claim, state=state, doc=write_document(doc), next_ms=0, now_ms=services.clock.now_ms()
    )
