"""Fields that marshmallow has not, or has otherwise."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from difflib import get_close_matches
from typing import Any

import marshmallow as ma
from marshmallow import ValidationError, fields
from marshmallow.validate import Length, Regexp

MAX_URL = 2048
MAX_METADATA = 20
MAX_METADATA_NAME = 40
MAX_METADATA_VALUE = 500
#: Names in an object of a request, at most: there is none with so many fields.
MOST_NAMES = 100

_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE
)


class UrlField(fields.String):
    """An address; whether it may be called is the guard's to say. OpenAPI format `uri`."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"format": "uri", **kwargs.pop("metadata", {})}
        checks = [
            Length(1, MAX_URL),
            Regexp(r"^https?://[^\s]+$", error="Must be an https address."),
        ]
        super().__init__(validate=checks, metadata=metadata, **kwargs)


class MetadataField(fields.Dict):
    """Words of the caller's own: at most 20 names of 40 characters, values of 500."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {
            "additionalProperties": {"type": "string", "maxLength": MAX_METADATA_VALUE},
            "maxProperties": MAX_METADATA,
            "propertyNames": {"minLength": 1, "maxLength": MAX_METADATA_NAME},
            **kwargs.pop("metadata", {}),
        }
        super().__init__(metadata=metadata, **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> dict[Any, Any]:
        found: dict[Any, Any] = super()._deserialize(value, attr, data, **kwargs)  # type: ignore[no-untyped-call]
        if len(found) > MAX_METADATA:
            raise ValidationError(f"Must have at most {MAX_METADATA} entries.")
        wrong = {name: [text] for name, each in found.items() if (text := _fault(name, each))}
        if wrong:
            raise ValidationError(wrong)
        return found


class InstantField(fields.String):
    """A time by RFC 3339, read as milliseconds since the epoch (before it: 0)."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"format": "date-time", **kwargs.pop("metadata", {})}
        super().__init__(metadata=metadata, **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        wrong = ValidationError(
            "Must be a time such as 2026-11-23T19:15:05Z; a + in it is written %2B."
        )
        if _INSTANT.fullmatch(text) is None:
            raise wrong
        try:
            return max(0, int(datetime.fromisoformat(text.upper()).timestamp() * 1000))
        except (ValueError, OverflowError):
            raise wrong from None


class ListField(fields.List[Any]):
    """A list that is refused by its length alone: what is in one too long is not looked at.

    A body holds hundreds of thousands of objects, and each takes longer to read than to send.
    """

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> list[Any]:
        if isinstance(value, list):  # what is none is told by the parent
            for each in self.validators:
                if isinstance(each, Length):
                    each(value)
        return super()._deserialize(value, attr, data, **kwargs)


class LiteralNumber(fields.Float):
    """A number written as one, not as text."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> float:
        found: float = super()._deserialize(value, attr, data, **kwargs)
        if not isinstance(value, int | float):
            raise ValidationError("Must be a number.")
        return found


class LiteralInteger(fields.Integer):
    """A whole number written as one, not as text; 5.0 is 5, as JSON Schema has it."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> int:
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if not whole or isinstance(value, bool):
            raise ValidationError("Must be a whole number.")
        found: int = super()._deserialize(value, attr, data, **kwargs)
        return found


class LiteralBoolean(fields.Boolean):
    """`true` or `false`, not a word that means it."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> bool:
        found = super()._deserialize(value, attr, data, **kwargs)
        if not isinstance(value, bool):
            raise ValidationError("Must be true or false.")
        return bool(found)


class StrictSchema(ma.Schema):
    """A schema that refuses what it does not know (marshmallow's default, stated), in plain words.

    `example` in its Meta is JSON that stands for one such object in a message.
    """

    class Meta:  # noqa: D106  marshmallow's form
        unknown = ma.RAISE

    def load(self, data: Any, **options: Any) -> Any:
        """What was sent, checked; with far more names than there are fields nothing is looked at.

        Raises:
            ValidationError: it is not what is described.
        """
        if isinstance(data, Mapping) and len(data) > MOST_NAMES:
            raise ValidationError({"_schema": [f"Must have at most {MOST_NAMES} fields."]})
        return super().load(data, **options)

    def handle_error(self, error: ValidationError, data: Any, **_: Any) -> None:  # noqa: ARG002
        """Say what is expected; an unknown name is told which known one is near."""
        if not isinstance(error.messages, dict):
            return
        if error.messages.get("_schema") == [_NO_OBJECT]:
            example = getattr(self.Meta, "example", "")
            error.messages["_schema"] = [
                f"Must be an object such as {example}." if example else "Must be an object."
            ]
        known = [field.data_key or name for name, field in self.load_fields.items()]
        for name, texts in error.messages.items():
            near = get_close_matches(str(name)[:MOST_NAMES], known, 1)
            if texts == [_UNKNOWN] and near:
                error.messages[name] = [f"Unknown field; did you mean `{near[0]}`?"]


class PlainSchema(StrictSchema):
    """Described for the document, and taken as it comes: `service` reads it and names each fault.

    For requests whose parts are judged one by one, or that other doors than this one take too.
    """

    def load(self, data: Any, **_: Any) -> Any:
        """What was sent."""
        return data


_NO_OBJECT = ma.Schema().error_messages["type"]
_UNKNOWN = ma.Schema().error_messages["unknown"]


def _fault(name: Any, value: Any) -> str:
    if not 1 <= len(str(name)) <= MAX_METADATA_NAME:
        return f"The name must have 1 to {MAX_METADATA_NAME} characters."
    if not isinstance(value, str):
        return "Must be a string."
    if len(value) > MAX_METADATA_VALUE:
        return f"Must have at most {MAX_METADATA_VALUE} characters."
    return ""
