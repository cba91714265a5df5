"""Styles as a request names them, and as `GET /v1/styles` lists them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from marshmallow import Schema, fields

from api.fields import LiteralBoolean, LiteralInteger, LiteralNumber, StrictSchema
from service.captions.parameters import BY_NAME, COLORS, PARAMETERS, Parameter
from service.captions.pictures import picture_name, picture_size
from service.captions.platforms import Platform
from service.captions.safe_area import EDGES, MOST_FREE
from service.captions.style import DEFAULT_PRESET, PRESETS, Preset

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

    platform = fields.String(metadata={"description": "A name of `safe_areas`."})
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


class PresetImageReply(Schema):
    """A preset's captions on a neutral picture; open to everybody."""

    url = fields.String(required=True, metadata={"format": "uri"})
    type = fields.String(required=True)
    width = fields.Integer(required=True)
    height = fields.Integer(required=True)
    alt = fields.String(required=True, metadata={"description": "What is to be seen."})


class PresetReply(Schema):
    """A preset."""

    preset = fields.String(required=True)
    label = fields.String(required=True)
    description = fields.String(required=True)
    description_zh = fields.String(required=True)
    image = fields.Nested(PresetImageReply, required=True)
    style = fields.Dict(required=True, metadata={"description": "All of its parameters."})


class ParameterReply(Schema):
    """One parameter of `style`, as a form would ask for it."""

    name = fields.String(required=True)
    type = fields.String(
        required=True,
        metadata={"enum": ["string", "color", "number", "integer", "boolean", "object"]},
    )
    description = fields.String(required=True)
    unit = fields.String(required=True, allow_none=True)
    min = fields.Float(required=True, allow_none=True)
    max = fields.Float(required=True, allow_none=True)
    choices = fields.List(fields.String(), required=True, allow_none=True)
    default = fields.Raw(
        required=True,
        metadata={"description": "Of the preset `outline`; another preset has its own in `style`."},
    )


class SafeAreaReply(Schema):
    """What a platform covers of the picture, in percent from each edge."""

    platform = fields.String(required=True)
    label = fields.String(required=True)
    top = fields.Float(required=True)
    bottom = fields.Float(required=True)
    left = fields.Float(required=True)
    right = fields.Float(required=True)
    source = fields.String(required=True)
    as_of = fields.String(required=True)


class StylesReply(Schema):
    """All presets, and everything that a form for a style needs."""

    data = fields.List(fields.Nested(PresetReply), required=True)
    parameters = fields.List(fields.Nested(ParameterReply), required=True)
    colors = fields.Dict(
        required=True, metadata={"description": "Names that may stand for a colour."}
    )
    safe_areas = fields.List(fields.Nested(SafeAreaReply), required=True)


def list_styles(public_url: str, platforms: Iterable[Platform]) -> dict[str, Any]:
    """The answer of `GET /v1/styles`."""
    return {
        "data": [_preset(each, public_url) for each in PRESETS.values()],
        "parameters": [_parameter(each) for each in PARAMETERS],
        "colors": dict(COLORS),
        "safe_areas": [
            {
                "platform": each.name,
                "label": each.label,
                **{edge: getattr(each, edge) for edge in EDGES},
                "source": each.source,
                "as_of": each.as_of,
            }
            for each in platforms
        ],
    }


def _preset(preset: Preset, public_url: str) -> dict[str, Any]:
    width, height = picture_size(preset.name)
    return {
        "preset": preset.name,
        "label": preset.label,
        "description": preset.description,
        "description_zh": preset.description_zh,
        "image": {
            "url": f"{public_url}/static/{picture_name(preset.name)}",
            "type": "image/webp",
            "width": width,
            "height": height,
            "alt": f"Captions in the style {preset.label}: {preset.description}",
        },
        "style": asdict(preset.style),
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "type": parameter.type,
        "description": parameter.text,
        "unit": parameter.unit or None,
        "min": parameter.low,
        "max": parameter.high,
        "choices": list(parameter.choices) or None,
        "default": getattr(PRESETS[DEFAULT_PRESET].style, parameter.name),
    }
