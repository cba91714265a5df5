"""Requests that hold much of a process while they last: so many at once, in all and of one key."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from api.problems import TooManyDryRuns, TooManyReports
from service.errors import QuotaExceeded


class DryRuns:
    """Dry runs under way in this process. Each has up to five connections to places elsewhere."""

    def __init__(self, most: int, most_per_key: int) -> None:
        self._most = most
        self._most_per_key = most_per_key
        self._lock = threading.Lock()
        self._under_way: Counter[str] = Counter()

    @contextmanager
    def one_of(self, key: str) -> Iterator[None]:
        """Hold a place while the body runs.

        Raises:
            QuotaExceeded: this key has as many under way as it may.
            TooManyDryRuns: this process has.
        """
        with self._lock:
            if self._under_way[key] >= self._most_per_key:
                raise QuotaExceeded(
                    f"{self._most_per_key} dry runs of this key are under way here, "
                    "which is its limit.",
                    hint="Wait for one to be answered.",
                )
            if self._under_way.total() >= self._most:
                raise TooManyDryRuns
            self._under_way[key] += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way[key] -= 1
                if not self._under_way[key]:
                    del self._under_way[key]


class ReportPlaces:
    """Comparisons that are made into one file at this moment: each may hold 100 MB meanwhile."""

    def __init__(self, most: int = 2, wait_s: float = 5.0) -> None:
        self._places = threading.Semaphore(most)
        self._wait_s = wait_s

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold a place while the body runs; wait a little for one.

        Raises:
            TooManyReports: none has become free.
        """
        if not self._places.acquire(timeout=self._wait_s):
            raise TooManyReports
        try:
            yield
        finally:
            self._places.release()
