"""What is asked and answered about assignments."""

from __future__ import annotations

from marshmallow import Schema, fields
from marshmallow.validate import Length, Range

from api.fields import ListField, StrictSchema

#: Units in one request, at most.
MOST_UNITS = 1000
#: Characters of a unit's id, at most: as many as an outcome's may have.
UNIT_CHARS = 200
_KEY = "A publishable key, where there is no `Authorization`."


class AssignmentQuery(StrictSchema):
    """Whose assignment is asked for."""

    unit_id = fields.String(
        required=True,
        validate=Length(1, UNIT_CHARS),
        metadata={"description": "Your id of the viewer; the same each time they come."},
    )
    key = fields.String(metadata={"description": _KEY})


class PlayQuery(AssignmentQuery):
    """Whose video of which clip is asked for."""

    clip = fields.Integer(load_default=0, validate=Range(0), metadata={"example": 0})


class AssignmentsRequest(StrictSchema):
    """Whose assignments are asked for."""

    unit_ids = ListField(
        fields.String(validate=Length(1, UNIT_CHARS)),
        required=True,
        validate=Length(1, MOST_UNITS),
    )


class AssignmentReply(Schema):
    """Which variant a viewer sees."""

    object = fields.Constant("assignment")
    job_id = fields.String(required=True)
    unit_id = fields.String(required=True)
    variant = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Null for a viewer who takes no part: show what you always do."},
    )
    in_experiment = fields.Boolean(required=True)
    override = fields.Boolean(
        required=True,
        metadata={"description": "Fixed by the plan, for testing; outcomes are never counted."},
    )
    hash = fields.Float(
        required=True,
        metadata={"description": "Where GrowthBook's hash puts the viewer, from 0 to below 1."},
    )
    video = fields.String(
        required=True,
        allow_none=True,
        metadata={"format": "uri", "description": "Leads to the video of the first clip."},
    )
    video_lives_s = fields.Integer(
        metadata={
            "description": "For a publishable key: how long the address that `video` leads to "
            "works at least, in seconds."
        }
    )
    token = fields.String(
        allow_none=True,
        metadata={
            "description": "For a publishable key: what outcomes of this viewer must carry. Null "
            "where none of theirs is counted."
        },
    )
    metrics = fields.Dict(
        metadata={
            "description": "For a publishable key: the `kind` and `most` of each metric by name.",
            "additionalProperties": {"type": "object"},
        }
    )


class AssignmentsReply(Schema):
    """The assignments asked for, in the same order."""

    data = fields.List(fields.Nested(AssignmentReply), required=True)
