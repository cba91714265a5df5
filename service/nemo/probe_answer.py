"""An open question and what a run says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from service.nemo.probe_fixtures import name_of
from service.nemo.recording import Recorded

_FILES_NAMED = 6


class Certainty(StrEnum):
    """How far a question is answered."""

    ANSWERED = "answered"
    HINT = "hint"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Answer:
    """One question. `why` says of a question that is not answered why it is not."""

    id: str
    question: str
    certainty: Certainty
    answer: str = ""
    why: str = ""
    evidence: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def files_of(exchanges: Sequence[Recorded]) -> tuple[str, ...]:
    """The fixtures of exchanges, as evidence."""
    return tuple(name_of(each) for each in exchanges)[:_FILES_NAMED]


def open_question(name: str, question: str, why: str) -> Answer:
    """A question that this run leaves open."""
    return Answer(name, question, Certainty.OPEN, why=why)
