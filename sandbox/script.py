"""The script of one run: what it does and says at which moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sandbox.agent import Plan
from sandbox.edit import Edit
from sandbox.speech import Speech
from sandbox.switches import Switches
from sandbox.words import APOLOGY, TROUBLE, answer_text


@dataclass(frozen=True, slots=True)
class Step:
    """One moment of a run: when, in seconds from its start, and what it does and says."""

    at_s: float
    act: Callable[[], bytes]


class Script:
    """Holds the steps of a run and what came of them.

    `edit` is what was changed so far; `claimed` says that the run speaks of an edit that it does
    not make in its stream; `edits` that it reaches the editing at all.
    """

    def __init__(
        self,
        plan: Plan,
        switches: Switches,
        speech: Speech,
        *,
        silent: bool,
        apply: Callable[[], tuple[Edit | None, dict[str, Any] | None]],
    ) -> None:
        self._plan, self._switches, self._speech = plan, switches, speech
        self._silent, self._apply_now = silent, apply
        self.edit: Edit | None = None
        self.claimed = False
        self.edits = plan.edits and switches.apology != "instead"
        self.edits = self.edits and switches.error_midstream != "before_edit"
        #: When the stream is stalled, in seconds from the start.
        self.stalled = (0.0, 0.0)
        self.steps = self._stall(self._write())

    def apply(self) -> dict[str, Any] | None:
        """Makes the edit and returns the draft it led to."""
        self.edit, draft = self._apply_now()
        return draft if self.edit else None

    def _write(self) -> list[Step]:
        whole_s, switches = self._switches.edit_s, self._switches
        if not self._plan.edits:
            return self._talk(whole_s)
        if switches.apology == "instead":
            return [Step(0.5 * whole_s, self._apologise)]
        if switches.apology == "after_edit":
            return [Step(0.6 * whole_s, self._edit_mutely), Step(whole_s, self._apologise)]
        steps = [Step(0.1 * whole_s, self._speech.call), Step(0.6 * whole_s, self._edit)]
        if switches.thought_parts:
            steps.insert(0, Step(0.05 * whole_s, self._speech.think))
        if switches.inline_blob_kb:
            steps.insert(-1, Step(0.3 * whole_s, self._speech.show))
        if switches.error_midstream == "before_edit":
            return [*steps[:-1], Step(0.3 * whole_s, self._speech.fail)]
        if switches.error_midstream == "after_edit":
            return [*steps, Step(0.8 * whole_s, self._speech.fail)]
        return steps + self._closing(whole_s)

    def _closing(self, whole_s: float) -> list[Step]:
        steps = [Step(whole_s, bytes if self._silent else self._say)]
        if self._switches.partial_events and not self._silent:
            steps = [Step(0.9 * whole_s, self._piece(n)) for n in range(3)] + steps
        if self._switches.trailing_text:
            steps.append(Step(whole_s, self._trail))
        return steps

    def _talk(self, whole_s: float) -> list[Step]:
        switches, fail = self._switches, self._speech.fail
        if switches.error_midstream == "before_edit":
            return [Step(0.3 * whole_s, fail)]
        steps = [Step(0.5 * whole_s, self._say)]
        if switches.error_midstream == "after_edit":
            return [*steps, Step(0.8 * whole_s, fail)]
        return [*steps, Step(whole_s, self._trail)] if switches.trailing_text else steps

    def _stall(self, steps: list[Step]) -> list[Step]:
        switches = self._switches
        if switches.stall == "none":
            return steps
        edits = (self._edit, self._edit_mutely)
        first = next((n for n, step in enumerate(steps) if step.act in edits), 0)
        first += switches.stall_at == "after_edit"
        if first == len(steps):
            steps = [*steps, Step(steps[-1].at_s, bytes)]
        from_s = steps[first].at_s
        self.stalled = (from_s, from_s + switches.stall_s)
        later = [replace(step, at_s=step.at_s + switches.stall_s) for step in steps[first:]]
        return [*steps[:first], *later]

    def _edit(self) -> bytes:
        if self._switches.edit_applied != "in_stream":
            self.claimed = True
            return self._speech.result(None, ok=True)
        draft = self.apply()
        return self._speech.result(draft, ok=self.edit is not None)

    def _edit_mutely(self) -> bytes:
        self._edit()
        return b""

    def _text(self) -> str:
        gui = self._switches.gui_phrases
        return answer_text(self._plan, self.edit, claims=self.claimed, gui=gui)

    def _say(self) -> bytes:
        return self._speech.say(self._text())

    def _piece(self, number: int) -> Callable[[], bytes]:
        return lambda: self._speech.say_piece(self._speech.pieces(self._text())[number])

    def _apologise(self) -> bytes:
        return self._speech.say(APOLOGY)

    def _trail(self) -> bytes:
        return self._speech.say(TROUBLE)
