"""Does to a running system what happens to systems, one thing after another, drawn from a seed.

The seed decides what is done, to whom and in which order; when it meets the work is left to the
machine, so two runs of a seed are alike and not the same.
"""

from __future__ import annotations

import contextlib
import resource
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

import redis

from tests.chaos.fleet import API, WORKERS
from tests.chaos.points import POINTS, Point
from tests.chaos.run import Run
from tests.chaos.stores import MAIN
from tests.chaos.watch import Deed, Weather

#: What the journal calls it when all connections to the store are cut.
CUTS = "cut store connections"
_NAMES = (*WORKERS, API)
#: A file larger than this cannot be written while the store of files is said to be full.
_FULL_BYTES = 1000
_RESTLESS_S = 5.0
_LOOK_EVERY_S = 0.02


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two deeds, at least and at most."""

    least_s: float
    most_s: float


class Adversary:
    """Disturbs a run from `begin` to `end`; `points` are those at which it sets traps."""

    points: Sequence[Point] = [each for each in POINTS if each.deed is Deed.KILL]

    def __init__(self, run: Run, seed: int, pace: Pace) -> None:
        self._run, self._fleet, self._watch = run, run.fleet, run.fleet.watch
        self._dice, self._pace = Random(seed), pace
        self._lease_s = run.fleet.plan.scale.lease_s
        self._watch.dice.seed(seed)
        run.inbox.dice.seed(seed)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._go, name="adversary", daemon=True)
        self.trouble: list[str] = []
        #: What it does, and how often until all of it has been done.
        self._deeds: dict[Callable[[], None], int] = {
            self._kill_somebody: 5,
            self._kill_and_look_on: 3,
            self._arm_a_point: 6,
            self._stop_somebody: 3,
            self._kill_valkey: 2,
            self._pause_valkey: 2,
            self._cut_connections: 3,
            self._bring_weather: 4,
            self._fill_the_disk: 2,
            self._hang_receivers: 2,
        }
        self._cards: list[Callable[[], None]] = []

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
        while not self._ended.wait(self._dice.uniform(self._pace.least_s, self._pace.most_s)):
            deed = self._choose()
            try:
                deed()
            except Exception as error:  # noqa: BLE001  told at the end: the run must not hang
                self.trouble.append(f"{deed.__name__}: {error!r}")

    def _choose(self) -> Callable[[], None]:
        """What comes next; however short a storm is, it begins with what every storm must have."""
        bound_s = self._fleet.plan.scale.resume_bound_s
        if all(each.kind(bound_s) != "undisturbed" for each in self._run.resumptions()):
            return self._kill_and_look_on
        if not self._fleet.journal.total(CUTS):
            return self._cut_connections
        if not self._cards:
            self._cards = [deed for deed, times in self._deeds.items() for _ in range(times)]
            self._dice.shuffle(self._cards)
        return self._cards.pop()

    # ---- deeds

    def _kill_somebody(self) -> None:
        self._fleet.kill(self._dice.choice(_NAMES))

    def _kill_and_look_on(self) -> None:
        """Kill who works, and do nothing else until its work must have been resumed."""
        name = self._await_holder()
        if name:
            self._fleet.kill(name)
            self._ended.wait(self._fleet.plan.scale.resume_bound_s)

    def _await_holder(self) -> str:
        """A worker who has claimed a row, in the order of the dice; empty when none does."""
        names = self._dice.sample(list(WORKERS), len(WORKERS))
        while not self._ended.wait(_LOOK_EVERY_S):
            if found := next((name for name in names if self._watch.holds(name)), ""):
                return found
        return ""

    def _arm_a_point(self) -> None:
        """The next work that comes to a named point does not come further."""
        point = self._dice.choice(self.points)
        self._fleet.journal.count("trap armed")
        self._watch.arm(point.trap())

    def _stop_somebody(self) -> None:
        name = self._dice.choice(list(WORKERS))
        self._fleet.stop_for(name, self._lease_s * self._dice.uniform(0.5, 2.0))

    def _kill_valkey(self) -> None:
        self._kill_store(MAIN)

    def _kill_store(self, name: str) -> None:
        self._fleet.kill(name)
        until_s = time.monotonic() + 30
        while time.monotonic() < until_s and not self._store_answers(name):
            time.sleep(0.1)

    def _pause_valkey(self) -> None:
        """For longer than a lease and its grace."""
        self._fleet.stop_for(MAIN, self._lease_s * self._dice.uniform(1.2, 2.0))

    def _cut_connections(self) -> None:
        self._cut_those_of(MAIN)

    def _cut_those_of(self, name: str) -> None:
        with (
            contextlib.suppress(redis.RedisError),
            self._lasting(CUTS, *WORKERS),
            self._fleet.store(name) as store,
        ):
            store.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            self._fleet.journal.count(CUTS)

    def _bring_weather(self) -> None:
        with self._lasting("weather"):
            self._watch.weather = Weather(drop=0.05, halve=0.05, late=0.1, stream_cut=0.02)
            self._ended.wait(_RESTLESS_S)
            self._watch.weather = Weather()

    def _fill_the_disk(self) -> None:
        # One that starts could not write down that it serves.
        self._fleet.await_ready("transfer")
        self._fleet.journal.count("disk full")
        pid = self._fleet.pid("transfer")
        # It may be killed meanwhile.
        with contextlib.suppress(ProcessLookupError), self._lasting("disk full"):
            limits = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (_FULL_BYTES, limits[1]))
            self._ended.wait(self._lease_s)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)

    def _hang_receivers(self) -> None:
        self._run.inbox.hanging, self._run.inbox.failing = 0.3, 0.2
        self._ended.wait(_RESTLESS_S)
        self._run.inbox.hanging = self._run.inbox.failing = 0.0

    @contextlib.contextmanager
    def _lasting(self, what: str, *deaf: str) -> Iterator[None]:
        """A fault from beginning to end, and until those whom it made deaf listen again."""
        faults = self._watch.faults
        fault = faults.begin(what, time.monotonic(), deaf=deaf)
        try:
            yield
        finally:
            faults.end(fault, time.monotonic())

    def _store_answers(self, name: str) -> bool:
        try:
            with self._fleet.store(name) as store:
                return bool(store.ping())
        except redis.RedisError:
            return False
