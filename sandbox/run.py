"""One run of the agent: accepted, streamed or not, and paid."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from random import Random
from typing import Any

from sandbox import stream
from sandbox.accounts import EDIT_CREDITS, GENERATION_CREDITS, Account, Cause
from sandbox.agent import Kind, Plan, plan_message
from sandbox.books import RunEntry, hash_message
from sandbox.edit import Edit, apply_plan
from sandbox.link import Gone, Link
from sandbox.script import Script
from sandbox.sessions import Session
from sandbox.speech import Speech
from sandbox.stages import plan_stage
from sandbox.switches import Switches
from sandbox.world import World

_HEAD_CHARS = 200


class NoCredits(Exception):
    """The account cannot pay for what the message asks (2001)."""


class Run:
    """A message being worked on. Making one reserves credits; raises NoCredits."""

    def __init__(
        self, world: World, account: Account, session: Session, message: str, request_id: str
    ) -> None:
        self._world, self._account, self._session = world, account, session
        self._switches: Switches = world.board.of(session.session_id)
        with session.lock:
            self._seen = dict(session.captions)
            charged = session.charged
            names = [asset.filename for asset in session.videos()]
            session.edits += 1
            number = session.edits
        self._plan: Plan = plan_message(
            message,
            filenames=names,
            has_captions=bool(self._seen.get(session.current) or self._seen),
        )
        self._cause = Cause(request_id, session.session_id)
        self._reserved = self._cost(already_charged=charged)
        if not world.accounts.freeze(account, self._reserved, self._cause):
            raise NoCredits
        chance = Random(f"{world.config.seed}:{session.ordinal}:{number}")  # noqa: S311 - a die, no secret
        silent = self._plan.edits and chance.random() < self._switches.silent_rate
        invocation_id = f"e-{uuid.UUID(int=chance.getrandbits(128))}"
        obeys = chance.random() < self._switches.obedience
        self._obeys = self._plan.captions_only and obeys
        self._meddles = self._plan.captions_only and not obeys
        speech = Speech(self._plan, self._switches, world.clock, invocation_id)
        self._script = Script(self._plan, self._switches, speech, silent=silent, apply=self._apply)
        self._next, self._events, self._settled = 0, 0, threading.Lock()
        self._cut = False
        self._began = world.clock.running_s()
        with session.lock:
            overlapping = session.active_runs > 0
            session.active_runs += 1
        self.entry = RunEntry(
            request_id, session.session_id, account.user_id, hash_message(message),
            message[:_HEAD_CHARS], world.clock.now_ms(), silent=silent, overlapping=overlapping,
        )  # fmt: skip
        world.books.open_run(self.entry)

    def events(self, link: Link, *, unheard: bool = False) -> Iterator[bytes]:
        """Streams the run; a client that hangs up ends it or not, as the switches say.

        `unheard`: the connection is cut before the first byte, and the run goes on.
        """
        self._world.links.add(link)
        goes_on = unheard or self._switches.run_on_disconnect == "continue"
        try:
            if unheard:
                link.cut()
            # sends the response head at once, as ADK does
            yield b""
            yield from self._play(link)
        except Gone:
            pass
        else:
            goes_on = self._switches.run_continues
        finally:
            self._world.links.remove(link)
            try:
                self._leave(goes_on=goes_on)
            finally:
                # last: with no stream in the books, all that follows from its end is planned
                self._world.books.close_stream()

    def _play(self, link: Link) -> Iterator[bytes]:
        clock, beat_s = self._world.clock, self._switches.heartbeat_every_s
        beat = stream.heartbeat(self._switches.heartbeat_form)
        next_beat = self._began + beat_s
        while self._next < len(self._script.steps):
            due = self._began + self._script.steps[self._next].at_s
            if beat and beat_s > 0 and next_beat < due:
                link.wait_until(next_beat, clock)
                beats = self._may_beat(next_beat)
                # before the client hears of it and moves the clock on
                next_beat = clock.running_s() + beat_s
                if beats:
                    yield beat
                continue
            link.wait_until(due, clock)
            chunk = self._do_next()
            if 0 < self._switches.drop_after_events <= self._events:
                yield chunk[: len(chunk) // 2] if self._switches.drop_in_line else chunk
                self._cut = True
                link.cut()
                return
            if chunk:
                yield chunk

    def _may_beat(self, at_s: float) -> bool:
        from_s, until_s = self._script.stalled
        return self._switches.stall != "silence" or not from_s <= at_s - self._began < until_s

    def _do_next(self) -> bytes:
        step = self._script.steps[self._next]
        self._next += 1
        chunk = step.act()
        self._events += bool(chunk)
        return chunk

    def _leave(self, *, goes_on: bool) -> None:
        steps = self._script.steps
        if self._next >= len(steps):
            self._end("applied" if self._script.edit else "unchanged")
        elif goes_on and not self._world.stopping.is_set():
            for step in steps[self._next :]:
                self._world.agenda.add(self._began + step.at_s, self._go_on)
        else:
            self._end("aborted_after_edit" if self._script.edit else "aborted")

    def _go_on(self) -> None:
        self._do_next()
        if self._next >= len(self._script.steps):
            self._end("applied_unseen" if self._script.edit else "unchanged")

    def _end(self, outcome: str) -> None:
        late = self._switches.edit_applied == "late" and self._script.edits
        hung_up = outcome == "aborted" and not (self._cut or self._script.claimed)
        if late and not hung_up:
            due_s = self._world.clock.running_s() + self._switches.late_s
            self._world.agenda.add(due_s, self._apply_late)
        else:
            self._settle("not_applied" if self._script.claimed else outcome)

    def _apply_late(self) -> None:
        self._script.apply()
        self._settle("applied_late" if self._script.edit else "unchanged")

    def _settle(self, outcome: str) -> None:
        if not self._settled.acquire(blocking=False):
            return
        session, edit = self._session, self._script.edit
        costs = bool(edit) or (self._script.claimed and self._switches.charge_unapplied)
        with session.lock:
            session.active_runs -= 1
            # an overlapping run may have paid for the session meanwhile
            free = self._switches.charge == "session" and session.charged
            generated = self._plan.kind is Kind.GENERATE
            charged = self._reserved if costs and (generated or not free) else 0
            session.charged = session.charged or (charged > 0 and not generated)
        self._world.accounts.settle(self._account, self._reserved, charged, self._cause)
        self.entry.events = self._events
        now_ms = self._world.clock.now_ms()
        self._world.books.close_run(self.entry, outcome=outcome, charged=charged, ended_ms=now_ms)

    def _cost(self, *, already_charged: bool) -> int:
        if self._plan.kind is Kind.GENERATE:
            return GENERATION_CREDITS
        if not self._plan.edits or (already_charged and self._switches.charge == "session"):
            return 0
        return EDIT_CREDITS

    def _apply(self) -> tuple[Edit | None, dict[str, Any] | None]:
        joins = self._switches.batch == "join"
        with self._session.lock:
            edit = apply_plan(
                self._session, self._plan, self._seen, joins=joins, obeys=not self._meddles
            )
        if edit and self._plan.kind is not Kind.GENERATE and not self._obeys:
            plan_stage(self._world, self._session, after="edit", unasked=self._meddles)
        with self._session.lock:
            return edit, self._session.draft
