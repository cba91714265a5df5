"""What a probe has come to know, as plain values that its steps fill in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from service.nemo.wire import Credits

#: What one edit session is documented to cost, about (V19); the backend alone decides.
EDIT_CREDITS = 50


class Ending(StrEnum):
    """How a step ended, or the whole run."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    SKIPPED = "skipped"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    DECLINED = "declined"


@dataclass(slots=True)
class StepNote:
    """One step of the walk. `error` is the kind of refusal as the client understood it."""

    name: str
    ending: Ending
    detail: str = ""
    error: str = ""


@dataclass(slots=True)
class EditFacts:
    """One message to the agent. `changed` is None while nobody has looked."""

    sent: bool = False
    ended: str = ""
    text: str = ""
    tools: tuple[str, ...] = ()
    changed: bool | None = None
    changed_after_s: float | None = None
    moved_later: bool = False
    tracks_before: Mapping[str, int] = field(default_factory=dict)
    tracks_after: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class DisconnectFacts:
    """The second message, whose stream is dropped on purpose."""

    edit: EditFacts = field(default_factory=EditFacts)
    dropped_after_s: float | None = None
    changed_at_drop: bool = False
    inconclusive: str = ""


@dataclass(slots=True)
class Facts:
    """Everything that the answers are made of, beside the recording itself."""

    backend: str
    source: str
    account: str
    started: str
    #: Takes secrets out of a text; what the answers quote goes through it.
    redact: Callable[[str], str] = field(repr=False)
    ending: Ending = Ending.RUNNING
    step: str = ""
    steps: list[StepNote] = field(default_factory=list)
    balances: dict[str, Credits] = field(default_factory=dict)
    id_shapes: dict[str, str] = field(default_factory=dict)
    token_life: str = ""
    same_user: bool | None = None
    edit: EditFacts = field(default_factory=EditFacts)
    disconnect: DisconnectFacts | None = None
    draft: Mapping[str, Any] | None = field(default=None, repr=False)
    render_seconds: float | None = None
    result_url: str = field(default="", repr=False)
    result_bytes: int = 0
    result_sha256: str = ""
    url_still_works_after_s: float | None = None
    fallback: str = ""
    claim: str = ""

    def note(self, name: str) -> StepNote | None:
        """The last note of a step."""
        return next((each for each in reversed(self.steps) if each.name == name), None)

    @property
    def messages_sent(self) -> int:
        return self.edit.sent + (self.disconnect.edit.sent if self.disconnect else 0)

    @property
    def last_balance(self) -> Credits | None:
        return next((b for b in reversed(self.balances.values())), None)

    def charge(self) -> str:
        """What was or may have been charged, in one sentence."""
        before, after = self.balances.get("before"), self.last_balance
        if not self.messages_sent:
            return "No message was sent to the agent, so nothing was charged."
        sent = "One message was sent" if self.messages_sent == 1 else "Two messages were sent"
        read = len(self.balances) > 1
        if before is None or after is None or not read:
            most = EDIT_CREDITS * self.messages_sent
            return f"{sent} and the balance was not read afterwards: about {most} may be charged."
        spent = before.available - after.available
        words = f"{sent}; the balance went from {before.available} to {after.available}"
        held = f", {after.frozen} frozen" if after.frozen else ""
        words += f"{held}: {spent} credits."
        if self.ending is Ending.INTERRUPTED:
            words += " The run was interrupted: the backend may still charge for what it does."
        return words
