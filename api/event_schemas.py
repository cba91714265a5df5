"""What events say: a schema for the `data` of each type."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields

from api.replies import ErrorReply, JobReply


class CutName(ma.Schema):
    """Which cut: a variant of a clip, at a revision."""

    label = fields.String(required=True)
    clip = fields.Integer(required=True)
    revision = fields.Integer(required=True)


class VideoFacts(ma.Schema):
    """The video that was stored."""

    size = fields.Integer(required=True, metadata={"description": "Bytes."})
    sha256 = fields.String(required=True)


class OfJob(ma.Schema):
    """Every event about a job names it."""

    job_id = fields.String(required=True)


class JobCreatedData(OfJob):
    """The job as it was accepted."""

    status = fields.String(required=True)
    name = fields.String(required=True)


class JobStatusData(OfJob):
    """The status that the job has now."""

    status = fields.String(required=True)


class JobEndData(JobReply):
    """The whole job, as `GET /v1/jobs/{id}` shows it, but for the links into the editor."""

    job_id = fields.String(required=True)


class JobExpiringData(OfJob):
    """When the job and its files go."""

    status = fields.String(required=True)
    expires_at = fields.String(required=True, metadata={"format": "date-time"})


class JobWaitsData(OfJob):
    """What a person must do, and for which cut."""

    cut = fields.Nested(CutName, required=True)
    error = fields.Nested(ErrorReply, required=True)


class JobProgressData(OfJob):
    """A stream that still runs, or how far the comparison is: of its clips, then of pictures."""

    cut = fields.Nested(CutName, metadata={"description": "While captioning."})
    stage = fields.String(
        required=True, metadata={"description": "captioning, comparing or pictures."}
    )
    seconds = fields.Integer(required=True)
    clip = fields.Integer(metadata={"description": "Whose pictures are made."})
    done = fields.Integer(metadata={"description": "Clips measured, or pictures made."})
    total = fields.Integer(metadata={"description": "Of so many."})


class ClipReadyData(OfJob):
    """A source video that was fetched and checked."""

    clip = fields.Integer(required=True)
    sha256 = fields.String(required=True)
    duration_s = fields.Float(required=True)


class ClipFailedData(OfJob):
    """Why a source video cannot be used."""

    clip = fields.Integer(required=True)
    error = fields.Nested(ErrorReply, required=True)


class CutData(OfJob):
    """A cut that has come a step further."""

    cut = fields.Nested(CutName, required=True)
    error = fields.Nested(ErrorReply)


class CutStoredData(OfJob):
    """A cut whose video is there."""

    cut = fields.Nested(CutName, required=True)
    video = fields.Nested(VideoFacts, required=True)


class CutEndedData(OfJob):
    """A cut that has ended badly, or waits; `error` says why and whether it was charged."""

    cut = fields.Nested(CutName, required=True)
    error = fields.Nested(ErrorReply, required=True)


class SentenceData(ma.Schema):
    """One sentence for a reader who knows no statistics."""

    en = fields.String(required=True)
    zh = fields.String(required=True)


class LeaningData(ma.Schema):
    """The likelier variant of a test without an answer."""

    variant = fields.String(required=True)
    chance = fields.Float(required=True)


class ExperimentData(OfJob):
    """The verdict on an experiment; all its numbers are at `verdict_url`."""

    state = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "As in docs/statistics.md; null where the test never began."},
    )
    reason = fields.String(required=True)
    variant = fields.String(required=True, allow_none=True)
    sentence = fields.Nested(SentenceData, required=True)
    leaning = fields.Nested(LeaningData, allow_none=True)
    metric = fields.String(metadata={"description": "The one that decides."})
    alpha = fields.Float()
    multiple = fields.Integer(metadata={"description": "Viewers who were seen in two variants."})
    started_at_ms = fields.Integer()
    taken_at_ms = fields.Integer()
    assumptions = fields.List(fields.String())
    snapshot_sha256 = fields.String(metadata={"description": "Of what the verdict is made from."})
    decided_at = fields.String(metadata={"format": "date-time"})
    verdict_url = fields.String(metadata={"format": "uri"})


class EndpointOffData(ma.Schema):
    """Which endpoint was switched off, and why; `reason` is gone or failing."""

    endpoint_id = fields.String(required=True)
    reason = fields.String(required=True)
    failing_since = fields.String(required=True, metadata={"format": "date-time"})
    last_error = fields.String(required=True)


class TestData(ma.Schema):
    """The endpoint under test."""

    endpoint_id = fields.String(required=True)
