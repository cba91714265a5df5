"""What the API tells of a comparison: schemas of replies."""

from __future__ import annotations

from marshmallow import Schema, fields


class DifferenceReply(Schema):
    """One thing in which variants differ, or that all have and their clip has not."""

    kind = fields.String(
        required=True,
        metadata={
            "description": "block, colour, duration, frame_rate, frames, geometry, offset, "
            "resolution, sound, sound_level or sound_shift; more may come."
        },
    )
    variants = fields.List(fields.String(), required=True)
    detail = fields.String(required=True)
    amount = fields.Float(required=True, allow_none=True)
    unit = fields.String(required=True, allow_none=True)
    at_s = fields.Float(required=True, allow_none=True)
    box = fields.List(fields.Float(), required=True, allow_none=True)


class ControlReply(Schema):
    """What was measured of a clip's variants."""

    differences = fields.List(fields.Nested(DifferenceReply), required=True)
    shared = fields.List(fields.Nested(DifferenceReply), required=True)
    unsure = fields.List(fields.String(), required=True)
    notes = fields.List(fields.String(), required=True)


class VerdictReply(Schema):
    """Which captions are easier to read, in words; `caveats` are what weakens it."""

    kind = fields.String(metadata={"description": "legibility."})
    result = fields.String(metadata={"description": "better, tie, mixed or unknown."})
    better = fields.String(allow_none=True)
    over = fields.String(allow_none=True)
    text = fields.String()
    caveats = fields.List(fields.String())


class FiguresReply(Schema):
    """The figures of one variant; null where they were not measured."""

    contrast = fields.Float(allow_none=True)
    weakest = fields.Float(allow_none=True)
    below_3 = fields.Float(allow_none=True)
    below_4_5 = fields.Float(allow_none=True)
    text_height = fields.Float(allow_none=True)
    cps = fields.Float(allow_none=True)
    line_chars = fields.Integer(allow_none=True)


class ClipComparisonReply(Schema):
    """The variants of one clip. Jobs that ended under an earlier release have less."""

    clip = fields.Integer()
    variants = fields.List(fields.String())
    same_length_and_audio = fields.Boolean(allow_none=True)
    differences = fields.List(fields.String())
    status = fields.String(metadata={"description": "done or unavailable."})
    reason = fields.String(allow_none=True)
    controlled = fields.Boolean(allow_none=True)
    control = fields.Nested(ControlReply)
    verdict = fields.Nested(VerdictReply)
    scores = fields.Dict(keys=fields.String(), values=fields.Float(allow_none=True))
    figures = fields.Dict(keys=fields.String(), values=fields.Nested(FiguresReply))


class ComparisonReply(Schema):
    """Whether only the captions differ, and which are easier to read."""

    status = fields.String(metadata={"description": "done or unavailable."})
    reason = fields.String(allow_none=True)
    clips = fields.List(fields.Nested(ClipComparisonReply))
    controlled = fields.Boolean(allow_none=True)
    verdict = fields.Nested(VerdictReply)
    confounded = fields.List(
        fields.Dict(), metadata={"description": "clip, label and only: what one draft has alone."}
    )
