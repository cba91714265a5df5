"""What tests are made of: jobs, rows, specs with defaults; a test names what matters."""

from __future__ import annotations

import json
from typing import Any

from service.ids import new_id
from service.model.cut import ClipDoc, CutDoc
from service.model.documents import write_document
from service.model.job import CaptionsSpec, ClipSpec, JobSpec, VariantSpec, WebhookSpec
from service.model.lifecycle import ClipState, CutState, Queue
from service.model.limits import HeldLimits, KeyUse, use_of
from service.model.rows import clip_row, clips_account, cut_row
from service.store.acceptance import NewJob, NewRow
from service.store.deliveries import NewDelivery
from service.store.revisions import NewCut

NOW_MS = 1_800_000_000_000
LOOK_MS = 60_000
TENANT = "ten_1"
ACCOUNT = "acc_1"
SRT = "1\n00:00:00,100 --> 00:00:00,900\nHello\n\n2\n00:00:01,000 --> 00:00:01,900\nWorld\n"


def a_spec(
    *,
    clips: int = 1,
    variants: str = "AB",
    hooks: bool = False,
    uploads: tuple[str, ...] = (),
    webhook: str = "",
) -> JobSpec:
    """A job of so many clips in so many variants."""
    sources = [ClipSpec(upload_id=each) for each in uploads] or [
        ClipSpec(url=f"https://clips.example/{index}.mp4") for index in range(clips)
    ]
    return JobSpec(
        clips=tuple(sources),
        variants=tuple(VariantSpec(label) for label in variants),
        captions=CaptionsSpec(SRT, "srt"),
        webhook=WebhookSpec(webhook or "https://hooks.example/") if hooks or webhook else None,
    )


def an_event(kind: str = "job.created", **data: Any) -> str:
    """The body of an event, as the store takes it."""
    data = {"job_id": "job_1", "status": "queued", "name": "", **data}
    body = {"id": "evt_1", "type": kind, "timestamp": "2026-01-01T00:00:00.000Z", "data": data}
    return json.dumps(body, separators=(",", ":"))


def a_new_job(
    spec: JobSpec | None = None,
    *,
    job_id: str = "",
    tenant: str = TENANT,
    account: str = ACCOUNT,
    quota: int = 100,
    key: str = "",
    fingerprint: str = "",
    limit_ms: int = 1_800_000,
    ttl_ms: int = 604_800_000,
    warn_ms: int = 86_400_000,
    use: KeyUse | None = None,
) -> NewJob:
    """A job as the API hands it to the store: rows of clips and cuts, waiting as in production."""
    spec = spec or a_spec()
    job_id = job_id or new_id("job", NOW_MS)
    return NewJob(
        id=job_id,
        tenant_id=tenant,
        account_id=account,
        spec=spec,
        rows=[
            *_clip_rows(job_id, spec, account, limit_ms),
            *_cut_rows(job_id, spec, account, limit_ms),
        ],
        cuts=len(spec.clips) * len(spec.variants),
        event=an_event(),
        quota=quota,
        ttl_ms=ttl_ms,
        warn_ms=warn_ms,
        idempotency_ttl_ms=86_400_000,
        idempotency_key=key,
        fingerprint=fingerprint,
        use=use,
    )


def a_use(key: str = "key_1", *, price: int = 100, now_ms: int = NOW_MS, **limits: int) -> KeyUse:
    """What work of a price would use of a key that has just these limits."""
    held = HeldLimits(**{"jobs_per_minute": 0, "open_jobs": 0, "month_credits": 0, **limits})
    return use_of(key, held, price=price, now_ms=now_ms)


def a_new_cut(
    job_id: str,
    *,
    clip: int = 0,
    label: str = "A",
    key: str = "k",
    fingerprint: str = "",
    use: KeyUse | None = None,
) -> NewCut:
    """A message as the API hands it to the store."""
    return NewCut(
        tenant_id=TENANT,
        job_id=job_id,
        clip=clip,
        label=label,
        wish="make it bigger",
        event=an_event("cut.created", cut={"label": label, "clip": clip, "revision": 0}),
        idempotency_key=key,
        fingerprint=fingerprint or f"{job_id}.{clip}.{label}",
        idempotency_ttl_ms=86_400_000,
        limit_ms=1_800_000,
        look_ms=LOOK_MS,
        use=use,
    )


def a_delivery(row: str, doc: str = "{}", *, line: str = "") -> NewDelivery:
    """A delivery of a row's own endpoint, as `fan_out` takes it."""
    endpoint = row.rpartition(".")[2]
    return NewDelivery(
        row, doc, line or (f"{TENANT}.hooks.example", endpoint)[endpoint != "job"], endpoint
    )


def endpoint_fields(**changes: Any) -> dict[str, Any]:
    """What the API hands to the store for a new endpoint."""
    return {
        "url": "https://hooks.example/",
        "events": ("*",),
        "description": "",
        "enabled": True,
        "concurrency": 3,
        "secret": "sealed",
        **changes,
    }


def _clip_rows(job_id: str, spec: JobSpec, account: str, limit_ms: int) -> list[NewRow]:
    return [
        NewRow(
            clip_row(job_id, index),
            Queue.TRANSFER,
            ClipState.PENDING,
            write_document(ClipDoc(index)),
            account_id=clips_account(account),
            limit_ms=limit_ms,
        )
        for index in range(len(spec.clips))
    ]


def _cut_rows(job_id: str, spec: JobSpec, account: str, limit_ms: int) -> list[NewRow]:
    return [
        NewRow(
            cut_row(job_id, index, variant.label),
            Queue.FLOW,
            CutState.QUEUED,
            write_document(CutDoc(index, variant.label)),
            account_id=account,
            after=_before(job_id, index, variant.label),
            limit_ms=limit_ms,
            look_ms=LOOK_MS,
        )
        for index in range(len(spec.clips))
        for variant in spec.variants
    ]


def _before(job_id: str, index: int, label: str) -> tuple[str, ...]:
    clip = clip_row(job_id, index)
    return (clip, cut_row(job_id, index - 1, label)) if index else (clip,)
