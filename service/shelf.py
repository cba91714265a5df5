"""What a process remembers of the store for some seconds, so that most requests ask nobody."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from service.clock import Clock
from service.errors import StoreUnavailable

T = TypeVar("T")
#: How long it is remembered that there is nothing of a name.
NOTHING_S = 2.0


class Shelf(Generic[T]):
    """Things by name, each read again when it has lain there for as long as `lasts_s` says of it.

    While Redis is away a thing that was there is still given, for `outage_s`. At most `most` are
    kept: the one asked for longest ago goes first.
    """

    def __init__(
        self,
        read: Callable[[str], T | None],
        clock: Clock,
        *,
        lasts_s: Callable[[T | None], float],
        outage_s: float,
        most: int,
    ) -> None:
        self._read = read
        self._clock = clock
        self._lasts_s = lasts_s
        self._outage_s = outage_s
        self._most = most
        self._kept: OrderedDict[str, tuple[float, T | None]] = OrderedDict()

    def find(self, name: str) -> T | None:
        """The thing with this name, read lately; none where there is none.

        Raises:
            StoreUnavailable: Redis does not answer, and it was not seen here within `outage_s`.
        """
        now_s = self._clock.monotonic_s()
        until_s, known = self._kept.get(name, (0.0, None))
        if name in self._kept and now_s < until_s:
            self._kept.move_to_end(name)
            return known
        try:
            found = self._read(name)
        except StoreUnavailable:
            if known is None or now_s >= until_s + self._outage_s:
                raise
            return known
        self._kept[name] = (now_s + self._lasts_s(found), found)
        self._kept.move_to_end(name)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return found

    def recall(self, name: str) -> T | None:
        """What is remembered of a name, as old as it may be in an outage; nobody is asked."""
        until_s, known = self._kept.get(name, (0.0, None))
        fresh = self._clock.monotonic_s() < until_s + self._outage_s
        return known if fresh else None

    def forget(self, name: str) -> None:
        """Ask the store the next time."""
        self._kept.pop(name, None)
