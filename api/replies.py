"""What callers receive, for the OpenAPI document. Answers are made by `service.jobs.view`."""

from __future__ import annotations

from marshmallow import Schema, fields

from api.comparisons import ComparisonReply
from api.verdict_schemas import JobExperimentReply
from service.model.lifecycle import ClipState, CutState, JobStatus
from service.nemo.intents import Intent


def _time(**kwargs: object) -> fields.String:
    return fields.String(metadata={"format": "date-time"}, **kwargs)  # type: ignore[arg-type]


def _uri(text: str = "") -> fields.String:
    told = {"description": text} if text else {}
    return fields.String(metadata={"format": "uri", **told})


def _told(text: str) -> fields.String:
    return fields.String(metadata={"description": text})


def _open_enum(values: list[str], text: str) -> fields.String:
    known = ", ".join(values)
    return fields.String(required=True, metadata={"description": f"{text} Known: {known}."})


class UploadReply(Schema):
    """A file that no job has used yet."""

    id = fields.String(required=True)
    object = fields.Constant("upload")
    size = fields.Integer(required=True, metadata={"description": "Bytes."})
    sha256 = fields.String(required=True)
    kind = fields.String(required=True, metadata={"description": "video, image or audio."})
    filename = fields.String(required=True)
    created_at = _time(required=True)
    expires_at = _time(required=True, allow_none=True)


class ErrorReply(Schema):
    """Why a part of a job ended badly, or what a person must do."""

    code = fields.String(required=True)
    detail = fields.String(required=True)
    hint = fields.String()
    retryable = fields.Boolean(required=True)
    stage = _told("Where it happened; empty where that is plain.")
    charged = _told("Of a cut: whether credits were taken: yes, no or unknown.")
    said = _told("What the backend answered to an edit that was not seen.")
    pointer = _told("What of the job's request is at fault, as a JSON pointer.")


class MediaReply(Schema):
    """What a clip is."""

    duration_s = fields.Float()
    width = fields.Integer()
    height = fields.Integer()
    fps = fields.String(metadata={"description": "A fraction, such as 30000/1001."})
    video_codec = fields.String()
    audio = fields.Boolean()
    container = fields.String()


class ClipReply(Schema):
    """A source video of the job."""

    index = fields.Integer(required=True)
    status = _open_enum([each.value for each in ClipState], "Open set.")
    url = _uri()
    upload_id = fields.String()
    filename = fields.String()
    size = fields.Integer()
    sha256 = fields.String()
    instruction = fields.String()
    media = fields.Nested(MediaReply)
    word_timing = fields.String(
        allow_none=True,
        metadata={
            "description": "Where the times of single words come from: given, aligned to the "
            "speech, mixed, or left to the backend; null where captions have no times.",
        },
    )
    error = fields.Nested(ErrorReply)


class EditReply(Schema):
    """The edit as it was applied."""

    text = fields.String()
    summary = fields.String(metadata={"description": "The timeline after it, in one line."})
    silent = fields.Boolean(metadata={"description": "Applied without a word from the backend."})
    charged = fields.String(metadata={"description": "yes, no or unknown."})
    credits = fields.Integer(allow_none=True)
    balance_before = fields.Integer(allow_none=True)
    balance_after = fields.Integer(allow_none=True)
    actions = fields.List(_told("What its words told a person to do on a screen."))


class RenderReply(Schema):
    """The render under way."""

    id = fields.String()
    polls = fields.Integer()
    progress = fields.Float()


class VideoReply(Schema):
    """The finished video."""

    url = _uri()
    size = fields.Integer()
    sha256 = fields.String()
    width = fields.Integer()
    height = fields.Integer()
    duration_s = fields.Float()
    audio = fields.Boolean()


class CutReply(Schema):
    """One variant of one clip."""

    id = fields.String(required=True)
    clip = fields.Integer(required=True)
    revision = fields.Integer(required=True)
    status = _open_enum([each.value for each in CutState], "Open set.")
    message = fields.String(metadata={"description": "What a later revision was asked for."})
    error = fields.Nested(ErrorReply)
    edit = fields.Nested(EditReply)
    render = fields.Nested(RenderReply)
    video = fields.Nested(VideoReply)
    warnings = fields.List(fields.String())
    note = _told("While `recovering`: why, since when, and how often the edit was looked for.")


