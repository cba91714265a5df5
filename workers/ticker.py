"""The ticker: in every worker process, a thread that looks at the due set each second.

Any number may run; each look is one atomic call. A ticker also tells how much room its worker has,
and keeps the clock anchored.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from service.clock import AnchoredClock
from service.errors import CaptionAbError, ClockRefused, StoreUnavailable
from service.jobs.context import Services
from service.metrics import (
    DUE_LATE,
    LOOK_AGE,
    QUEUE_LENGTH,
    QUEUE_ROOM,
    TICK_FAILURES,
    TICKS,
    count,
    put,
)
from service.model.lifecycle import Queue
from service.store.ticks import Rooms, Tick

_log = logging.getLogger(__name__)

#: Troubles that need no trace.
_PASSING = {StoreUnavailable.code, ClockRefused.code}
#: For how many ticks others believe what this worker last said of its room.
_BELIEVED_TICKS = 3


@dataclass(slots=True)
class _Trouble:
    """Why ticks fail at the moment; empty while they succeed. One log line an episode."""

    code: str = ""

    def begin(self, code: str, why: str) -> None:
        if code != self.code:
            _log.warning(
                "tick_stopped", extra={"code": code, "why": why}, exc_info=code not in _PASSING
            )
        self.code = code

    def end(self) -> None:
        if self.code:
            _log.info("tick_again", extra={"after": self.code})
        self.code = ""


def tell(tick: Tick, now_s: float) -> None:
    """What a look has shown, as metrics; `now_s` is monotonic, and becomes an age when scraped."""
    count(TICKS)
    put(LOOK_AGE, now_s)
    for queue, look in tick.queues.items():
        put(DUE_LATE, look.late_ms / 1000, queue=queue)
        put(QUEUE_LENGTH, look.length, queue=queue)
        put(QUEUE_ROOM, look.room, queue=queue)


class Ticker:
    """Rings for due rows, as far as the workers have room."""

    def __init__(
        self,
        services: Services,
        *,
        queue: Queue,
        name: str,
        free: Callable[[], int],
        after: Callable[[str], None] = lambda _trouble: None,
    ) -> None:
        """`after` is told after each look why it failed, if it did."""
        self._services = services
        self._queue = queue
        self._name = name
        self._free = free
        self._after = after
        self._trouble = _Trouble()
        self._stopped = threading.Event()

    def start(self) -> threading.Thread:
        """Tick every `tick_every_s` in a thread of its own, which is returned, until `stop`."""
        thread = threading.Thread(target=self._run, name="ticker", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        self._stopped.set()

    def look(self) -> Tick | None:
        """Look once; none while Redis is away or refuses this process's time."""
        try:
            tick = self._tick()
        except CaptionAbError as error:
            count(TICK_FAILURES, code=error.code)
            self._trouble.begin(error.code, error.detail)
            return None
        except Exception as error:  # noqa: BLE001  the ticker outlives every fault
            count(TICK_FAILURES, code="internal")
            self._trouble.begin(type(error).__name__, "A fault of the ticker's own.")
            return None
        self._trouble.end()
        tell(tick, self._services.clock.monotonic_s())
        return tick

    def _tick(self) -> Tick:
        clock, settings = self._services.clock, self._services.settings
        if isinstance(clock, AnchoredClock):
            clock.anchor_if_due()
        now_ms = clock.now_ms()
        until_ms = now_ms + int(_BELIEVED_TICKS * settings.tick_every_s * 1000)
        rooms = Rooms(self._name, until_ms, {self._queue: max(0, self._free())})
        return self._services.commands.tick(rooms, now_ms=now_ms)

    def _run(self) -> None:
        settings = self._services.settings
        while not self._stopped.is_set():
            tick = self.look()
            self._after(self._trouble.code)
            full = tick is not None and tick.rung + tick.put_off >= settings.tick_batch
            if not full:
                self._stopped.wait(settings.tick_every_s)
        put(LOOK_AGE, 0.0)  # it looks no more: what it saw last is nobody's news
