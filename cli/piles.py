"""Rows of a file laid aside on disk by their variants, and taken up again mixed.

A look at an experiment tests the shares of its variants. A file that is sorted by variant and sent
in its order would show such a look viewers of one variant alone.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

from cli.outcome_rows import Row

#: Variants that have a pile of their own; an experiment has fewer. More share the last one.
MOST_PILES = 16
#: Chi-squared of rows against their shares. The service calls shares wrong (p < 0.001) when others
#: make the counts a thousand times likelier; at 9 that is about exp(9 / 2) at most, 90 times.
MOST_APART = 9.0

#: How many rows of each metric a pile has, by its place and `metric_of`.
Counts = Mapping[tuple[int, int], int]


def interleave(piles: Sequence[Iterator[Row]], counts: Counts) -> Iterator[Row]:
    """Rows of piles of so many each, in the order of their lines where shares allow it; pure.

    Shares are kept within each metric, as a file may have those of one after those of another,
    and better variants have more of some. A row that would set what was taken too far apart waits,
    and one of the pile that is most behind comes first. So a mixed file keeps its order, and
    with it which variant of a viewer comes first.
    """
    heads = {place: row for place, pile in enumerate(piles) if (row := next(pile, None))}
    taken, most, totals = Counter[tuple[int, int]](), Counter[int](), Counter[int]()
    spread: defaultdict[int, float] = defaultdict(float)
    for (_, metric), count in counts.items():
        totals[metric] += count

    def growth(place: int) -> float:
        key = place, metric_of(heads[place])
        return (2 * taken[key] + 1) / counts[key]

    while heads:
        place = min(heads, key=lambda each: heads[each].line)
        metric = metric_of(heads[place])
        after = most[metric] + 1
        # chi-squared, as the sum of taken^2 / expected, less what was taken
        if (spread[metric] + growth(place)) * totals[metric] / after - after > MOST_APART:
            place = min(heads, key=growth)
            metric = metric_of(heads[place])
        spread[metric] += growth(place)
        taken[place, metric] += 1
        most[metric] += 1
        row, following = heads.pop(place), next(piles[place], None)
        if following is not None:
            heads[place] = following
        yield row


def metric_of(row: Row) -> int:
    """A number for the row's metric: one of few, whatever stands in the column."""
    return zlib.crc32(str(row.item.get("metric", "")).encode(errors="surrogatepass")) % 4096


class Piles(contextlib.ExitStack):
    """Temporary files, one for each variant in a table; they go with the context."""

    def __init__(self) -> None:
        super().__init__()
        self._places: dict[str, int] = {}
        self._files: list[IO[str]] = []
        self._counts: Counter[tuple[int, int]] = Counter()

    def add(self, row: Row) -> None:
        """Lay a row on the pile of its variant.

        Raises:
            OSError: there is no room.
        """
        place = self._places.get(row.item["variant"])
        if place is None:
            place = self._place_of(row.item["variant"])
        self._files[place].write(json.dumps([row.line, row.derived, row.item]) + "\n")
        self._counts[place, metric_of(row)] += 1

    def flush(self) -> None:
        """See that every row is in its file.

        Raises:
            OSError: there is no room.
        """
        for file in self._files:
            file.flush()

    def take(self) -> Iterator[Row]:
        """All rows, those of the variants mixed by their shares, those of one in their order."""
        for file in self._files:
            file.seek(0)
        return interleave([_read(file) for file in self._files], self._counts)

    def _place_of(self, variant: str) -> int:
        if len(self._files) == MOST_PILES:
            return MOST_PILES - 1  # not noted: as many names may come as there are rows
        file = tempfile.TemporaryFile("w+", encoding="ascii")  # noqa: SIM115 - closed by the stack
        self.callback(_close, file)
        self._files.append(file)
        self._places[variant] = len(self._files) - 1
        return self._places[variant]


def _read(file: IO[str]) -> Iterator[Row]:
    for text in file:
        line, derived, item = json.loads(text)
        yield Row(line, item, derived)


def _close(file: IO[str]) -> None:
    with contextlib.suppress(OSError):  # (a full disk was told when the rows were written)
        file.close()
