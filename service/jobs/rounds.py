"""A round: whoever has looked at an experiment looks at others that have waited longest, too.

A worker is rung for no more rows than it has places, and a row that finds none is put off for
`ring_s`. So looks that have piled up would be taken one a second by two places, in no fair order,
though one takes 40 ms: with 300 experiments the pile would never end.
"""

from __future__ import annotations

from collections.abc import Iterator

from service.errors import StoreUnavailable
from service.jobs.context import Services
from service.model.lifecycle import Queue, RowKind
from service.model.rows import row_kind
from service.store.due import read_overdue

#: How long a round lasts, about, and how many it may look at: jobs wait for the place meanwhile.
_ROUND_S = 1.0
_MOST = 100


def take_round(row: str, services: Services) -> Iterator[str]:
    """Rows to work on after this one: where it is an experiment's, others of that kind in turn."""
    if row_kind(row) is not RowKind.EXPERIMENT:
        return
    until_s = services.clock.monotonic_s() + _ROUND_S
    try:
        overdue = read_overdue(services.connection, Queue.MEDIA, _MOST)
    except StoreUnavailable:
        return
    for other in overdue:
        if services.clock.monotonic_s() >= until_s:
            return
        if row_kind(other) is RowKind.EXPERIMENT:
            yield other
