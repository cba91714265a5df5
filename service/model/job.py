"""A job: one A/B test of captions, clips times variants. Frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from service.model.lifecycle import JobStatus
from service.model.rows import clip_row, cut_row

LABELS = "ABCDEFGH"  # up to eight variants
#: Revisions of one cut, at most: each is a paid edit and a video that is kept.
MAX_REVISIONS = 50


@dataclass(frozen=True, slots=True)
class ClipSpec:
    """One source video: `url` or `upload_id` (and then `file`, its key in the store)."""

    url: str = ""
    upload_id: str = ""
    file: str = ""
    filename: str = ""
    size: int = 0
    sha256: str = ""
    instruction: str = ""


@dataclass(frozen=True, slots=True)
class AssetSpec:
    """Music or a picture that goes equally to every variant; `role` is bgm, image or logo."""

    upload_id: str
    role: str


@dataclass(frozen=True, slots=True)
class CaptionsSpec:
    """Captions as the caller sent them; `format` is srt, vtt, ttml or text."""

    text: str
    format: str = ""


@dataclass(frozen=True, slots=True)
class VariantSpec:
    """One caption treatment. `style` holds preset and overrides, checked by `build_style`."""

    label: str
    style: Mapping[str, Any] = field(default_factory=dict)
    instruction: str = ""


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """What is rendered. Resolution is 1080p (short side), 720p or source."""

    format: str = "mp4"
    resolution: str = "1080p"
    quality: str = "high"


@dataclass(frozen=True, slots=True)
class WebhookSpec:
    """Where events of this job go; `events` are names or patterns such as `job.*`."""

    url: str
    events: tuple[str, ...] = ("job.*", "experiment.*")


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What was asked for. Frozen at accept; nothing later changes it."""

    clips: tuple[ClipSpec, ...]
    variants: tuple[VariantSpec, ...]
    name: str = ""
    assets: tuple[AssetSpec, ...] = ()
    captions: CaptionsSpec | None = None
    instruction: str = ""
    language: str = "en"
    output: OutputSpec = field(default_factory=OutputSpec)
    max_credits: int | None = None
    allow_generation: bool = False
    deadline_s: float = 1800.0
    webhook: WebhookSpec | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    #: The plan of its experiment, as `read_plan` reads it; its seed may be left out.
    experiment: Mapping[str, Any] | None = None
    warnings: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands in the store."""

    id: str
    tenant_id: str
    account_id: str
    status: JobStatus
    created_ms: int
    updated_ms: int
    spec: JobSpec
    sequence: int = 0
    ended_ms: int = 0
    expires_ms: int = 0
    cancel_asked: bool = False
    reserved: int = 0
    charged: int = 0
    result: Mapping[str, Any] = field(default_factory=dict)
    retry_of: str = ""
    #: How far its experiment is, as `read_standing` reads it; empty where it has none.
    experiment: str = ""
    #: The latest revision of each cut that has more than one, by `<clip>.<label>`.
    revisions: Mapping[str, int] = field(default_factory=dict)


def clip_rows(job_id: str, spec: JobSpec) -> list[str]:
    """The rows of a job's clips, in order."""
    return [clip_row(job_id, index) for index in range(len(spec.clips))]


def cut_rows(job_id: str, spec: JobSpec) -> list[str]:
    """The rows of a job's first cuts: by clip, then by variant."""
    return [
        cut_row(job_id, index, variant.label)
        for index in range(len(spec.clips))
        for variant in spec.variants
    ]


def revision_rows(job: Job, clip: int, label: str) -> list[str]:
    """The rows of one cut in all its revisions, the first one first."""
    latest = job.revisions.get(f"{clip}.{label}", 1)
    return [cut_row(job.id, clip, label, number) for number in range(1, latest + 1)]


def all_cut_rows(job: Job) -> list[str]:
    """The rows of a job's cuts in all revisions: by clip, by variant, by revision."""
    return [
        row
        for index in range(len(job.spec.clips))
        for variant in job.spec.variants
        for row in revision_rows(job, index, variant.label)
    ]


def uploads_of(spec: JobSpec) -> list[str]:
    """The uploads that a job uses, each once."""
    named = [clip.upload_id for clip in spec.clips] + [asset.upload_id for asset in spec.assets]
    return [upload_id for upload_id in dict.fromkeys(named) if upload_id]
