"""The heartbeat of a worker process: a small file that says what it last did, for probes to read.

A worker can live and take nothing: its loop may stand, its consumer may have lost the broker. So
the file tells of executed work, not of a process that answers. Times are monotonic seconds, which
all processes of a machine share, its containers too.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from service.errors import StoreError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Beat:
    """What a worker last did, in monotonic seconds.

    `looped_s`: its ticker came round. `ticked_s`: a tick reached Redis; `trouble` says why the last
    did not. `idle_since_s`: since when messages wait, places are free and none is taken; 0 when
    that is not so. `drains_until_s`: it takes nothing more and has until then; 0 before SIGTERM.
    """

    looped_s: float
    ticked_s: float
    trouble: str = ""
    idle_since_s: float = 0.0
    drains_until_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Sight:
    """What a ticker sees in one round: messages waiting, free places, tasks taken so far."""

    waiting: int
    free: int
    taken: int


def beat_again(
    last: Beat, now_s: float, *, trouble: str, before: Sight | None, seen: Sight | None
) -> Beat:
    """The beat after one more round; no `seen` means that Redis could not be asked."""
    if seen is None:
        return replace(last, looped_s=now_s, trouble=trouble, idle_since_s=0.0)
    idle = (
        before is not None
        and min(before.waiting, seen.waiting) > 0
        and min(before.free, seen.free) > 0
        and seen.taken == before.taken
    )
    since_s = (last.idle_since_s or now_s) if idle else 0.0
    return replace(last, looped_s=now_s, ticked_s=now_s, trouble="", idle_since_s=since_s)


class Heartbeat:
    """Keeps the file of one process, and writes it every `every_s` at most.

    `look` asks Redis and the pool; without a path all is idle.
    """

    def __init__(
        self,
        path: str,
        *,
        every_s: float,
        look: Callable[[], Sight],
        monotonic_s: Callable[[], float],
    ) -> None:
        self._path = Path(path) if path else None
        self._every_s = every_s
        self._look = look
        self._monotonic_s = monotonic_s
        self._before: Sight | None = None
        self._beat = Beat(looped_s=monotonic_s(), ticked_s=monotonic_s())
        self._keep(self._beat)

    def round(self, trouble: str) -> None:
        """Tell that the ticker came round; `trouble` is the code of why its tick failed."""
        now_s = self._monotonic_s()
        if self._path is None or now_s - self._beat.looped_s < self._every_s:
            return
        seen = None
        if not trouble:
            try:
                seen = self._look()
            except StoreError as error:
                trouble = error.code
        before, self._before = self._before, seen
        self._keep(beat_again(self._beat, now_s, trouble=trouble, before=before, seen=seen))

    def drain(self, limit_s: float) -> None:
        """Tell that the process takes nothing more and ends within `limit_s`."""
        now_s = self._monotonic_s()
        self._keep(replace(self._beat, looped_s=now_s, drains_until_s=now_s + limit_s))

    def _keep(self, beat: Beat) -> None:
        self._beat = beat
        if self._path is None:
            return
        partial = self._path.with_name(self._path.name + ".new")
        try:
            partial.write_text(json.dumps(asdict(beat)), encoding="ascii")
            partial.replace(self._path)
        except OSError as error:
            _log.warning("beat_not_written", extra={"why": error.strerror})


def read_beat(text: str) -> Beat:
    """The beat that a file holds.

    Raises:
        ValueError: it holds none.
    """
    try:
        return Beat(**json.loads(text))
    except TypeError as error:
        raise ValueError("not a beat") from error
