"""Does to a running system what happens to systems, one thing after another, drawn from a seed.

The seed decides what is done, to whom and in which order; when it meets the work is left to the
machine, so two runs of a seed are alike and not the same.
"""

from __future__ import annotations

import contextlib
import resource
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import redis

from tests.chaos.fleet import API, WORKERS
from tests.chaos.points import POINTS
from tests.chaos.run import Run
from tests.chaos.watch import Deed, Weather

_NAMES = (*WORKERS, API)
#: A file larger than this cannot be written while the store of files is said to be full.
_FULL_BYTES = 1000
_RESTLESS_S = 5.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two deeds, at least and at most."""

    least_s: float
    most_s: float


class Adversary:
    """Disturbs a run from `begin` to `end`."""

    def __init__(self, run: Run, seed: int, pace: Pace) -> None:
        self._run, self._fleet, self._watch = run, run.fleet, run.fleet.watch
        self._dice, self._pace = Random(seed), pace
        self._lease_s = run.fleet.plan.scale.lease_s
        self._watch.dice.seed(seed)
        run.inbox.dice.seed(seed)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._go, name="adversary", daemon=True)
        self.trouble: list[str] = []
        #: What it does, and how often among all.
        self._deeds: dict[Callable[[], None], int] = {
            self._kill_somebody: 5,
            self._arm_a_point: 6,
            self._stop_somebody: 3,
            self._kill_valkey: 2,
            self._pause_valkey: 2,
            self._cut_connections: 3,
            self._bring_weather: 4,
            self._fill_the_disk: 2,
            self._hang_receivers: 2,
        }

    def begin(self) -> None:
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._ended.wait(seconds)

    def end(self) -> None:
        """Stop, and let the system come to itself."""
        self._ended.set()
        self._thread.join(60)
        self._watch.disarm()
        self._watch.weather = Weather()
        self._run.inbox.hanging = self._run.inbox.failing = 0.0
        self._fleet.await_ready()

    def _go(self) -> None:
        deeds, weights = list(self._deeds), list(self._deeds.values())
        while not self._ended.wait(self._dice.uniform(self._pace.least_s, self._pace.most_s)):
            deed = self._dice.choices(deeds, weights)[0]
            try:
                deed()
            except Exception as error:  # noqa: BLE001  told at the end: the run must not hang
                self.trouble.append(f"{deed.__name__}: {error!r}")

    # ---- deeds

    def _kill_somebody(self) -> None:
        self._fleet.kill(self._dice.choice(_NAMES))

    def _arm_a_point(self) -> None:
        """The next work that comes to a named point does not come further."""
        point = self._dice.choice([each for each in POINTS if each.deed is Deed.KILL])
        self._fleet.journal.count("trap armed")
        self._watch.arm(point.trap())

    def _stop_somebody(self) -> None:
        self._watch.disturb()
        name = self._dice.choice(list(WORKERS))
        self._fleet.stop_for(name, self._lease_s * self._dice.uniform(0.5, 2.0))

    def _kill_valkey(self) -> None:
        self._watch.store_away()
        self._fleet.kill("valkey")
        until_s = time.monotonic() + 30
        while time.monotonic() < until_s and not self._store_answers():
            time.sleep(0.1)
        self._watch.store_back()

    def _pause_valkey(self) -> None:
        """For longer than a lease and its grace."""
        self._fleet.stop_for("valkey", self._lease_s * self._dice.uniform(1.2, 2.0))

    def _cut_connections(self) -> None:
        self._watch.disturb()
        with contextlib.suppress(redis.RedisError), self._fleet.store() as store:
            store.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            self._fleet.journal.count("cut store connections")

    def _bring_weather(self) -> None:
        self._watch.disturb()
        self._watch.weather = Weather(drop=0.05, halve=0.05, late=0.1, stream_cut=0.02)
        self._ended.wait(_RESTLESS_S)
        self._watch.weather = Weather()

    def _fill_the_disk(self) -> None:
        self._watch.disturb()
        self._fleet.journal.count("disk full")
        pid = self._fleet.pid("transfer")
        with contextlib.suppress(ProcessLookupError):  # it may be killed meanwhile
            limits = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (_FULL_BYTES, limits[1]))
            self._ended.wait(self._lease_s)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)

    def _hang_receivers(self) -> None:
        self._run.inbox.hanging, self._run.inbox.failing = 0.3, 0.2
        self._ended.wait(_RESTLESS_S)
        self._run.inbox.hanging = self._run.inbox.failing = 0.0

    def _store_answers(self) -> bool:
        try:
            with self._fleet.store() as store:
                return bool(store.ping())
        except redis.RedisError:
            return False
