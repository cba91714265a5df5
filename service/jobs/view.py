"""What the outside sees of a job: the answer of GET, of 202 and of a terminal event. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from service.experiments.standing import standing_data
from service.model.cut import (
    ClipDoc,
    CutDoc,
    Edit,
    EditIntent,
    Failure,
    MediaInfo,
    Recovery,
    ResultFile,
)
from service.model.job import Job, JobSpec, VariantSpec, clip_rows, cut_rows
from service.model.lifecycle import ClipState, CutState
from service.model.rows import row_id
from service.store.jobs import ClipRow, CutRow
from service.webhooks.events import iso_time

#: A backend's words about an edit, at most; the whole is in its evidence.
MAX_TEXT_CHARS = 600


def job_data(
    job: Job,
    clips: Sequence[ClipRow],
    cuts: Sequence[CutRow],
    public_url: str,
    *,
    editor_links: bool = False,
) -> dict[str, Any]:
    """The job resource. Under 20 kB for two variants of some clips; links, never contents.

    `editor_links` open a project for whoever has them: they are for the caller, never for events.
    """
    own_url = f"{public_url.rstrip('/')}/v1/jobs/{job.id}"
    spec = job.spec
    by_index = {row.doc.index: row for row in clips}
    return {
        **job_summary(job, public_url),
        "clips": [_clip(index, spec, by_index.get(index)) for index in range(len(spec.clips))],
        "variants": [
            _variant(each, cuts, own_url, editor_links=editor_links) for each in spec.variants
        ],
        "assets": [{"upload_id": each.upload_id, "role": each.role} for each in spec.assets],
        "warnings": [dict(each) for each in spec.warnings],
        "captions": {"format": spec.captions.format or "auto"} if spec.captions else None,
        "instruction": spec.instruction,
        "language": spec.language,
        "output": {
            "format": spec.output.format,
            "resolution": spec.output.resolution,
            "quality": spec.output.quality,
        },
        "max_credits": spec.max_credits,
        "allow_generation": spec.allow_generation,
        "comparison": dict(job.result) or None,
    }


def job_summary(job: Job, public_url: str) -> dict[str, Any]:
    """A job in a list: what it is and how far, without its clips and variants."""
    site = public_url.rstrip("/")
    own_url = f"{site}/v1/jobs/{job.id}"
    return {
        "id": job.id,
        "object": "job",
        "status": job.status.value,
        "name": job.spec.name,
        "created_at": iso_time(job.created_ms),
        "updated_at": iso_time(job.updated_ms),
        "ended_at": _time(job.ended_ms),
        "expires_at": _time(job.expires_ms),
        "credits": {"reserved": job.reserved, "charged": job.charged},
        "metadata": dict(job.spec.metadata),
        "retry_of": job.retry_of or None,
        "experiment": _experiment(job, own_url),
        "links": {
            "self": own_url,
            "cancel": f"{own_url}/cancel",
            "resume": f"{own_url}/resume",
            "retry": f"{own_url}/retry",
            "events": f"{own_url}/events",
            "experiment": f"{own_url}/experiment",
            "page": f"{site}/jobs/{job.id}",
        },
    }


def _experiment(job: Job, own_url: str) -> dict[str, Any] | None:
    """How far the experiment is, and where it is told in full."""
    told = standing_data(job.experiment)
    return {**told, "url": f"{own_url}/experiment"} if told else None


def initial_units(job: Job) -> tuple[list[ClipRow], list[CutRow]]:
    """The clips and cuts of a job just accepted, as the store holds them, without asking it."""
    clips = [
        ClipRow(row, ClipState.PENDING, ClipDoc(index))
        for index, row in enumerate(clip_rows(job.id, job.spec))
    ]
    docs = [
        CutDoc(index, variant.label)
        for index in range(len(job.spec.clips))
        for variant in job.spec.variants
    ]
    cuts = [
        CutRow(row, CutState.QUEUED, doc)
        for row, doc in zip(cut_rows(job.id, job.spec), docs, strict=True)
    ]
    return clips, cuts


def _clip(index: int, spec: JobSpec, row: ClipRow | None) -> dict[str, Any]:
    asked = spec.clips[index]
    body: dict[str, Any] = {"index": index, "status": row.state.value if row else "pending"}
    if asked.url:
        body["url"] = asked.url
    if asked.upload_id:
        body["upload_id"] = asked.upload_id
    if asked.instruction:
        body["instruction"] = asked.instruction
    if row is None:
        return body
    doc = row.doc
    found = {
        "filename": doc.filename or asked.filename,
        "size": doc.size or asked.size,
        "sha256": doc.sha256 or asked.sha256,
    }
    body.update({name: value for name, value in found.items() if value})
    if doc.media:
        body["media"] = _media(doc.media)
        body["word_timing"] = doc.word_timing or None
    if doc.failure:
        body["error"] = failure_data(doc.failure)
    return body


def _variant(
    variant: VariantSpec, cuts: Sequence[CutRow], own_url: str, *, editor_links: bool
) -> dict[str, Any]:
    own = [row for row in cuts if row.doc.label == variant.label]
    base = f"{own_url}/variants/{variant.label}"
    links = {"messages": f"{base}/messages", "timeline": f"{base}/timeline"}
    opening = [row.doc.claim_url for row in own if row.doc.claim_url]
    if editor_links and opening:
        links["open_in_editor"] = opening[-1]
    return {
        "label": variant.label,
        "style": dict(variant.style),
        "instruction": variant.instruction,
        "cuts": [_cut(row, own_url) for row in own],
        "links": links,
    }


def _cut(row: CutRow, own_url: str) -> dict[str, Any]:
    doc = row.doc
    body: dict[str, Any] = {
        "id": row_id(row.row),
        "clip": doc.clip,
        "revision": doc.revision,
        "status": row.state.value,
    }
    if doc.revision > 1:
        body["message"] = doc.wish
    if doc.failure:
        body["error"] = failure_data(doc.failure)
    if doc.edit:
        body["edit"] = _edit(doc.edit, doc.intent)
    if doc.render:
        body["render"] = {
            "id": doc.render.render_id,
            "polls": doc.render.polls,
            "progress": doc.render.progress,
        }
    if doc.result:
        body["video"] = _video(doc, doc.result, own_url)
    if doc.warnings:
        body["warnings"] = list(doc.warnings)
    if row.state is CutState.RECOVERING and doc.recovery:
        body["note"] = _note(doc.recovery)
    return body


def _note(lost: Recovery) -> str:
    """Why a cut seems to stand still."""
    looks = f"{lost.looks} time" + ("" if lost.looks == 1 else "s")
    return (
        f"{lost.reason} The edit is looked for since {iso_time(lost.since_ms)}, {looks} so far; "
        "it is never sent again."
    )


def failure_data(failure: Failure) -> dict[str, Any]:
    """A failure as callers read it."""
    return {
        "code": failure.code,
        "detail": failure.detail,
        "hint": failure.hint,
        "retryable": failure.retryable,
        "stage": failure.stage,
        **_kept(failure.extra),
    }


def _kept(extra: Mapping[str, Any]) -> dict[str, Any]:
    taken = {"code", "detail", "hint", "retryable", "stage"}
    return {name: value for name, value in extra.items() if name not in taken}


def _edit(edit: Edit, intent: EditIntent | None) -> dict[str, Any]:
    text = edit.text
    if len(text) > MAX_TEXT_CHARS:
        text = text[: MAX_TEXT_CHARS - 1] + "…"
    return {
        "text": text,
        "summary": edit.summary,
        "silent": edit.silent,
        "charged": edit.charged,
        "credits": edit.credits,
        "balance_before": intent.balance if intent else None,
        "balance_after": edit.balance,
        "actions": list(edit.actions),
    }


def _video(doc: CutDoc, result: ResultFile, own_url: str) -> dict[str, Any]:
    media = result.media or MediaInfo()
    return {
        "url": video_url(own_url, doc),
        "size": result.size,
        "sha256": result.sha256,
        "width": media.width,
        "height": media.height,
        "duration_s": media.duration_s,
        "audio": bool(media.audio_codec),
    }


def video_url(own_url: str, doc: CutDoc) -> str:
    """Where a cut's video is; it names the revision, so that a later one is not shown instead."""
    place = f"clip={doc.clip}&revision={doc.revision}"
    return f"{own_url}/variants/{doc.label}/video?{place}"


def _media(media: MediaInfo) -> dict[str, Any]:
    return {
        "duration_s": media.duration_s,
        "width": media.width,
        "height": media.height,
        "fps": f"{media.fps_num}/{media.fps_den}",
        "video_codec": media.video_codec,
        "audio": bool(media.audio_codec),
        "container": media.container,
    }


def _time(at_ms: int) -> str | None:
    return iso_time(at_ms) if at_ms else None
