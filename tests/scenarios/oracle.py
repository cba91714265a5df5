# size: the way of one cut is read in one go
"""What the protocol's rules demand of a scenario, worked out from the scenario alone.

It follows one cut through its calls, as docs/protocol.md has them, and knows nothing of how the
engine or the sandbox do their work. Where the rules leave something open there is more than one
answer. Rules are named as P-xxx.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product

from tests.scenarios.scenario import (
    PASSING,
    STAGED,
    CutPlan,
    Death,
    Export,
    Fault,
    Kind,
    Person,
    Point,
    Scenario,
    Stream,
)

EDIT = 50
GRANT = 100
#: A safe call is tried so often before its step counts as failed (P-133).
TRIES = 3
#: After these the state shows the edit sooner or later; after the others it never does.
_APPLIED = frozenset(Stream) - {
    Stream.DROP_BEFORE,
    Stream.NEVER,
    Stream.NEVER_CHARGED,
    Stream.ERROR_BEFORE,
    Stream.APOLOGY,
    Stream.HUSH_BEFORE,
}
#: A refusal before the stream: nothing was done (P-070).
_PROVEN = frozenset({Kind.BUSY, Kind.PAGE, Kind.LIMITED})
_ENDS = {
    Kind.MALFORMED: "malformed_request",  # P-165
    Kind.BAD_FORMAT: "format_refused",  # P-162
    Kind.TOO_LARGE: "size_refused",  # P-163
    Kind.NO_SCOPE: "scope_missing",  # P-164
}
_WAITS = {
    Kind.NO_CREDITS: "no_credits",  # P-161
    Kind.NO_PLAN: "plan_blocked",  # P-109
    Kind.DEAD_TOKEN: "auth",  # P-156
}
_LATER = frozenset({Kind.TORN, Kind.SLOW, Kind.UNHEARD, *PASSING})


@dataclass(frozen=True, slots=True)
class CutEnd:
    """What may come of a cut; of each there is at least one."""

    states: frozenset[str]
    codes: frozenset[str]
    sends: frozenset[int]
    renders: frozenset[int]
    charged: frozenset[str]
    #: Whether what was rendered last holds what the backend had added by itself.
    staged: frozenset[bool]


@dataclass(frozen=True, slots=True)
class Expected:
    """What may come of a job: `paused` says whether it must have waited for a person."""

    cuts: dict[str, CutEnd]
    statuses: frozenset[str]
    paused: bool


@dataclass(slots=True)
class _Stop(Exception):
    """A cut goes no further: it has ended, or waits for a person."""

    states: frozenset[str]
    codes: frozenset[str]


class _Waits(_Stop):
    pass


@dataclass(slots=True)
class _Walk:
    """One cut on its way. `alone`: no other cut spends from the account."""

    plan: CutPlan
    scenario: Scenario
    alone: bool
    left: dict[Point, Fault] = field(default_factory=dict)
    mended: bool = False
    sends: int = 0
    renders: frozenset[int] = frozenset({0})
    charged: frozenset[str] = frozenset({"no"})
    point: Point = Point.CREATE
    waited: bool = False

    def __post_init__(self) -> None:
        self.left = {fault.point: fault for fault in self.plan.faults}

    def end(self) -> CutEnd:
        """Walk to the end, with what the person does on the way."""
        while True:
            try:
                self._walk()
            except _Waits as wait:
                self.waited = True
                if self.scenario.person is not Person.RESUMES:
                    return self._left_waiting(wait)
                self.mended = True
            except _Stop as stop:
                return self._ended(stop.states, stop.codes)
            else:
                return self._ended(frozenset({"succeeded"}), frozenset({""}))

    def _walk(self) -> None:
        for point in list(Point)[list(Point).index(self.point) :]:
            self.point = point
            if self._meets(point):
                self.point = Point.CREATE
                return self._walk()
            if point is Point.BALANCE:
                self._reserve()
            elif point is Point.MESSAGE:
                self._send()
            elif point is Point.AFTER:
                self._confirm()
            elif point is Point.POLL:
                self._render()
            elif point is Point.FALLBACK:
                self._fetch()
        return None

    def _meets(self, point: Point) -> bool:
        """Go through the fault at a point; true when the cut begins anew in another session."""
        fault = self.left.get(point)
        if fault is None or (point is Point.MESSAGE and self._never_sends()):
            return False
        kind = fault.kind
        if kind in _ENDS:
            raise _stop("failed", _ENDS[kind])
        if kind is Kind.LOST_SESSION:
            return self._lose_session(point)
        if kind in _WAITS and not self.mended and not self._renews(kind):
            if point is Point.AFTER:  # it was sent, and nobody could look at what it did
                self.charged = frozenset({"yes", "no", "unknown"})
            if point is Point.POLL:
                self.renders = frozenset({0 if self.plan.export is Export.DUPLICATE else 1})
            raise _waits(_WAITS[kind])
        if fault.times == 0 and kind in _LATER:
            self._never_passes(point)
        return False

    def _lose_session(self, point: Point) -> bool:
        """P-159: without asking while nothing was paid; P-160: afterwards a person is asked."""
        del self.left[point]
        if self.sends:
            self.point = Point.CREATE
            self.charged = frozenset({"yes", "no", "unknown"})
            raise _waits("session_lost")
        return True

    def _renews(self, kind: Kind) -> bool:
        """P-155: an anonymous account's dead token is replaced once, and the job goes on."""
        return kind is Kind.DEAD_TOKEN and self.scenario.balance == 0

    def _never_passes(self, point: Point) -> None:
        """P-166: a step that meets it is tried again until the job's deadline."""
        if point is Point.AFTER:  # P-084
            self.charged = frozenset({"yes", "unknown"})
            raise _Stop(
                frozenset({"failed", "expired"}), frozenset({"edit_unconfirmed", "expired"})
            )
        if point in {Point.BOOKING, Point.RESULT, Point.FALLBACK}:
            return  # each has a way around it, or is judged with it
        if point is Point.POLL:
            self.renders = frozenset({1})
        raise _stop("expired", "expired")

    def _reserve(self) -> None:
        """P-091, P-093: the whole job's estimate, all or nothing."""
        total = self.scenario.balance or GRANT
        if total < EDIT * len(self.scenario.cuts) and not self.mended:
            raise _waits("no_credits")

    def _never_sends(self) -> bool:
        """P-068, P-069: an intent of somebody else is looked for and never sent."""
        return self.plan.death in {Death.AFTER_INTENT, Death.OVERTAKEN}

    def _send(self) -> None:
        fault = self.left.get(Point.MESSAGE)
        lost = fault is not None and fault.kind in {Kind.DROPPED, Kind.BROKEN}
        if self._never_sends() or lost:  # P-067, P-071
            return
        self.sends += 1

    def _confirm(self) -> None:
        """4.3, 4.4: the state decides, and after the last look nothing is sent."""
        unread = (self.left.get(Point.BOOKING) or Fault(Point.BOOKING, Kind.SLOW)).times
        blind = unread == 0 or unread >= TRIES
        if self.sends and self.plan.stream in _APPLIED:
            self.charged = frozenset({"yes", "unknown"} if blind else {"yes"})
            return
        paid = self.sends and self.plan.stream is Stream.NEVER_CHARGED
        known = {"yes"} if paid else {"no"}  # P-094: unknown where the balance cannot tell
        self.charged = frozenset(known if self.alone and not blind else {*known, "unknown"})
        raise _stop("failed", "edit_unconfirmed")  # P-084

    def _render(self) -> None:
        """P-108: one new id, and no third."""
        export, fault = self.plan.export, self.left.get(Point.POLL)
        forgotten = fault is not None and fault.kind is Kind.FORGOTTEN
        twice = export in {Export.FAILS_ONCE, Export.FAILS_ALWAYS, Export.TOO_SLOW}
        self.renders = frozenset({2} if twice or forgotten else {1})
        if forgotten and not twice and self._asks_before_poll():
            self.renders = frozenset({1, 2})
        if export is Export.FAILS_ALWAYS:
            raise _stop("failed", "render_failed")
        if export is Export.TOO_SLOW:
            raise _stop("failed", "render_timeout")  # P-118

    def _asks_before_poll(self) -> bool:
        """P-105: a lost reply is settled by asking, and then the one 404 is that answer."""
        return (
            Point.SUBMIT in self.left
            or self.plan.death is Death.AFTER_SUBMIT
            or self.plan.export is Export.DUPLICATE
        )

    def _fetch(self) -> None:
        """P-121: the API's own download where the address does not work."""
        if self.plan.export is Export.NO_RESULT:
            raise _Stop(frozenset({"failed"}), frozenset({"result_gone", "render_unknown"}))
        endless = [self.left.get(each) for each in (Point.RESULT, Point.FALLBACK)]
        if all(fault is not None and fault.times == 0 for fault in endless):
            raise _stop("expired", "expired")

    def _left_waiting(self, wait: _Waits) -> CutEnd:
        if self.scenario.person is Person.CANCELS:
            return self._ended(frozenset({"canceled"}), frozenset({"canceled"}))
        return self._ended(frozenset({"expired"}), wait.codes | {"expired"})

    def _ended(self, states: frozenset[str], codes: frozenset[str]) -> CutEnd:
        return CutEnd(states, codes, self._all_sends(), self.renders, self.charged, self._staged())

    def _all_sends(self) -> frozenset[int]:
        """P-089: one message more where what is left of the reservation covers it."""
        covered = not (self.alone and self.charged == frozenset({"yes"}))
        if self.plan.stream in STAGED and self.sends and covered:
            return frozenset({self.sends, self.sends + 1})
        return frozenset({self.sends})

    def _staged(self) -> frozenset[bool]:
        """P-086: found after a loss, an edit counts once nothing has been added for a while."""
        if self.plan.stream not in STAGED or self.renders == frozenset({0}):
            return frozenset({False})
        late = self.plan.stream is Stream.STAGED
        return frozenset({True, False} if late else {True})


