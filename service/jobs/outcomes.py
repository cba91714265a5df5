"""What a step returns. A step decides; `advance` alone turns its decision into a write. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from service.model.cut import ClipDoc, CutDoc, Failure
from service.model.lifecycle import ClipState, CutState
from service.webhooks.events import EventType

UnitDoc = ClipDoc | CutDoc
UnitState = ClipState | CutState


@dataclass(frozen=True, slots=True)
class News:
    """Something to tell the outside in the same write."""

    kind: EventType
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Advance:
    """Go on at once, here or on the next state's queue."""

    state: UnitState
    doc: UnitDoc
    news: tuple[News, ...] = ()
    session: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Look again in `delay_s`; no worker waits meanwhile."""

    delay_s: float
    doc: UnitDoc
    state: UnitState
    news: tuple[News, ...] = ()


@dataclass(frozen=True, slots=True)
class End:
    """Done, for better or worse: the state is a terminal one."""

    state: UnitState
    doc: UnitDoc
    news: tuple[News, ...] = ()


@dataclass(frozen=True, slots=True)
class Pause:
    """A person must act first; `resume_state` is where the cut goes on."""

    failure: Failure
    doc: CutDoc
    resume_state: CutState


Outcome = Advance | Wait | End | Pause
