"""Faults of styles beside those of form, so that one answer names both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError

from api.fields import StrictSchema
from api.state import services
from service.captions.safe_area import areas_of
from service.captions.style import build_style
from service.errors import InvalidRequest


class StyledSchema(StrictSchema):
    """A request with `variants`; where something in it is wrong, its styles are looked at too."""

    def handle_error(self, error: ValidationError, data: Any, **kwargs: Any) -> None:
        """Add what `service` would refuse of the styles, once the rest is mended."""
        super().handle_error(error, data, **kwargs)
        if isinstance(error.messages, dict) and isinstance(data, Mapping):
            _add_styles(error.messages, data.get("variants"))


def _add_styles(messages: dict[Any, Any], variants: Any) -> None:
    found = messages.get("variants", {})
    if not isinstance(variants, list) or not isinstance(found, dict):
        return  # the list itself is wrong, or too long
    for index, variant in enumerate(variants):
        style = variant.get("style") if isinstance(variant, Mapping) else None
        own = found.get(index, {})
        if not isinstance(style, Mapping) or "style" in own:
            continue  # a style whose form is wrong cannot be looked at further
        try:
            build_style(style, areas=areas_of(services().platforms))
        except InvalidRequest as refused:
            told: dict[str, Any] = {}
            for each in refused.errors:
                _put(told, each.pointer.split("/")[2:], each.detail)
            messages.setdefault("variants", {}).setdefault(index, {})["style"] = told


def _put(told: dict[str, Any], path: list[str], detail: str) -> None:
    """Tell a fault at its place, as deep as it is."""
    for part in path[:-1]:
        told = told.setdefault(part, {})
    told.setdefault(path[-1], []).append(detail)
