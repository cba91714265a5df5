"""The full report of a comparison, as the document describes it. Other releases have less."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from api.comparisons import ControlReply, VerdictReply
from api.fields import StrictSchema


def _number(about: str = "", **options: Any) -> fields.Float:
    return fields.Float(
        allow_none=True, metadata={"description": about} if about else {}, **options
    )


def _by_label(inner: fields.Field[Any]) -> fields.Dict:
    return fields.Dict(keys=fields.String(), values=inner)


class FilmReply(Schema):
    """A video as it is shown; frame `n` is shown from `start_s + n * step_s` on."""

    width = fields.Integer()
    height = fields.Integer()
    fps = fields.String()
    step_s = fields.Float()
    frames = fields.Integer()
    duration_s = fields.Float()
    start_s = fields.Float()
    variable = fields.Boolean()


class PairReply(Schema):
    """Two variants against each other; `difference` in points, above 0 where the first is ahead."""

    variants = fields.List(fields.String())
    result = fields.String(metadata={"description": "better, tie, mixed or unknown."})
    better = fields.String(allow_none=True)
    difference = _number()
    text = fields.String()


class PartReply(Schema):
    """A part of a score: 0..1, null where it is not held against anything."""

    name = fields.String(metadata={"description": "contrast, size, speed, layout or safe."})
    weight = fields.Float()
    value = _number()
    confident = fields.Boolean()
    text = fields.String()


class ScoreReply(Schema):
    """A weighted geometric mean of its parts, 0..100."""

    value = _number()
    confident = fields.Boolean()
    reason = fields.String(
        allow_none=True,
        metadata={"description": "captions_not_visible: most of them cannot be seen."},
    )
    parts = fields.List(fields.Nested(PartReply))


class ContrastReply(Schema):
    """Of letters to what is around them, 1..21; shares of letters below a limit."""

    median = _number()
    weakest = _number("The weakest tenth of the weakest caption.")
    below_4_5 = _number()
    below_3 = _number()


class HeightReply(Schema):
    """A line from ascender to descender."""

    percent = _number("Of the picture's short side.")
    px = _number()


class TimingReply(Schema):
    """How fast captions must be read and how they are set; `latin` tells whether limits apply."""

    cps_median = _number()
    cps_highest = _number()
    lines_most = fields.Integer()
    line_chars_most = fields.Integer()
    duration_shortest_s = _number()
    duration_longest_s = _number()
    gap_shortest_s = _number()
    changes_per_s = fields.Float()
    highlights_per_s = fields.Float()
    latin = fields.Boolean()


class CueCountsReply(Schema):
    """Captions that were looked at; `lost` are the invisible and those without letters in a box."""

    measured = fields.Integer()
    invisible = fields.Integer()
    lost = fields.Integer(metadata={"description": "No letters can be made out."})
    flagged = fields.Integer()


class FitReply(Schema):
    """Where captions run into what a platform covers; `deepest` in percent of the picture."""

    platform = fields.String()
    label = fields.String()
    fits = fields.Boolean()
    right_shape = fields.Boolean()
    edges = fields.List(fields.String())
    deepest = fields.Float()
    cues = fields.List(fields.Integer())
    source = fields.String()
    as_of = fields.String()


class FindingReply(Schema):
    """A standard that some captions do not keep; `checked`: its number was read at its source."""

    standard = fields.String()
    source = fields.String()
    text = fields.String()
    checked = fields.Boolean()
    worst = fields.Float()
    cues = fields.List(fields.Integer())


class MeasuresReply(Schema):
    """All measures of one variant."""

    score = fields.Nested(ScoreReply)
    contrast = fields.Nested(ContrastReply, allow_none=True)
    text_height = fields.Nested(HeightReply)
    covered = _number("Share of the picture that a caption hides, at most.")
    timing = fields.Nested(TimingReply, allow_none=True)
    cues = fields.Nested(CueCountsReply)
    fault = fields.String(allow_none=True, metadata={"description": "Why none was looked at."})
    platforms = fields.List(fields.Nested(FitReply))
    findings = fields.List(fields.Nested(FindingReply))


class CueSightReply(Schema):
    """One caption in one variant; `flags` are doubts, docs/legibility.md has them."""

    visible = fields.Boolean()
    contrast = _number()
    weakest = _number()
    below_4_5 = _number()
    below_3 = _number()
    line_px = fields.Float()
    box = fields.List(fields.Float(), allow_none=True)
    flags = fields.List(fields.String())


class CueReply(Schema):
    """One caption; variants in which it was not looked at are left out."""

    index = fields.Integer()
    start_s = fields.Float()
    end_s = fields.Float()
    text = fields.String()
    variants = _by_label(fields.Nested(CueSightReply))


class CurveReply(Schema):
    """Contrast over time; null where no caption is shown."""

    at_s = fields.List(fields.Float())
    variants = _by_label(fields.List(fields.Float(allow_none=True)))


class MomentReply(Schema):
    """A moment worth a look."""

    name = fields.String(metadata={"description": "weakest or largest_difference."})
    variant = fields.String(allow_none=True)
    variants = fields.List(fields.String())
    at_s = fields.Float()
    frame = fields.Integer(allow_none=True)
    cue = fields.Integer(allow_none=True)
    contrast = _number()


class PictureReply(Schema):
    """A picture or film of the comparison."""

    name = fields.String()
    variant = fields.String(allow_none=True)
    type = fields.String()
    size = fields.Integer()
    sha256 = fields.String()
    width = fields.Integer()
    height = fields.Integer()
    text = fields.String()
    url = fields.String(metadata={"format": "uri"})


class PicturesReply(Schema):
    """What was made to look at."""

    status = fields.String(metadata={"description": "done or unavailable."})
    reason = fields.String(allow_none=True)
    files = fields.List(fields.Nested(PictureReply))


class ClipReportReply(Schema):
    """One clip of the report."""

    clip = fields.Integer()
    status = fields.String(metadata={"description": "done or unavailable."})
    reason = fields.String(allow_none=True)
    controlled = fields.Boolean(allow_none=True)
    control = fields.Nested(ControlReply)
    same_length_and_audio = fields.Boolean(allow_none=True)
    differences = fields.List(fields.String())
    variants = fields.List(fields.String())
    revisions = _by_label(fields.Integer())
    film = _by_label(fields.Nested(FilmReply, allow_none=True))
    verdict = fields.Nested(VerdictReply)
    ranking = fields.List(fields.String())
    pairs = fields.List(fields.Nested(PairReply))
    measures = _by_label(fields.Nested(MeasuresReply))
    cues = fields.List(fields.Nested(CueReply))
    curve = fields.Nested(CurveReply, allow_none=True)
    moments = fields.List(fields.Nested(MomentReply))
    pictures = fields.Nested(PicturesReply)


class ReportReply(Schema):
    """Everything that was measured of a job's videos."""

    object = fields.Constant("comparison")
    version = fields.Integer()
    job = fields.String()
    made_at = fields.String(metadata={"format": "date-time"})
    status = fields.String(metadata={"description": "done or unavailable."})
    reason = fields.String(allow_none=True)
    controlled = fields.Boolean(allow_none=True)
    confounded = fields.List(fields.Dict())
    verdict = fields.Nested(VerdictReply)
    clips = fields.List(fields.Nested(ClipReportReply))


class PictureQuery(StrictSchema):
    """Whether a browser is to save the picture."""

    download = fields.Boolean(load_default=False)
