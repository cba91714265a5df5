"""Hears all proxies: who holds which row, traps at named points, and the weather on the backend."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

from tests.chaos.calls import Ask, Call, is_refusal, rung_row
from tests.chaos.faults import Fault, Faults
from tests.chaos.journal import Journal, Resumed
from tests.chaos.proxy import CUT, HALVE, PASS, Verdict
from tests.chaos.stores import COUNTING, MAIN

#: Calls after which nobody works on their row, save a commit that keeps it.
_ENDING = frozenset({"finish", "fan_out", "record_attempt", "release", "close_experiment"})
_GIVING_UP = _ENDING | {"commit"}
#: By this a worker is heard to listen for work.
_LISTENING = "brpop"


class Wire(StrEnum):
    """Where a trap lies."""

    BEFORE = "before"  # a request to the store, before the store has it
    AFTER = "after"  # its answer, before the process has it
    ASKED = "asked"  # a request to the backend, before the backend has it
    SENDING = "sending"  # its body, when some of it has been passed
    ANSWERED = "answered"  # the beginning of the answer, before the process has it
    HEARING = "hearing"  # the rest of it
    TOLD = "told"  # an event, when the receiver has it, before its answer


class Deed(StrEnum):
    """What a trap does to the process that springs it."""

    KILL = "kill"
    STOP = "stop"
    CUT = "cut"


@dataclass(slots=True)
class Trap:
    """Springs once, on the first message that fits.

    `what` is a store command or the beginning of a backend path; `row` a pattern of the rows it is
    about; `goes` the states from and to which a commit goes; `method` that of a backend request;
    `skips` is how many that fit are let pass before.
    """

    wire: Wire
    what: str
    deed: Deed = Deed.KILL
    row: str = ""
    goes: tuple[str, str] | None = None
    method: str = ""
    victim: str = ""
    stop_s: float = 0.0
    skips: int = 0
    sprung: threading.Event = field(default_factory=threading.Event)
    at_s: float = 0.0


@dataclass(slots=True)
class Weather:
    """Shares of backend answers that are dropped, halved or late; streams apart."""

    drop: float = 0.0
    halve: float = 0.0
    late: float = 0.0
    late_s: float = 1.0
    stream_cut: float = 0.0


@dataclass(frozen=True, slots=True)
class _Orphan:
    """A row whose holder was killed; in doubt where it may have been given up just before."""

    kill: Fault
    in_doubt: bool


class Watch:
    """The ear of all proxies of a fleet; `workers` are those who listen for work."""

    def __init__(
        self,
        journal: Journal,
        kill: Callable[[str], None],
        stop_for: Callable[[str, float], None],
        workers: Collection[str] = (),
    ) -> None:
        self._journal, self._kill, self._stop_for = journal, kill, stop_for
        self._workers = workers
        self._lock = threading.RLock()
        self._held: dict[str, str] = {}
        self._orphans: dict[str, _Orphan] = {}
        self._killed: dict[str, list[Fault]] = {}
        #: Rows that a process has asked to give up, unanswered.
        self._giving_up: dict[str, str] = {}
        self.faults = Faults()
        self.traps: list[Trap] = []
        self.weather = Weather()
        self.dice = Random(0)
        #: Hears every call that the store has granted.
        self.on_call: Callable[[str, Call], None] | None = None

    # ---- who holds what

    def process_died(self, who: str) -> None:
        """A process is about to be killed: its rows are orphans until somebody claims them."""
        kill = self.struck(f"kill {who}", who)
        with self._lock:
            self._killed.setdefault(who, []).append(kill)
            for row in [row for row, holder in self._held.items() if holder == who]:
                del self._held[row]
                self._orphans[row] = _Orphan(kill, self._giving_up.get(row) == who)

    def process_started(self, who: str) -> None:
        """A process runs again: what answers came for the one before it are not its own."""
        with self._lock:
            kills = self._killed.pop(who, [])
        for kill in kills:
            self.faults.end(kill, time.monotonic())

    def struck(self, what: str, who: str = "") -> Fault:
        """Something begins that strikes a process, or all workers as the store's absence does."""
        deaf = self._workers if who in {"", MAIN} else {who} - {COUNTING}
        return self.faults.begin(what, time.monotonic(), deaf=deaf)

    def holds(self, who: str) -> list[str]:
        """Rows that a process has claimed and not given back."""
        with self._lock:
            return [row for row, holder in self._held.items() if holder == who]

    def _note(self, who: str, call: Call) -> None:
        with self._lock:
            if call.name == "claim":
                self._held[call.row] = who
                if orphan := self._orphans.pop(call.row, None):
                    self._journal.worked_on_again(self._resumed(call.row, orphan))
            elif call.name in _ENDING or (call.name == "commit" and not call.change.get("keep")):
                self._held.pop(call.row, None)
                self._orphans.pop(call.row, None)

    def _resumed(self, row: str, orphan: _Orphan) -> Resumed:
        killed_s, now_s = orphan.kill.began_s, time.monotonic()
        disturbed = self.faults.between(killed_s, now_s, but=orphan.kill)
        disturbed += ("perhaps given up",) * orphan.in_doubt
        return Resumed(row, killed_s, now_s - killed_s, orphan.kill.what, disturbed)

    # ---- the store

    def asked_store(self, who: str, call: Call) -> Verdict:
        verdict = self._spring(Wire.BEFORE, who, call.name, call, call.row)
        if call.name in _GIVING_UP and not verdict.cut:
            with self._lock:
                self._giving_up[call.row] = who
        return verdict

    def store_answered(self, who: str, call: Call, reply: bytes) -> Verdict:
        if call.name == _LISTENING or who not in self._workers:
            self.faults.heard(who, time.monotonic())
        if call.name in _GIVING_UP:
            with self._lock:
                self._giving_up.pop(call.row, None)
        row = rung_row(reply) if call.name == "brpop" else call.row
        if not is_refusal(reply):
            self._note(who, call)
            if self.on_call is not None:
                self.on_call(who, call)
            return self._spring(Wire.AFTER, who, call.name, call, row)
        return PASS

    # ---- the backend

    def asked_backend(self, who: str, ask: Ask, piece: int) -> Verdict:
        wire = Wire.ASKED if piece == 1 else Wire.SENDING
        return self._spring(wire, who, ask.path, ask, "")

    def backend_answered(self, who: str, ask: Ask, piece: int) -> Verdict:
        wire = Wire.ANSWERED if piece == 1 else Wire.HEARING
        verdict = self._spring(wire, who, ask.path, ask, "")
        return verdict if verdict is not PASS else self._blow(ask, piece)

    def _blow(self, ask: Ask, piece: int) -> Verdict:
        weather, roll = self.weather, self.dice.random()
        if ask.path == "/run_sse":
            if piece > 1 and roll < weather.stream_cut:
                self._journal.count("cut stream")
                return CUT
            return PASS
        if piece > 1:
            return PASS
        for share, verdict, what in (
            (weather.drop, CUT, "cut answer"),
            (weather.halve, HALVE, "halve answer"),
            (weather.late, Verdict(delay_s=weather.late_s), "delay answer"),
        ):
            if roll < share:
                self._journal.count(what)
                return verdict
            roll -= share
        return PASS

    # ---- the receiver

    def told(self, event_type: str) -> None:
        """A webhook has come."""
        self._spring(Wire.TOLD, "hooks", event_type, Call(event_type), "")

    # ---- traps

    def arm(self, trap: Trap) -> Trap:
        with self._lock:
            self.traps.append(trap)
        return trap

    def disarm(self) -> None:
        with self._lock:
            self.traps.clear()

    def _spring(self, wire: Wire, who: str, what: str, call: Call | Ask, row: str) -> Verdict:
        with self._lock:
            trap = next((each for each in self.traps if _fits(each, wire, what, call, row)), None)
            if trap is None:
                return PASS
            if trap.skips:
                trap.skips -= 1
                return PASS
            self.traps.remove(trap)
        trap.at_s = time.monotonic()
        verdict = CUT
        match trap.deed:
            case Deed.KILL:
                self._kill(trap.victim or who)
            case Deed.STOP:
                self._stop_for(trap.victim or who, trap.stop_s)
                verdict = PASS
            case Deed.CUT:
                self._journal.count("cut at a point")
        trap.sprung.set()
        return verdict


def _fits(trap: Trap, wire: Wire, what: str, call: Call | Ask, row: str) -> bool:
    if trap.wire is not wire:
        return False
    if isinstance(call, Ask):
        return what.startswith(trap.what) and trap.method in {"", call.method}
    goes = trap.goes is None or trap.goes == (call.before, call.after)
    return what == trap.what and goes and re.search(trap.row, row) is not None
