"""Frozen dataclasses to JSON and back, so that what lies in the store has one form. Pure.

Defaults are left out when writing; unknown names are ignored when reading, so that a row written by
a newer release can still be read by this one.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


def write_document(value: Any) -> str:
    """A frozen dataclass as compact JSON."""
    return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"))


def read_document(kind: type[T], text: str) -> T:
    """A frozen dataclass from JSON.

    Raises:
        ValueError: the text is not JSON of this kind.
    """
    try:
        return typing.cast(T, _build(kind, json.loads(text) if text else {}))
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"not a {kind.__name__}: {error}") from error


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        kept = ((each, getattr(value, each.name)) for each in fields(value))
        return {each.name: _plain(v) for each, v in kept if not _is_default(each, v)}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    return value


def _is_default(each: Any, value: Any) -> bool:
    if each.default is not MISSING:
        return bool(each.default == value)
    return each.default_factory is not MISSING and bool(each.default_factory() == value)


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _build(hint: Any, value: Any) -> Any:
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        if value is None:
            return None
        return _build(next(a for a in typing.get_args(hint) if a is not type(None)), value)
    if origin is tuple:
        return tuple(_build(typing.get_args(hint)[0], each) for each in value)
    if isinstance(hint, type) and is_dataclass(hint):
        hints = _hints(hint)
        return hint(**{n: _build(hints[n], v) for n, v in value.items() if n in hints})
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint(value)
    return value
