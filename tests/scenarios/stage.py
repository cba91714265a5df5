"""What the scenarios of a process share: a sandbox, a store, a clock; and what is seen of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import redis

from sandbox.config import SandboxConfig
from sandbox.server import RunningSandbox, start_sandbox
from sandbox.switches import Switches
from service.clock import FakeClock

BASE = Switches(
    clock="leap", render="copy", edit_s=12.0, heartbeat_every_s=10.0, silent_rate=0.0,
    early_refresh="new",
)  # fmt: skip


class SharedClock(FakeClock):
    """The sandbox's clock as the engine reads it: there is one time for both.

    The sandbox leaps ahead in threads of its own; the engine sees that at every event and call.
    """

    def __init__(self, running: RunningSandbox) -> None:
        super().__init__(running.world.clock.now_ms())
        self._sandbox = running

    def follow(self) -> None:
        """Take the sandbox's time over."""
        self._now_ms = self._sandbox.world.clock.now_ms()

    def advance(self, seconds: float) -> None:
        self._sandbox.world.clock.advance(max(0.0, seconds))
        self.follow()


@dataclass
class Stage:
    """What all scenarios of a process share."""

    sandbox: RunningSandbox
    client: redis.Redis
    redis_url: str
    files: Path
    clip: Path
    clock: SharedClock


@contextmanager
def open_stage(client: redis.Redis, redis_url: str, folder: Path, clip: Path) -> Iterator[Stage]:
    """A sandbox and a clock for any number of scenarios, one after the other."""
    running = start_sandbox(SandboxConfig(folder / "sbx", switches=BASE))
    clock = SharedClock(running)
    try:
        with patch("service.wiring.AnchoredClock", lambda *_: clock):
            yield Stage(running, client, redis_url, folder / "files", clip, clock)
    finally:
        running.stop()


@dataclass
class Seen:
    """What came of a cut."""

    state: str
    code: str
    charged: str
    sends: int
    renders: int
    #: Whether the draft that was rendered last holds more sound than the clip's.
    staged: bool
    #: For the reader of a failure only.
    why: str = ""


@dataclass
class Observed:
    """What came of a job, and the books of both sides."""

    status: str
    cuts: dict[str, Seen]
    charged: int
    paused: bool
    confounded: bool
    books: dict[str, Any]
    due: list[str]
