"""What a worker says of its room and what a look at the due set answers. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from service.model.lifecycle import Queue


@dataclass(frozen=True, slots=True)
class Rooms:
    """Free places of one worker, by queue, believed until `until_ms`."""

    worker: str
    until_ms: int
    free: Mapping[Queue, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QueueLook:
    """One queue: how long its latest due row has waited for a worker, its bells, its free places.

    `room` is what all its workers have said, the bells not taken off.
    """

    late_ms: int = 0
    length: int = 0
    room: int = 0


@dataclass(frozen=True, slots=True)
class Tick:
    """What one look at the due set did; `late_ms` is how late the latest row was."""

    rung: int
    put_off: int
    late_ms: int
    queues: Mapping[Queue, QueueLook] = field(default_factory=dict)


def read_tick(reply: Sequence[str]) -> Tick:
    """The answer of `tick.lua`."""
    rung, put_off, late, queues = reply
    looks = {Queue(name): QueueLook(*found) for name, found in json.loads(queues).items()}
    return Tick(int(rung), int(put_off), int(late), looks)
