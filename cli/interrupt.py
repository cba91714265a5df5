"""Ctrl-C, SIGTERM and a closed terminal, as a flag that the waits look at.

An exception raised by a handler could strike between the start of a child and our knowing of it.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from types import FrameType

_LOOK_EVERY_S = 0.1
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def heed_signals(handler: Callable[[int, FrameType | None], None]) -> None:
    """Hand Ctrl-C, SIGTERM and a closed terminal to `handler`, however the process was started.

    A script that starts it with & hands SIGINT down ignored, and some parents hand it down blocked.
    A closed terminal that is ignored stays so: `nohup` means that.
    """
    for number in _ENDING:
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)


def heed_children() -> None:
    """Learn how children end: a process that was started with SIGCHLD ignored reads 0 of each."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


class Interrupted(Exception):
    """The user asked to stop."""


class Interrupt:
    """Counts how often the user asked to stop; `on_again` is called from the second time on."""

    def __init__(self) -> None:
        self.asked = 0
        self.on_again: Callable[[], None] = lambda: None

    def install(self) -> None:
        heed_signals(self._note)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.asked += 1
        if self.asked > 1:
            self.on_again()

    def check(self) -> None:
        """Raises Interrupted when the user has asked to stop."""
        if self.asked:
            raise Interrupted

    def wait(self, seconds: float) -> None:
        """Wait, unless the user asks to stop: then it raises Interrupted."""
        limit_s = time.monotonic() + seconds
        while True:
            self.check()
            left_s = limit_s - time.monotonic()
            if left_s <= 0:
                return
            time.sleep(min(_LOOK_EVERY_S, left_s))
