"""What a dry run answers, for the OpenAPI document. Made by `service.jobs.rehearsal`."""

from __future__ import annotations

from marshmallow import Schema, fields

from api.experiment_schemas import SizingReply


class ClipSeenReply(Schema):
    """What a clip is, by its first bytes."""

    index = fields.Integer(required=True)
    format = fields.String(required=True)
    size = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Bytes; null where not said."}
    )


class BalanceSeenReply(Schema):
    """The account when it was last asked, less what unfinished jobs have set aside."""

    total = fields.Integer(required=True)
    reserved = fields.Integer(required=True)
    available = fields.Integer(required=True)


class CreditsEstimateReply(Schema):
    """What the job is expected to cost."""

    per_cut = fields.Integer(required=True)
    cuts = fields.Integer(required=True)
    total = fields.Integer(required=True)
    max_credits = fields.Integer(required=True, allow_none=True)
    balance = fields.Nested(
        BalanceSeenReply,
        required=True,
        allow_none=True,
        metadata={"description": "As it is known here, without asking; null where it is not."},
    )


class TimeEstimateReply(Schema):
    """How long it usually takes once it is begun; null until some have been seen."""

    edit_s = fields.Float(required=True, allow_none=True)
    render_s = fields.Float(required=True, allow_none=True)
    per_cut_s = fields.Float(required=True, allow_none=True)
    total_s = fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "Without fetching clips and waiting for other jobs."},
    )


class DryRunReply(Schema):
    """What would come of a job."""

    object = fields.Constant("dry_run")
    request = fields.Dict(
        required=True,
        metadata={"description": "With every default filled in; sent as it is it makes this job."},
    )
    clips = fields.List(fields.Nested(ClipSeenReply), required=True)
    credits = fields.Nested(CreditsEstimateReply, required=True)
    time = fields.Nested(TimeEstimateReply, required=True)
    sizing = fields.Nested(
        SizingReply,
        required=True,
        allow_none=True,
        metadata={"description": "What the `experiment` needs; null where it says no `assume`."},
    )
    warnings = fields.List(fields.Dict(), required=True)
