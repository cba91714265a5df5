"""What callers may send (design 8). Pure: shapes and bounds; meaning is checked by `service`."""

from __future__ import annotations

import re
from collections.abc import Set
from fnmatch import fnmatchcase
from typing import Any

from marshmallow import Schema, ValidationError, fields, pre_load, validates_schema
from marshmallow.validate import Length, OneOf, Range, Regexp

from api.experiment_schemas import PlanRequest
from api.fields import (
    InstantField,
    ListField,
    LiteralBoolean,
    LiteralInteger,
    LiteralNumber,
    MetadataField,
    StrictSchema,
    UrlField,
)
from api.listing import METADATA
from api.styled import StyledSchema
from api.styles import StyleRequest
from service.captions.assets import ROLES
from service.captions.instruction import MAX_INSTRUCTION_CHARS
from service.captions.model import MAX_CHARS, CaptionFormat
from service.model.job import LABELS, MAX_REVISIONS
from service.model.lifecycle import JobStatus
from service.webhooks.events import OF_NO_JOB, EventType

MAX_CLIPS = 10
MAX_ASSETS = 5
MAX_VARIANTS = len(LABELS)
MAX_INSTRUCTION = 2000
MAX_NAME = 200
MAX_EVENTS = 30
MAX_CREDITS = 1_000_000
#: Entries of a page of a list, without a wish and at most.
PAGE, MAX_PAGE = 20, 100
MIN_DEADLINE_S = 60
MAX_DEADLINE_S = 86_400
RESOLUTIONS = ("1080p", "720p", "source")
QUALITIES = ("high", "medium", "low")
_EVENT = re.compile(r"\*|[a-z_]{1,40}\.(\*|[a-z_]{1,40})")
_UPLOAD = Regexp(r"^upl_[0-9a-z]{26}$", error="Must be the id of an upload.")
_LANGUAGE = Regexp(
    r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$", error="Must be a language tag such as en or pt-BR."
)


def _match_something(pattern: str) -> None:
    _match(pattern, set(EventType) - OF_NO_JOB)


def match_any_event(pattern: str) -> None:
    """Refuse what matches no event at all."""
    _match(pattern, set(EventType))


def _match(pattern: str, kinds: Set[EventType]) -> None:
    # its form first: what `fnmatch` makes of 900,000 brackets takes minutes
    if not _EVENT.fullmatch(pattern) or not any(fnmatchcase(kind, pattern) for kind in kinds):
        raise ValidationError("Must be an event of docs/webhooks.md or a pattern like job.*.")


_CAPTIONS = {"format": "srt", "text": "1\n00:00:00,500 --> 00:00:02,500\nGood morning\n"}


class ClipRequest(StrictSchema):
    """A source video: by `url` or by `upload_id`."""

    class Meta(StrictSchema.Meta):  # noqa: D106  marshmallow's form
        one_of = ("url", "upload_id")
        example = '{"upload_id": "upl_..."}'

    url = UrlField()
    upload_id = fields.String(validate=_UPLOAD, metadata={"pattern": "^upl_[0-9a-z]{26}$"})
    instruction = fields.String(
        validate=Length(max=MAX_INSTRUCTION), metadata={"description": "For this clip alone."}
    )

    @validates_schema
    def take_one(self, data: dict[str, Any], **_: Any) -> None:
        if ("url" in data) == ("upload_id" in data):
            raise ValidationError("Must have either `url` or `upload_id`.")


class AssetRequest(StrictSchema):
    """A file that goes equally to every variant: music, a picture, a logo."""

    upload_id = fields.String(
        required=True, validate=_UPLOAD, metadata={"pattern": "^upl_[0-9a-z]{26}$"}
    )
    role = fields.String(required=True, validate=OneOf(ROLES))


class VariantRequest(StrictSchema):
    """One caption treatment."""

    class Meta(StrictSchema.Meta):  # noqa: D106  marshmallow's form
        example = '{"style": {"preset": "outline"}}'

    label = fields.String(validate=OneOf(tuple(LABELS)))
    style = fields.Nested(StyleRequest)
    instruction = fields.String(validate=Length(max=MAX_INSTRUCTION))


class CaptionsRequest(StrictSchema):
    """Captions for every clip; without a format it is told from the text."""

    class Meta(StrictSchema.Meta):  # noqa: D106  marshmallow's form
        example = '{"format": "srt", "text": "..."}'

    text = fields.String(required=True, validate=Length(1, MAX_CHARS))
    format = fields.String(validate=OneOf([each.value for each in CaptionFormat]))


class OutputRequest(StrictSchema):
    """What is rendered. 1080p means a short side of 1080 pixels."""

    format = fields.String(validate=OneOf(["mp4"]))
    resolution = fields.String(validate=OneOf(RESOLUTIONS))
    quality = fields.String(validate=OneOf(QUALITIES))


