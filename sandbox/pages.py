"""Counters and lists that never outgrow their bounds. Not safe from threads by themselves."""

from __future__ import annotations

from collections import deque
from typing import Any

#: Names a counter keeps, and rows a list keeps; the oldest go first.
NAMES = 50_000
ROWS = 20_000


class Tally:
    """Counts by name; when there are too many names, the one first seen is let go."""

    def __init__(self, limit: int = NAMES) -> None:
        self._limit = limit
        self._counts: dict[str, int] = {}
        self.let_go = 0

    def add(self, name: str) -> None:
        self._counts[name] = self._counts.get(name, 0) + 1
        if len(self._counts) > self._limit:
            del self._counts[next(iter(self._counts))]
            self.let_go += 1

    def copy(self) -> dict[str, int]:
        return dict(self._counts)


class Rows:
    """A list of rows; when there are too many, the oldest is let go."""

    def __init__(self, limit: int = ROWS) -> None:
        self._rows: deque[Any] = deque(maxlen=limit)
        self.let_go = 0

    def add(self, row: Any) -> None:
        self.let_go += len(self._rows) == self._rows.maxlen
        self._rows.append(row)

    def copy(self) -> list[Any]:
        return list(self._rows)
