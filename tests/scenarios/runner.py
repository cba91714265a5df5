"""Plays a scenario on the real engine against the real sandbox, on one clock that both share."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.faults import Rule
from service.jobs.advance import advance
from service.jobs.context import Services
from service.model.lifecycle import ENDED_CUT
from service.nemo.errors import BreakKind, StreamBroken
from service.nemo.tokens import ANONYMOUS_ACCOUNT, ENV_ACCOUNT
from tests.builders import an_event
from tests.integration.jobs.harness import Harness, Killed, kill, make_settings, wait_until
from tests.scenarios.scenario import HUSHED, MENDED, CutPlan, Death, Kind, Person, Point, Scenario
from tests.scenarios.stage import Observed, Seen, Stage
from tests.scenarios.taps import TappedNemo, tap_commits
from tests.scenarios.weather import EXPORTS, RULES, STREAMS, WHERE

_TURNS = 1500
#: Seconds of the wall's clock that a silent stream is waited for, in place of 90.
_SILENCE_S = 1.0
_SOUND = 1
#: (call, whether the worker dies after it)
_DEATHS = {
    Death.AFTER_CREATE: ("create_session", True),
    Death.AFTER_UPLOAD: ("upload", True),
    Death.AFTER_INTENT: ("converse", False),
    Death.AFTER_STREAM: ("converse", True),
    Death.AFTER_SUBMIT: ("submit_render", True),
    Death.AT_FETCH: ("download", False),
}
_CALLS = {
    Point.LOOK: "state", Point.UPLOAD: "upload", Point.BEFORE: "state", Point.MESSAGE: "converse",
    Point.AFTER: "state", Point.DRAFT: "state", Point.SUBMIT: "submit_render",
}  # fmt: skip


@dataclass
class _Weather:
    """What a cut still has to go through."""

    plan: CutPlan
    left: dict[Point, int] = field(default_factory=dict)
    posted: dict[int, Point] = field(default_factory=dict)
    death: Death = Death.NONE
    runs: int = 0
    renders: int = 0
    staged: bool = False

    def __post_init__(self) -> None:
        self.left = {fault.point: fault.times for fault in self.plan.faults}
        self.death = self.plan.death


class Play:
    """One scenario being played."""

    def __init__(self, stage: Stage, scenario: Scenario) -> None:
        self._stage, self._scenario = stage, scenario
        self._world = stage.sandbox.world
        self._reset()
        self._engine = self._make_engine()
        self._weather = {plan.label: _Weather(plan) for plan in scenario.cuts}
        self._label, self._state, self._paused = "", "", False
        self._worker = self._make_worker("w1")
        labels = "".join(plan.label for plan in scenario.cuts)
        self._job = self._engine.submit(stage.clip, labels, deadline_s=scenario.deadline_s)

    def _reset(self) -> None:
        wait_until(lambda: self._stage.sandbox.books["streams"] == 0)
        self._stage.client.flushall()
        self._world.faults.drop()
        self._world.clear()
        self._world.books.reset()
        self._world.board.reset()

    def _make_engine(self) -> Harness:
        balance = self._scenario.balance
        token = f"nmv_usr_sbx_{uuid.uuid4().hex[:8]}_{balance}" if balance else ""
        settings = make_settings(
            self._stage.sandbox.url, self._stage.redis_url, self._stage.files,
            nemo_token=token, retry_backoff_s=(1.0, 2.0, 4.0),
        )  # fmt: skip
        account = ENV_ACCOUNT if balance else ANONYMOUS_ACCOUNT
        self._stage.clock.follow()
        stage = self._stage
        return Harness(stage.sandbox, stage.client, settings, stage.clock, account)

    def _make_worker(self, name: str) -> Services:
        worker = self._engine.worker(name)
        nemo: Any = TappedNemo(worker.nemo, self)
        return replace(worker, nemo=nemo, commands=tap_commits(worker.commands, self))

    # ---- the play

    def run(self) -> Observed:
        for _ in range(_TURNS):
            if self._engine.read(self._job).expires_ms > 0:
                return self._look()
            if self._is_quiet():
                self._act()
            self._turn()
        raise AssertionError(f"it never ends; due: {self._engine.due()}")

    def _turn(self) -> None:
        due = [row for row, at in self._engine.due() if at <= self._engine.clock.now_ms()]
        for row in due:
            self._advance(row)
        if not due:
            wait_until(lambda: self._stage.sandbox.books["streams"] == 0)
            _, at = self._engine.due()[0]
            self._engine.clock.advance((at + 1 - self._engine.clock.now_ms()) / 1000)

    def _advance(self, row: str) -> None:
        label = row.split(".")[-2] if row.startswith("cut:") else ""
        self._enter(label, self._engine.cut(self._job, label).state if label else "")
        try:
            advance(row, self._worker)
        except Killed:
            self._worker = self._make_worker("w2")
        finally:
            self._enter("", "")
            self._count(label)

    def _count(self, label: str) -> None:
        books = self._stage.sandbox.books
        others = [each for name, each in self._weather.items() if name != label]
        if label:
            mine = self._weather[label]
            mine.runs = len(books["runs"]) - sum(each.runs for each in others)
            mine.renders = len(books["renders"]) - sum(each.renders for each in others)

    def _is_quiet(self) -> bool:
        """Whether the job waits for a person, and nothing else of it can go on."""
        _, cuts = self._engine.services.jobs.read_units(self._engine.read(self._job))
        moving = [cut for cut in cuts if cut.state not in {*ENDED_CUT, "action_required"}]
        return not moving and self._engine.read(self._job).status == "action_required"

    def _act(self) -> None:
        self._paused = True
        now_ms = self._engine.clock.now_ms()
        match self._scenario.person:
            case Person.CANCELS:
                self._engine.cancel(self._job)
            case Person.RESUMES:
                for weather in self._weather.values():
                    for fault in weather.plan.faults:
                        if fault.kind in {*MENDED, Kind.DEAD_TOKEN}:
                            weather.left.pop(fault.point, None)
                if self._lacks_credits():
                    for user in self._stage.sandbox.books["ledger"]:
                        self._world.accounts.set_available(user, 1000)
                self._engine.services.jobs.resume(self._job, an_event("job.resumed"), now_ms=now_ms)

    def _lacks_credits(self) -> bool:
        _, cuts = self._engine.services.jobs.read_units(self._engine.read(self._job))
        return any(cut.doc.failure and cut.doc.failure.code == "no_credits" for cut in cuts)

    # ---- the weather

    def _enter(self, label: str, state: str) -> None:
        """A cut comes into a state: what it meets there is put in force."""
        self._withdraw()
        self._label, self._state = label, str(state)
        self._world.board.reset()
        if not label:
            return
        weather = self._weather[label]
        plan = weather.plan
        self._world.board.set({**STREAMS.get(plan.stream, {}), **EXPORTS.get(plan.export, {})})
        for fault in plan.faults:
            rule = RULES.get(fault.kind)
            if self._state not in WHERE[fault.point][0] or rule is None:
                continue
            if fault.point in weather.left:
                self._post(fault.point, Rule(WHERE[fault.point][1], **rule))
        if plan.stream == "unheard" and self._state == "captioning" and not weather.runs:
            self._world.faults.add([Rule("message", drop="after", times=1)])

    def _post(self, point: Point, rule: Rule) -> None:
        weather = self._weather[self._label]
        (rule_id,) = self._world.faults.add([replace(rule, times=weather.left[point])])
        weather.posted[rule_id] = point

    def _withdraw(self) -> None:
        weather = self._weather.get(self._label)
        for row in self._world.faults.rows():
            point = weather.posted.get(row["id"]) if weather else None
            if point is None or not weather or not weather.left.get(point):
                continue
            weather.left[point] -= row["struck"]
            if not weather.left[point]:
                del weather.left[point]
        for each in self._weather.values():
            each.posted.clear()
        self._world.faults.drop()

    def committed(self, state: str) -> None:
        """The cut in work has been committed."""
        if not self._label:
            return
        self._enter(self._label, state)
        cancel = self._scenario.cancel
        if cancel and (cancel.label, cancel.state) == (self._label, str(state)):
            self._engine.cancel(self._job)
            if cancel.seen:
                self._worker.leases.renew_all()

    def follow(self) -> None:
        """The backend has been heard: its time is ours."""
        self._stage.clock.follow()

    def before(self, call: str) -> None:
        """A call to the backend is about to be made."""
        weather = self._weather.get(self._label)
        if weather is None:
            return
        for fault in weather.plan.faults:
            here = fault.point in weather.left and self._state in WHERE[fault.point][0]
            if fault.kind is Kind.LOST_SESSION and here and _CALLS[fault.point] == call:
                del weather.left[fault.point]
                doc = self._engine.doc(self._job, self._label)
                assert self._world.sessions.lose(doc.session_id)
        if call == "converse" and weather.death in {Death.HELD_UP, Death.OVERTAKEN}:
            self._hold_up(weather)
        if _DEATHS.get(weather.death) == (call, False):
            weather.death = Death.NONE
            kill()

    def after(self, call: str) -> None:
        """A call to the backend has come back well."""
        weather = self._weather.get(self._label)
        if weather is not None and _DEATHS.get(weather.death) == (call, True):
            weather.death = Death.NONE
            kill()

    def converse(self, *args: Any, **kwargs: Any) -> Any:
        """Send the message of a stream that falls silent; while it is, the clock stands still."""
        settings = self._engine.settings
        world, hasty = self._world, self._engine.worker("hasty", stream_silence_s=_SILENCE_S)
        world.board.set({"clock": "manual"})
        try:
            return hasty.nemo.converse(*args, **kwargs)
        except StreamBroken as broken:
            if broken.kind is BreakKind.SILENT:
                wait_until(lambda: self._stage.sandbox.books["streams"] == 0)
                self._engine.clock.advance(settings.stream_silence_s)
            raise
        finally:
            world.board.set({"clock": "leap"})

    def is_hushed(self) -> bool:
        """Whether the stream of the cut in work falls silent."""
        weather = self._weather.get(self._label)
        return weather is not None and weather.plan.stream in HUSHED

    def submits(self, draft: Any) -> None:
        """A draft is about to be rendered."""
        sounds = sum(track["tt"] == _SOUND for track in draft["t"])
        self._weather[self._label].staged = sounds > 1

    def _hold_up(self, weather: _Weather) -> None:
        overtaken = weather.death is Death.OVERTAKEN
        weather.death = Death.NONE
        self._engine.clock.advance(75 if overtaken else 21)
        if overtaken:
            advance(f"cut:{self._job}.0.{self._label}.1", self._engine.services)

    # ---- looks

    def _look(self) -> Observed:
        job = self._engine.read(self._job)
        cuts = {}
        for label, weather in self._weather.items():
            row = self._engine.cut(self._job, label)
            failure = row.doc.failure
            word = failure.extra.get("charged", "") if failure else ""
            word = word or (row.doc.edit.charged if row.doc.edit else row.doc.charged)
            code = failure.code if failure else ""
            cuts[label] = Seen(
                str(row.state),
                code,
                word,
                weather.runs,
                weather.renders,
                weather.staged and weather.renders > 0,
                str(failure.extra.get("reason") or failure.detail) if failure else "",
            )
        due = [row for row, _ in self._engine.due() if self._job in row]
        books = self._stage.sandbox.books
        said = bool(job.result.get("confounded"))
        return Observed(str(job.status), cuts, job.charged, self._paused, said, books, due)
