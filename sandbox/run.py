"""One run of the agent: what it does when, what of it is streamed, what it costs."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from sandbox import stream
from sandbox.accounts import EDIT_CREDITS, GENERATION_CREDITS, Account
from sandbox.agent import Kind, Plan, plan_message
from sandbox.books import RunEntry, hash_message
from sandbox.edit import Edit, answer_text, apply_plan
from sandbox.link import Gone, Link
from sandbox.sessions import Session
from sandbox.switches import Switches
from sandbox.world import World

_TROUBLE = "I encountered a temporary issue. Please try again."
_HEAD_CHARS = 200


class NoCredits(Exception):
    """The account cannot pay for what the message asks (2001)."""


@dataclass(frozen=True, slots=True)
class Step:
    """One moment of a run: when, in seconds from its start, and what it does and says."""

    at_s: float
    act: Callable[[], bytes]


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
        self._reserved = self._cost(already_charged=charged)
        if not world.accounts.freeze(account, self._reserved):
            raise NoCredits
        chance = Random(f"{world.config.seed}:{session.ordinal}:{number}")  # noqa: S311 - a die, no secret
        self._silent = self._plan.edits and chance.random() < self._switches.silent_rate
        self._invocation = f"e-{uuid.UUID(int=chance.getrandbits(128))}"
        self._edit: Edit | None = None
        self._next, self._events, self._settled = 0, 0, threading.Lock()
        self._began = time.monotonic()
        with session.lock:
            overlapping = session.active_runs > 0
            session.active_runs += 1
        self.entry = RunEntry(
            request_id, session.session_id, account.user_id, hash_message(message),
            message[:_HEAD_CHARS], world.clock.now_ms(), silent=self._silent,
            overlapping=overlapping,
        )  # fmt: skip
        self._steps = self._timeline()
        world.books.open_run(self.entry)

    def events(self, link: Link) -> Iterator[bytes]:
        """Streams the run; a client that hangs up ends it or not, as the switches say."""
        self._world.links.add(link)
        goes_on = self._switches.run_on_disconnect == "continue"
        try:
            # sends the response head at once, as ADK does
            yield b""
            yield from self._play(link)
        except Gone:
            pass
        else:
            goes_on = self._switches.run_continues
        finally:
            self._world.links.remove(link)
            self._world.books.close_stream()
            self._leave(goes_on=goes_on)

    def _play(self, link: Link) -> Iterator[bytes]:
        beat_s = self._switches.heartbeat_every_s
        beat = stream.heartbeat(self._switches.heartbeat_form)
        next_beat = self._began + beat_s
        while self._next < len(self._steps):
            due = self._began + self._steps[self._next].at_s
            now = time.monotonic()
            if beat and beat_s > 0 and next_beat < due:
                link.wait(next_beat - now)
                next_beat = time.monotonic() + beat_s
                yield beat
                continue
            link.wait(due - now)
            chunk = self._do_next()
            if chunk:
                yield chunk
            if 0 < self._switches.drop_after_events <= self._events:
                link.cut()
                return

    def _do_next(self) -> bytes:
        step = self._steps[self._next]
        self._next += 1
        chunk = step.act()
        self._events += bool(chunk)
        return chunk

    def _leave(self, *, goes_on: bool) -> None:
        if self._next >= len(self._steps):
            self._settle("applied" if self._edit else "unchanged")
        elif goes_on and not self._world.stopping.is_set():
            threading.Thread(target=self._finish_alone, daemon=True).start()
        else:
            self._settle("aborted_after_edit" if self._edit else "aborted")

    def _finish_alone(self) -> None:
        while self._next < len(self._steps):
            due_s = self._began + self._steps[self._next].at_s - time.monotonic()
            if self._world.stopping.wait(max(0.0, due_s)):
                break
            self._do_next()
        self._settle("applied_unseen" if self._edit else "unchanged")

    def _settle(self, outcome: str) -> None:
        if not self._settled.acquire(blocking=False):
            return
        session = self._session
        with session.lock:
            session.active_runs -= 1
            # an overlapping run may have paid for the session meanwhile
            free = self._switches.charge == "session" and session.charged
            generated = self._plan.kind is Kind.GENERATE
            charged = self._reserved if self._edit and (generated or not free) else 0
            session.charged = session.charged or (charged > 0 and not generated)
        self._world.accounts.settle(self._account, self._reserved, charged)
        self.entry.events = self._events
        now_ms = self._world.clock.now_ms()
        self._world.books.close_run(self.entry, outcome=outcome, charged=charged, ended_ms=now_ms)

    def _cost(self, *, already_charged: bool) -> int:
        if self._plan.kind is Kind.GENERATE:
            return GENERATION_CREDITS
        if not self._plan.edits or (already_charged and self._switches.charge == "session"):
            return 0
        return EDIT_CREDITS

    def _timeline(self) -> list[Step]:
        whole_s, trouble = self._switches.edit_s, self._switches.error_midstream
        if not self._plan.edits:
            steps = [Step(0.5 * whole_s, self._say)]
        else:
            steps = [Step(0.1 * whole_s, self._call), Step(0.6 * whole_s, self._apply)]
            if not self._silent:
                steps.append(Step(whole_s, self._say))
            else:
                steps.append(Step(whole_s, bytes))
        if trouble == "before_edit":
            return [*steps[: int(self._plan.edits)], Step(0.3 * whole_s, self._fail)]
        if trouble == "after_edit":
            return [*steps[:2], Step(0.8 * whole_s, self._fail)]
        if self._switches.trailing_text:
            steps.append(Step(whole_s, self._trail))
        return steps

    def _call(self) -> bytes:
        args = {
            "action": self._plan.kind.value,
            "cues": len(self._plan.cues),
            "style": self._plan.overrides,
        }
        return stream.call_event(
            self._tool(), args, dialect=self._switches.sse_dialect, stamp=self._stamp()
        )

    def _apply(self) -> bytes:
        with self._session.lock:
            self._edit = apply_plan(self._session, self._plan, self._seen)
            draft = self._session.draft
        result: dict[str, Any] = {"ok": self._edit is not None}
        delta = {"draft": draft} if self._edit else {}
        dialect = self._switches.sse_dialect
        return stream.result_event(
            self._tool(), result, delta=delta, dialect=dialect, stamp=self._stamp()
        )

    def _say(self) -> bytes:
        text = answer_text(self._plan, self._edit)
        return stream.text_event(text, dialect=self._switches.sse_dialect, stamp=self._stamp())

    def _trail(self) -> bytes:
        return stream.text_event(_TROUBLE, dialect=self._switches.sse_dialect, stamp=self._stamp())

    def _fail(self) -> bytes:
        return stream.error_event(
            "RuntimeError", "the agent stopped", timestamp_s=self._world.clock.now_s()
        )

    def _tool(self) -> str:
        return (
            "generate_video_with_seedance"
            if self._plan.kind is Kind.GENERATE
            else "edit_multitrack"
        )

    def _stamp(self) -> stream.Stamp:
        return stream.Stamp(self._invocation, str(uuid.uuid4()), self._world.clock.now_s())
