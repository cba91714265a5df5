"""What every step of a probe works with, and how a step is run and noted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from service.clock import Clock
from service.errors import CaptionAbError
from service.media.formats import Format
from service.nemo.client import NemoClient
from service.nemo.exchange import Exchange
from service.nemo.probe_facts import EDIT_CREDITS, Ending, Facts, StepNote
from service.nemo.recording import Recorder
from service.nemo.wire import Session
from service.settings import Settings

T = TypeVar("T")
#: Asks a person; the second argument says whether a general yes covers the question.
Ask = Callable[[str, bool], bool]


class StepSkipped(Exception):
    """A step has nothing to do; the text says why."""


@dataclass(frozen=True, slots=True)
class ProbeOptions:
    """What a person asked for. `started` is the time as the report prints it."""

    clip: Path
    out: Path
    account_file: Path
    started: str
    token: str = field(default="", repr=False)
    token_name: str = "NEMO_TOKEN"  # noqa: S105  the name of a variable
    captions: str = ""
    captions_format: str = ""
    full: bool = False
    loopback: bool = False


@dataclass(slots=True)
class Bench:
    """The parts of one run. `save` writes recording and report as they are."""

    options: ProbeOptions
    settings: Settings
    clock: Clock
    client: NemoClient
    exchange: Exchange
    recorder: Recorder
    facts: Facts
    ask: Ask
    tell: Callable[[str], None]
    save: Callable[[], None]
    clip_format: Format
    token: str = field(default="", repr=False)
    session: Session | None = None

    def run(self, name: str, words: str, act: Callable[[], T]) -> T | None:
        """Run a step; None when it was refused, failed or had nothing to do: the note says."""
        self.recorder.step = self.facts.step = name
        self.tell(f"{words} ...")
        note = StepNote(name, Ending.RUNNING)
        self.facts.steps.append(note)
        try:
            value = act()
        except StepSkipped as reason:
            note.ending, note.detail = Ending.SKIPPED, str(reason)
            value = None
        except CaptionAbError as error:
            note.ending, note.detail = Ending.REFUSED, error.detail
            note.error = type(error).__name__
            value = None
        except Exception as error:  # noqa: BLE001  a fault of ours must not end a run that has paid
            note.ending, note.error = Ending.FAILED, type(error).__name__
            note.detail = "a fault of the probe"
            value = None
        else:
            note.ending = Ending.DONE
        self.tell(f"  {note.ending}{f': {note.detail}' if note.detail else ''}")
        self.save()
        return value

    @property
    def clip_name(self) -> str:
        """What the clip is called in the session: a file's own name may be private."""
        return f"probe.{self.clip_format.name}"

    def say(self, detail: str) -> None:
        """Add words to the note of the step that runs."""
        note = self.facts.steps[-1]
        note.detail = f"{note.detail}; {detail}" if note.detail else detail

    @property
    def session_id(self) -> str:
        """The session's id.

        Raises:
            StepSkipped: there is no session.
        """
        if self.session is None:
            raise StepSkipped("there is no session")
        return self.session.session_id

    def read_balance(self, moment: str) -> int | None:
        """Read the balance and keep it under the name of a moment."""

        def read() -> int:
            balance = self.client.credits(self.token)
            self.facts.balances[moment] = balance
            self.say(f"{balance.available} available, {balance.frozen} frozen")
            return balance.available

        return self.run(f"credits_{moment}", "Reading the balance", read)

    def may_spend(self, what: str) -> bool:
        """Ask before credits are spent, with the balance as it is."""
        balance = self.facts.last_balance
        known = (
            f"{balance.available} credits are available" if balance else "the balance is unknown"
        )
        enough = balance is None or balance.available >= EDIT_CREDITS
        text = f"{what} costs about {EDIT_CREDITS} credits; {known}, the backend decides."
        if not enough:
            text += " That is too little: it will probably be refused, which costs nothing."
        return self.ask(f"{text} Send it?", enough)
