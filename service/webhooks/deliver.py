"""Events on their way: fanned out into deliveries, each tried until it arrives or ends.

Preparing, posting, judging and recording are four steps; the value of one is the input of the next.
"""

from __future__ import annotations

import logging
import secrets as chance
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from service.errors import AddressRefused, OutboundError
from service.jobs.context import Services
from service.metrics import DELIVERY_SECONDS, observe
from service.model.cut import Attempt, DeliveryDoc
from service.model.documents import read_document, write_document
from service.model.rows import delivery_row
from service.outbound.session import fetch
from service.store.commands import Claim
from service.tracing import SpanKind, span
from service.webhooks.events import is_wanted
from service.webhooks.schedule import (
    AttemptOutcome,
    Delivered,
    Disabled,
    RetryAt,
    RetryPolicy,
    next_try,
    parse_retry_after,
)
from service.webhooks.signing import signed_headers

_log = logging.getLogger(__name__)
_REPLY_BYTES = 4096


def fan_out(claim: Claim, services: Services) -> None:
    """Turn one event into a delivery for each endpoint that wants it."""
    if claim.is_poisoned(services.settings.crash_limit):
        _log.error("event_given_up", extra={"row": claim.row})
        services.commands.fan_out(claim, [], now_ms=services.clock.now_ms())
        return
    job_id, _, sequence = claim.row.partition(":")[2].rpartition(".")
    body = services.jobs.event(job_id, int(sequence))
    job = services.jobs.read(job_id)
    deliveries = []
    webhook = job.spec.webhook if job else None
    if job and webhook and is_wanted(body["type"], webhook.events):
        doc = DeliveryDoc(
            job_id=job_id,
            sequence=int(sequence),
            endpoint="job",
            url=webhook.url,
            tenant_id=job.tenant_id,
            message_id=body["id"],
        )
        deliveries.append((delivery_row(job_id, int(sequence), "job"), write_document(doc)))
    services.commands.fan_out(claim, deliveries, now_ms=services.clock.now_ms())


def deliver(claim: Claim, services: Services) -> None:
    """Make one try of a delivery and write what came of it."""
    doc = read_document(DeliveryDoc, claim.doc)
    if claim.is_poisoned(services.settings.crash_limit):
        _give_up(claim, doc, services)
        return
    with span("webhook", SpanKind.CLIENT) as note:
        attempt, outcome = _post(doc, services)
        note("http.response.status_code", attempt.status)
    now_ms = services.clock.now_ms()
    settings = services.settings
    policy = RetryPolicy(settings.webhook_schedule_s, settings.webhook_jitter)
    decision = next_try(
        policy,
        attempt=len(doc.attempts) + 1,
        outcome=outcome,
        random_0_1=chance.randbelow(10_000) / 10_000,
    )
    kept = replace(doc, attempts=(*doc.attempts, attempt))
    match decision:
        case RetryAt(delay_s=delay_s):
            state, next_ms = "pending", now_ms + int(delay_s * 1000)
        case Delivered():
            state, next_ms = "delivered", 0
        case Disabled():
            state, next_ms = "disabled", 0
        case _:
            state, next_ms = "failed", 0
    outcome_name = "retried" if state == "pending" else state
    observe(DELIVERY_SECONDS, attempt.duration_ms / 1000, outcome=outcome_name)
    _log.info("delivery_tried", extra=_say_tried(claim, doc, attempt) | {"state": state})
    services.commands.record_attempt(
        claim, state=state, doc=write_document(kept), next_ms=next_ms, now_ms=now_ms
    )


def _say_tried(claim: Claim, doc: DeliveryDoc, attempt: Attempt) -> dict[str, Any]:
    """Of an address its host alone, and no word of a receiver: either may hold secrets."""
    why = "" if attempt.status else attempt.note
    host = urlsplit(doc.url).hostname or ""
    return {"row": claim.row, "host": host, "status": attempt.status, "why": why}


def _give_up(claim: Claim, doc: DeliveryDoc, services: Services) -> None:
    """A delivery that keeps failing before it is sent, as when its secret cannot be opened."""
    now_ms = services.clock.now_ms()
    attempt = Attempt(now_ms, 0, 0, "could not be sent")
    observe(DELIVERY_SECONDS, 0.0, outcome="failed")
    _log.error("delivery_given_up", extra=_say_tried(claim, doc, attempt))
    kept = replace(doc, attempts=(*doc.attempts, attempt))
    services.commands.record_attempt(
        claim, state="failed", doc=write_document(kept), next_ms=0, now_ms=now_ms
    )


def _post(doc: DeliveryDoc, services: Services) -> tuple[Attempt, AttemptOutcome]:
    body = services.jobs.event_body(doc.job_id, doc.sequence).encode()
    now_ms = services.clock.now_ms()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Caption-AB-Webhooks/1",
        **signed_headers(
            _secrets(doc, services),
            message_id=doc.message_id,
            timestamp_s=now_ms // 1000,
            body=body,
        ),
    }
    started_s = services.clock.monotonic_s()
    try:
        answer = fetch(
            services.caller_session,
            "POST",
            doc.url,
            headers=headers,
            body=body,
            deadline_s=services.settings.webhook_deadline_s,
            max_bytes=_REPLY_BYTES,
            clock=services.clock,
        )
    except OutboundError as error:
        took_ms = int((services.clock.monotonic_s() - started_s) * 1000)
        code = error.code if not isinstance(error, AddressRefused) else "address_refused"
        return Attempt(now_ms, 0, took_ms, code), AttemptOutcome(status=None)
    took_ms = int(answer.duration_s * 1000)
    retry_after = parse_retry_after(answer.headers.get("Retry-After", ""), now_ms)
    note = answer.body[:200].decode(errors="replace")
    return (
        Attempt(now_ms, answer.status, took_ms, note),
        AttemptOutcome(status=answer.status, retry_after_s=retry_after),
    )


def _secrets(doc: DeliveryDoc, services: Services) -> list[str]:
    tenant = services.accounts.read_tenant(doc.tenant_id)
    return [services.vault.open(tenant.webhook_secret)] if tenant else []
