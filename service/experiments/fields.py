"""Reads a JSON object field by field and collects what is wrong with it. Pure.

A fault does not stop the reading: the caller learns all of them at once, each with its pointer. A
faulty field reads as a stand-in, so nothing that was read is to be used while there are faults.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from enum import StrEnum
from itertools import islice
from typing import Any, TypeVar

from service.errors import FieldError

AnyEnum = TypeVar("AnyEnum", bound=StrEnum)
_HALF = re.compile("[\ud800-\udfff]")
_KEY_LENGTH = 200
#: Unknown fields that are noted, at most: a body may have 100,000.
_STRANGERS = 100


class Fields:
    """One object of a document, at a JSON pointer such as `#/variants/0`."""

    __slots__ = ("_faults", "_object", "_pointer", "_seen")

    def __init__(self, document: Any, pointer: str, faults: list[FieldError]) -> None:
        self._pointer, self._faults = pointer, faults
        self._seen: set[str] = set()
        self._object: Mapping[str, Any] = document if isinstance(document, Mapping) else {}
        if not isinstance(document, Mapping):
            faults.append(FieldError(pointer, "It must be an object."))
            self._faults = []  # one fault is enough: all its fields are missing

    def fault(self, name: str, detail: str) -> None:
        """Notes a fault of a field."""
        self._faults.append(FieldError(self.at(name), detail))

    def text(self, name: str, *, most: int, usual: str | None = None) -> str:
        """A text of 1 to `most` characters; empty only where that is its default."""
        value = self._take(name, usual)
        if _is_text(value) and len(value) <= most and (value or usual == ""):
            return str(value)
        self.fault(name, f"It must be a text of 1 to {most} characters.")
        return ""

    def number(self, name: str, low: float, high: float, usual: float | None = None) -> float:
        """A finite number within bounds."""
        value = self._take(name, usual)
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return float(value)
        self.fault(name, f"It must be a number from {low:.10g} to {high:.10g}.")
        return math.nan

    def whole(self, name: str, low: int, high: int, usual: int | None = None) -> int:
        """A whole number within bounds."""
        value = self._take(name, usual)
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self.fault(name, f"It must be a whole number from {low} to {high}.")
        return low

    def whole_or_none(self, name: str, low: int, high: int) -> int | None:
        """A whole number within bounds, or nothing."""
        if self._object.get(name) is None:
            self._seen.add(name)
            return None
        return self.whole(name, low, high)

    def number_or_none(self, name: str, low: float, high: float) -> float | None:
        """A finite number within bounds, or nothing."""
        if self._object.get(name) is None:
            self._seen.add(name)
            return None
        return self.number(name, low, high)

    def flag(self, name: str, *, usual: bool) -> bool:
        """True or false."""
        value = self._take(name, usual)
        if isinstance(value, bool):
            return value
        self.fault(name, "It must be true or false.")
        return usual

    def choice(self, name: str, kind: type[AnyEnum], usual: AnyEnum | None = None) -> AnyEnum:
        """A member of an enumeration."""
        value = self._take(name, usual)
        if isinstance(value, str) and value in set(kind):
            return kind(value)
        self.fault(name, f"It must be one of {', '.join(kind)}.")
        return next(iter(kind))

    def plain(self, name: str) -> Any:
        """Whatever is there."""
        return self._take(name, None)

    def object(self, name: str) -> Fields:
        """An object within this one."""
        return Fields(self._take(name, {}), self.at(name), self._faults)

    def objects(self, name: str, bounds: tuple[int, int]) -> list[Fields]:
        """A list of objects; it may be left out where it may be empty."""
        value = self._take(name, [] if bounds[0] == 0 else None)
        if isinstance(value, list) and bounds[0] <= len(value) <= bounds[1]:
            at = self.at(name)
            return [Fields(each, f"{at}/{n}", self._faults) for n, each in enumerate(value)]
        self.fault(name, f"It must be a list of {bounds[0]} to {bounds[1]} objects.")
        return []

    def texts(self, name: str, most: int) -> dict[str, str]:
        """An object whose values are texts, with at most so many names."""
        value = self._take(name, {})
        if isinstance(value, Mapping) and len(value) <= most:
            pairs = list(value.items())
            if all(_is_key(key) and _is_text(each) for key, each in pairs):
                return dict(pairs)
        self.fault(name, f"It must be an object of at most {most} texts.")
        return {}

    def refuse_others(self) -> None:
        """Notes each field that was not asked for, while they are not too many to be told."""
        strange = (name for name in self._object if name not in self._seen)
        for name in islice(strange, _STRANGERS):
            self.fault(name, "There is no such field.")

    def names(self) -> list[str]:
        """All names that are there."""
        return list(self._object)

    def kept_names(self) -> list[str]:
        """The same where they are kept: each is a text of 1 to 200 characters."""
        found = [each for each in self._object if _is_key(each)]
        if len(found) < len(self._object):
            detail = f"Its names must be texts of 1 to {_KEY_LENGTH} characters."
            self._faults.append(FieldError(self._pointer, detail))
        return found

    def _take(self, name: str, usual: Any) -> Any:
        self._seen.add(name)
        return self._object.get(name, usual)

    def at(self, name: str) -> str:
        """The pointer of a field."""
        # RFC 6901, section 3
        return f"{self._pointer}/{str(name).replace('~', '~0').replace('/', '~1')}"


def _is_text(value: Any) -> bool:
    # half of a surrogate pair, which JSON may carry, has no UTF-8
    return isinstance(value, str) and _HALF.search(value) is None


def _is_key(value: Any) -> bool:
    return _is_text(value) and 0 < len(value) <= _KEY_LENGTH
