"""Styles as a request names them, and as `GET /v1/styles` lists them."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from api.fields import LiteralBoolean, LiteralInteger, LiteralNumber, StrictSchema
from service.captions.parameters import BY_NAME
from service.captions.safe_area import MOST_FREE, PLATFORMS
from service.captions.style import PRESETS

_EDGE = {"minimum": 0, "maximum": MOST_FREE}


def _described(name: str) -> dict[str, Any]:
    """What the document says of a style's parameter."""
    found = BY_NAME[name]
    told: dict[str, Any] = {"description": found.text}
    if found.unit:
        told["description"] += f" In {found.unit}."
    if found.choices:
        told["enum"] = list(found.choices)
    if found.low is not None and found.type != "object":
        told |= {"minimum": found.low, "maximum": found.high}
    if found.type == "color":
        told["example"] = "#FFD700"
    return told


class SafeAreaRequest(StrictSchema):
    """What captions leave free: a platform's name, edges in percent of the frame, or both."""

    class Meta(StrictSchema.Meta):  # noqa: D106  marshmallow's form
        example = '{"platform": "tiktok"}'

    platform = fields.String(metadata={"enum": list(PLATFORMS)})
    top = LiteralNumber(metadata=_EDGE)
    bottom = LiteralNumber(metadata=_EDGE)
    left = LiteralNumber(metadata=_EDGE)
    right = LiteralNumber(metadata=_EDGE)


class StyleRequest(StrictSchema):
    """A preset and what differs from it; what each may be is in `GET /v1/styles`."""

    class Meta(StrictSchema.Meta):  # noqa: D106  marshmallow's form
        example = '{"preset": "outline"}'

    preset = fields.String(metadata={"enum": list(PRESETS)})
    font = fields.String(metadata=_described("font"))
    size = LiteralNumber(metadata=_described("size"))
    weight = LiteralInteger(metadata=_described("weight"))
    color = fields.String(metadata=_described("color"))
    outline_color = fields.String(metadata=_described("outline_color"))
    outline_width = LiteralNumber(metadata=_described("outline_width"))
    box = LiteralBoolean(metadata=_described("box"))
    box_color = fields.String(metadata=_described("box_color"))
    box_opacity = LiteralNumber(metadata=_described("box_opacity"))
    position = fields.String(metadata=_described("position"))
    alignment = fields.String(metadata=_described("alignment"))
    case = fields.String(metadata=_described("case"))
    words_per_line = LiteralInteger(metadata=_described("words_per_line"))
    highlight_color = fields.String(metadata=_described("highlight_color"))
    animation = fields.String(metadata=_described("animation"))
    safe_area = fields.Nested(SafeAreaRequest, metadata=_described("safe_area"))
