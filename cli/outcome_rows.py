"""Outcomes in a CSV file, read row by row as the API takes them. Pure: lines in, items out.

A file has either outcomes of viewers, one a row, or figures of many units (a column `units`), whose
sums are in columns named `metric.sum`: `finished.s`, `watch.sx`. An empty cell is left out.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from cli.cells import Cell, Unreadable, quote, read_cell
from service.experiments.snapshot import canonical

#: What table programs write, depending on where they are used.
_DELIMITERS = ",;\t"
_MOST_COLUMNS = 200
_VIEWERS = {
    "event_id": Cell.TEXT,
    "unit_id": Cell.TEXT,
    "variant": Cell.TEXT,
    "metric": Cell.TEXT,
    "value": Cell.WHOLE,
    "seconds": Cell.NUMBER,
    "count": Cell.WHOLE,
    "occurred_at": Cell.MOMENT,
    "correction": Cell.FLAG,
}
_FIGURES = {
    "batch_id": Cell.TEXT,
    "source": Cell.TEXT,
    "revision": Cell.WHOLE,
    "variant": Cell.TEXT,
    "units": Cell.WHOLE,
    "per": Cell.TEXT,
    "occurred_at": Cell.MOMENT,
    "correction": Cell.FLAG,
}
_SUMS = {
    **dict.fromkeys(("s", "sum", "sum_squares", "sx", "sxx", "sy", "syy", "sxy"), Cell.WHOLE),
    "stddev": Cell.NUMBER,
}


@dataclass(frozen=True, slots=True)
class Row:
    """An item of a request, and the line of the file on which its row begins.

    `derived` says that the row has no `event_id` of its own.
    """

    line: int
    item: Mapping[str, Any]
    derived: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a line."""

    line: int
    detail: str


def read_rows(lines: Iterable[str]) -> Iterator[Row | Fault]:
    """The rows of a file, in their order; where its first row is faulty, that alone.

    Lines come with their ends, as from `open(newline="")`; bytes that are no UTF-8 as surrogates. A
    row without `event_id` gets one, see `derive_ids`.
    """
    yield from derive_ids(_read_items(lines))


def derive_ids(rows: Iterable[Row | Fault]) -> Iterator[Row | Fault]:
    """Give each outcome without `event_id` one: a digest of its cells and a count of equals.

    So the same rows have the same ids, whatever their order and whatever is added to the file; two
    equal rows of one file are two outcomes.
    """
    seen: dict[bytes, int] = {}
    for row in rows:
        if isinstance(row, Fault) or "units" in row.item or "event_id" in row.item:
            yield row
            continue
        digest = hashlib.blake2b(canonical(row.item), digest_size=12).digest()
        count = seen[digest] = seen.get(digest, 0) + 1
        yield Row(row.line, {"event_id": f"row-{digest.hex()}-{count}", **row.item}, derived=True)


def _read_items(lines: Iterable[str]) -> Iterator[Row | Fault]:
    before, head, rest = _begin(iter(lines))
    delimiter = max(_DELIMITERS, key=head.count)
    reader = csv.reader(chain([head], rest), delimiter=delimiter, strict=True)
    columns: Sequence[_Column] = ()
    line = before + 1
    try:
        for cells in reader:
            try:
                if not columns:
                    columns = _read_head(cells)
                elif any(each.strip() for each in cells):
                    yield Row(line, _read_row(cells, columns, comma=delimiter != ","))
            except Unreadable as why:
                yield Fault(line, str(why))
                if not columns:
                    return
            line = before + reader.line_num + 1
    except csv.Error as error:
        yield Fault(line, f"It cannot be read as CSV ({error}). Is a quote not closed?")


def _begin(lines: Iterator[str]) -> tuple[int, str, Iterator[str]]:
    """How many lines stand before the one that names the columns, that one, and the others."""
    for before, line in enumerate(lines):
        text = line.removeprefix("\ufeff")
        # Excel is told its delimiter by a line such as "sep=;"
        if text.strip() and not re.fullmatch(r"sep=.\s*", text):
            return before, text, lines
    return 0, "\n", lines


@dataclass(frozen=True, slots=True)
class _Column:
    """A column: where its values go in an item, and what they are. Without a name it is empty."""

    name: str
    path: tuple[str, ...]
    kind: Cell


def _read_head(cells: Sequence[str]) -> list[_Column]:
    names = [each.strip() for each in cells]
    if not any(names):
        raise Unreadable("The file is empty. Its first line must name the columns.")
    if len(names) > _MOST_COLUMNS:
        raise Unreadable(f"There are {len(names)} columns, more than {_MOST_COLUMNS}.")
    figures = "units" in names
    known = _FIGURES if figures else _VIEWERS
    columns = [_find_column(name, known, figures=figures) for name in names]
    for name in filter(None, names):
        if names.count(name) > 1:
            raise Unreadable(f"The column {quote(name)} is there twice.")
    for name in ("variant",) if figures else ("unit_id", "variant"):
        if name not in names:
            raise Unreadable(f"There is no column {name}. {_list_columns(figures=figures)}")
    return columns


def _find_column(name: str, known: Mapping[str, Cell], *, figures: bool) -> _Column:
    if not name or name in known:
        return _Column(name, (name,), known.get(name, Cell.TEXT))
    metric, _, part = name.rpartition(".")
    if figures and metric and part in _SUMS:
        return _Column(name, ("metrics", metric, part), _SUMS[part])
    meant = difflib.get_close_matches(name, known, 1)
    hint = f" Is {meant[0]} meant?" if meant else ""
    raise Unreadable(f"The column {quote(name)} is unknown.{hint} {_list_columns(figures=figures)}")


def _list_columns(*, figures: bool) -> str:
    if not figures:
        return f"Columns are {', '.join(_VIEWERS)}."
    return f"Columns are {', '.join(_FIGURES)} and METRIC.SUM, a SUM being {', '.join(_SUMS)}."


def _read_row(cells: Sequence[str], columns: Sequence[_Column], *, comma: bool) -> dict[str, Any]:
    item: dict[str, Any] = {}
    for place, cell in enumerate(cells):
        if not cell.strip():
            continue
        if place >= len(columns) or not columns[place].name:
            raise Unreadable(f"The cell {quote(cell)} has no column: is a value not quoted?")
        column, into = columns[place], item
        for each in column.path[:-1]:
            into = into.setdefault(each, {})
        try:
            into[column.path[-1]] = read_cell(column.kind, cell, comma=comma)
        except Unreadable as why:
            raise Unreadable(f"{column.name} {why}.") from None
    _check_row(item, figures=any(each.name == "units" for each in columns))
    return item


def _check_row(item: Mapping[str, Any], *, figures: bool) -> None:
    """What every item of its kind must have, whatever the plan."""
    for name in ("variant", "units") if figures else ("unit_id", "variant"):
        if name not in item:
            raise Unreadable(f"{name} is empty.")
    if figures and "batch_id" not in item and not {"source", "revision"} <= item.keys():
        raise Unreadable("It needs a batch_id, or source and revision.")
