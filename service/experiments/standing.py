"""How far an experiment is, as it is noted with its job: whoever lists jobs need not ask. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from service.experiments.states import State

#: Why an experiment that never began is over.
DROPPED = "videos_missing"
_STATES = frozenset(State)


class Status(StrEnum):
    """How far an experiment is."""

    WAITING = "waiting"  #: for the videos of its variants
    RUNNING = "running"
    DECIDED = "decided"
    DROPPED = "dropped"  #: the job ended without the variants
    LOST = "lost"  #: what was counted is not there any more


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an experiment is, and the state of its verdict once it is told."""

    status: Status
    state: State | None = None


def read_standing(note: str) -> Standing | None:
    """The note with a job: `waiting`, `running`, or what it was closed with; none if empty."""
    if not note:
        return None
    if note in {Status.WAITING, Status.RUNNING}:
        return Standing(Status(note))
    if note in _STATES:
        return Standing(Status.DECIDED, State(note))
    return Standing(end_without_verdict(note))


def standing_data(note: str) -> dict[str, str | None] | None:
    """The same as the API tells it."""
    found = read_standing(note)
    if found is None:
        return None
    return {"status": found.status.value, "state": found.state.value if found.state else None}


def end_without_verdict(why: str) -> Status:
    """How an experiment is over that has no verdict, by why it was closed."""
    return Status.DROPPED if why == DROPPED else Status.LOST