def expect(scenario: Scenario) -> Expected:
    """What may come of a scenario."""
    if scenario.cancel is not None:
        return _expect_cancel(scenario)
    alone = len(scenario.cuts) == 1
    walks = [_Walk(plan, scenario, alone) for plan in scenario.cuts]
    cuts = {walk.plan.label: walk.end() for walk in walks}
    paused = any(walk.waited for walk in walks)
    asked = paused and scenario.person is Person.CANCELS
    return Expected(cuts, _statuses(list(cuts.values()), cancel_asked=asked), paused)


_BEFORE_SENDING = frozenset({"session_open", "uploaded"})


def _expect_cancel(scenario: Scenario) -> Expected:
    """A cancel ends what has not ended; what was sent stays sent."""
    assert scenario.cancel is not None
    cuts = {}
    for plan in scenario.cuts:
        own = plan.label == scenario.cancel.label
        states, sends, words = {"canceled"}, {0, 1}, {"no", "yes", "unknown"}
        if not own:
            states.add("succeeded")
        elif scenario.cancel.state in _BEFORE_SENDING:
            sends, words = {0}, {"no"}
        elif scenario.cancel.state == "captioning":
            sends, words = ({0}, {"no"}) if scenario.cancel.seen else ({0, 1}, words)
        else:
            sends, words = {1}, {"yes"}
        cuts[plan.label] = CutEnd(
            frozenset(states), frozenset({"canceled", ""}), frozenset(sends), frozenset({0, 1}),
            frozenset(words), frozenset({False}),
        )  # fmt: skip
    return Expected(cuts, frozenset({"canceled"}), paused=False)


def _statuses(ends: list[CutEnd], *, cancel_asked: bool) -> frozenset[str]:
    found = product(*(sorted(end.states) for end in ends))
    return frozenset(_status(states, cancel_asked=cancel_asked) for states in found)


def _status(states: tuple[str, ...], *, cancel_asked: bool) -> str:
    """A failed job is never called done, and a partial one has something to show."""
    if set(states) == {"succeeded"}:
        return "succeeded"
    if cancel_asked and "canceled" in states:
        return "canceled"
    if "succeeded" in states:
        return "partial"
    return "expired" if set(states) == {"expired"} else "failed"


def _stop(state: str, code: str) -> _Stop:
    return _Stop(frozenset({state}), frozenset({code}))


def _waits(code: str) -> _Waits:
    return _Waits(frozenset({"action_required"}), frozenset({code}))