class WebhookRequest(StrictSchema):
    """Where this job's events go."""

    class Meta(StrictSchema.Meta):  # noqa: D106  marshmallow's form
        example = '{"url": "https://you.example/hooks"}'

    url = UrlField(required=True)
    events = ListField(
        fields.String(validate=_match_something),
        validate=Length(1, MAX_EVENTS),
        metadata={"example": ["job.*"]},
    )


class JobRequest(StyledSchema):
    """An A/B test of captions. Only `clips` is required."""

    clips = ListField(
        fields.Nested(ClipRequest),
        required=True,
        validate=Length(1, MAX_CLIPS),
        metadata={"example": [{"url": "https://example.com/talk.mp4"}]},
    )
    variants = ListField(fields.Nested(VariantRequest), validate=Length(1, MAX_VARIANTS))
    name = fields.String(validate=Length(max=MAX_NAME))
    instruction = fields.String(validate=Length(max=MAX_INSTRUCTION))
    captions = fields.Nested(CaptionsRequest, metadata={"example": _CAPTIONS})
    assets = ListField(fields.Nested(AssetRequest), validate=Length(max=MAX_ASSETS))
    language = fields.String(validate=_LANGUAGE, metadata={"example": "en"})
    output = fields.Nested(OutputRequest)
    max_credits = LiteralInteger(validate=Range(min=1, max=MAX_CREDITS))
    allow_generation = LiteralBoolean(
        metadata={"description": "Let the agent generate material, which costs extra credits."}
    )
    deadline_s = LiteralNumber(validate=Range(min=MIN_DEADLINE_S, max=MAX_DEADLINE_S))
    webhook = fields.Nested(WebhookRequest)
    experiment = fields.Nested(PlanRequest)
    metadata = MetadataField()


class NoQuery(StrictSchema):
    """No parameter is known here: an unknown one is refused, never ignored."""


class CreateJobQuery(StrictSchema):
    """Whether a job is made."""

    dry_run = fields.Boolean(
        load_default=False,
        metadata={"description": "Check the request and its clips, and estimate; make nothing."},
    )


class JobsQuery(StrictSchema):
    """Which jobs to list: those that fit all of it."""

    limit = fields.Integer(load_default=PAGE, validate=Range(1, MAX_PAGE))
    cursor = fields.String(load_default="", validate=Length(max=100))
    status = ListField(
        fields.String(validate=OneOf([each.value for each in JobStatus])),
        validate=Length(max=len(JobStatus)),
        metadata={"description": "Any of these; give it several times."},
    )
    created_after = InstantField(metadata={"description": "Created then or later."})
    created_before = InstantField(metadata={"description": "Created before that."})
    name = fields.String(
        validate=Length(1, MAX_NAME),
        metadata={"description": "Whose name begins with this; case matters."},
    )

    @pre_load
    def leave_metadata(self, data: Any, **_: Any) -> dict[str, Any]:
        """`metadata.KEY` has any name; `api.listing` reads it."""
        return {name: data[name] for name in data if not name.startswith(METADATA)}


#: More events than a job can have; Redis counts in 64 bits and JSON in 53.
MAX_SEQUENCE = 2**53 - 1


class EventsQuery(StrictSchema):
    """Which events to list."""

    after = fields.Integer(
        load_default=0,
        validate=Range(0, MAX_SEQUENCE),
        metadata={"description": "A sequence, exclusive."},
    )


class MessageRequest(StrictSchema):
    """Words about one clip of a variant."""

    text = fields.String(
        required=True,
        validate=[
            Length(max=MAX_INSTRUCTION_CHARS),
            Regexp(r"[\s\S]*\S", error="Must have words in it."),
        ],
    )
    clip = LiteralInteger(load_default=0, validate=Range(0, MAX_CLIPS - 1))


class TimelineQuery(StrictSchema):
    """Whose timeline."""

    clip = fields.Integer(load_default=0, validate=Range(0, MAX_CLIPS - 1))


class VideoQuery(StrictSchema):
    """Which clip's video in which revision, and whether a browser is to save it."""

    clip = fields.Integer(load_default=0, validate=Range(0, MAX_CLIPS - 1))
    revision = fields.Integer(
        validate=Range(1, MAX_REVISIONS),
        metadata={"description": "Without it the latest that succeeded."},
    )
    download = fields.Boolean(load_default=False)


class TusCreateHeaders(Schema):
    """What begins an upload in pieces."""

    upload_length = fields.Integer(
        required=True,
        data_key="Upload-Length",
        validate=Range(min=1),
        metadata={"description": "Size of the whole file in bytes."},
    )
    upload_metadata = fields.String(
        data_key="Upload-Metadata",
        metadata={"description": "Pairs of a name and text in base64; `filename` is read."},
    )


class TusPatchHeaders(Schema):
    """Where the bytes of a request belong."""

    upload_offset = fields.Integer(
        required=True,
        data_key="Upload-Offset",
        validate=Range(min=0),
        metadata={"description": "How much of the file has been received."},
    )


class UploadQuery(StrictSchema):
    """How a raw body is called."""

    filename = fields.String(validate=Length(1, 255))