class VariantLinksReply(Schema):
    """Where a variant is refined and looked at."""

    messages = _uri()
    timeline = _uri()
    open_in_editor = _uri("Opens the project in a browser for 7 days, for whoever has the link.")


class VariantReply(Schema):
    """One caption treatment and its cuts."""

    label = fields.String(required=True)
    style = fields.Dict()
    instruction = fields.String()
    cuts = fields.List(fields.Nested(CutReply), required=True)
    links = fields.Nested(VariantLinksReply)


class CreditsReply(Schema):
    """Credits set aside for the job, and those really taken."""

    reserved = fields.Integer()
    charged = fields.Integer()


class LinksReply(Schema):
    """Where to go next."""

    self = _uri()
    cancel = _uri()
    resume = _uri()
    retry = _uri()
    events = _uri()
    experiment = _uri()
    page = _uri()


class JobSummaryReply(Schema):
    """A job in a list."""

    id = fields.String(required=True)
    object = fields.Constant("job")
    status = _open_enum([each.value for each in JobStatus], "Open set.")
    name = fields.String()
    created_at = _time(required=True)
    updated_at = _time(required=True)
    ended_at = _time(allow_none=True)
    expires_at = _time(allow_none=True)
    credits = fields.Nested(CreditsReply)
    metadata = fields.Dict()
    retry_of = fields.String(
        allow_none=True, metadata={"description": "The job that this one tries again."}
    )
    experiment = fields.Nested(
        JobExperimentReply, allow_none=True, metadata={"description": "Null where it has none."}
    )
    links = fields.Nested(LinksReply)


class CaptionsReply(Schema):
    """The format in which the captions came; `auto` where it was left open."""

    format = fields.String()


class OutputReply(Schema):
    """What is rendered."""

    format = fields.String()
    resolution = fields.String()
    quality = fields.String()


class AssetReply(Schema):
    """A file that goes to every variant."""

    upload_id = fields.String()
    role = fields.String()


class JobReply(JobSummaryReply):
    """A job."""

    clips = fields.List(fields.Nested(ClipReply), required=True)
    variants = fields.List(fields.Nested(VariantReply), required=True)
    assets = fields.List(fields.Nested(AssetReply))
    warnings = fields.List(fields.Dict())
    captions = fields.Nested(CaptionsReply, allow_none=True)
    instruction = fields.String()
    language = fields.String()
    output = fields.Nested(OutputReply)
    max_credits = fields.Integer(allow_none=True)
    allow_generation = fields.Boolean()
    comparison = fields.Nested(ComparisonReply, allow_none=True)


class JobsReply(Schema):
    """A page of jobs, newest first."""

    data = fields.List(fields.Nested(JobSummaryReply), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class BalancePartsReply(Schema):
    """The balance of the job's account."""

    available = fields.Integer()
    frozen = fields.Integer()
    total = fields.Integer()


class LatestVideoReply(Schema):
    """The latest video of a variant."""

    url = _uri()
    revision = fields.Integer()


class TimelineReply(Schema):
    """What a variant's session holds now; `timeline` is null until it is opened."""

    object = fields.String(required=True)
    status = _open_enum([each.value for each in CutState], "Of the latest revision.")
    revision = fields.Integer(required=True)
    timeline = fields.String(allow_none=True)


class MessageReply(Schema):
    """What a message led to, by its `intent`."""

    object = fields.Constant("message")
    intent = _open_enum([each.value for each in Intent], "What the words asked for.")
    label = fields.String(metadata={"description": "chat"})
    clip = fields.Integer(metadata={"description": "chat"})
    revision = fields.Integer(metadata={"description": "chat: the one on its way; state: latest."})
    cut = fields.String(metadata={"description": "chat: the id of the new cut."})
    status = fields.String(metadata={"description": "state"})
    timeline = fields.String(allow_none=True, metadata={"description": "state"})
    credits = fields.Nested(BalancePartsReply)
    video = fields.Nested(LatestVideoReply)


class EventReply(Schema):
    """Something that happened to a job; `sequence` counts from 1 within it."""

    sequence = fields.Integer(required=True)
    id = fields.String(required=True)
    type = fields.String(required=True)
    timestamp = _time(required=True)
    data = fields.Dict(required=True)


class EventsReply(Schema):
    """Events in order; ask again with `after` set to `last_sequence`."""

    data = fields.List(fields.Nested(EventReply), required=True)
    last_sequence = fields.Integer(required=True)
