"""Cells of a CSV file, read as JSON has them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any

# A single 0 behind the point is a table program's; three would be thousands.
_WHOLE = re.compile(r"([+-]?[0-9]{1,30})(?:\.0)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?", re.ASCII)
_FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


class Unreadable(Exception):
    """A cell, or a row, is not what it must be; its text says what would be right."""


class Cell(Enum):
    """What stands in the cells of a column, in the words of a complaint."""

    TEXT = "a text"
    WHOLE = "a whole number"
    NUMBER = "a number"
    FLAG = "true or false"
    MOMENT = "a time with its zone, such as 2026-01-31T12:00:00Z"


def read_cell(kind: Cell, cell: str, *, comma: bool) -> Any:
    """The value of a cell; `comma`: numbers may have one in place of the point.

    Raises:
        Unreadable: it has not the form.
    """
    if any("\ud800" <= each <= "\udfff" for each in cell):
        raise Unreadable("is no UTF-8 text: save the file as CSV UTF-8")
    if kind is Cell.TEXT:
        return cell  # blanks too: ids are as they are
    value = _READERS[kind](cell.strip().replace(",", ".") if comma else cell.strip())
    if value is None:
        raise Unreadable(f"must be {kind.value}, not {quote(cell)}")
    return value


def quote(text: str) -> str:
    """A cell as messages show it: short, and without what moves a terminal's cursor."""
    shown = "".join(each if each.isprintable() else "?" for each in text[:40])
    return f"'{shown}{'...' if len(text) > 40 else ''}'"


def _read_whole(text: str) -> int | None:
    found = _WHOLE.fullmatch(text)
    return int(found[1]) if found else None


def _read_number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


def _read_flag(text: str) -> bool | None:
    return _FLAGS.get(text.lower())


def _read_moment(text: str) -> str | None:
    try:
        return text if datetime.fromisoformat(text).tzinfo else None
    except ValueError:
        return None


_READERS: Mapping[Cell, Callable[[str], Any]] = {
    Cell.WHOLE: _read_whole,
    Cell.NUMBER: _read_number,
    Cell.FLAG: _read_flag,
    Cell.MOMENT: _read_moment,
}
