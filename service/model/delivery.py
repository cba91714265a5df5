"""An event on its way to one endpoint, and an event that belongs to no job: what rows remember."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

#: How much of a reply is kept of the latest try, and of those before it.
REPLY_CHARS = 4096
OLD_REPLY_CHARS = 256
#: Tries by hand that a delivery remembers, the newest: they may be asked for again and again.
MANUAL_KEPT = 50
#: The endpoint of the webhook that a job itself names.
JOB_ENDPOINT = "job"


class DeliveryState(StrEnum):
    """Where a delivery is. `replaying` is one that had ended and is tried once more by hand."""

    PENDING = "pending"
    REPLAYING = "replaying"
    DELIVERED = "delivered"
    FAILED = "failed"
    DISABLED = "disabled"


class Trigger(StrEnum):
    """Why a try was made."""

    SCHEDULED = "scheduled"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try. `status` is 0 when there was no reply, and `note` says why; `reply` begins the body.

    An earlier release kept the first words of a reply as `note`.
    """

    at_ms: int
    status: int
    duration_ms: int
    note: str = ""
    reply: str = ""
    trigger: Trigger = Trigger.SCHEDULED

    @property
    def error(self) -> str:
        """The code of an error in docs/errors.md; empty where there was a reply."""
        return "" if self.status else self.note

    @property
    def said(self) -> str:
        """How the reply begins."""
        return self.reply or (self.note if self.status else "")


@dataclass(frozen=True, slots=True)
class DeliveryDoc:
    """An event on its way to one endpoint. The body is the job's event of that sequence.

    An event of no job has its `body` here, its id in the place of the job and sequence 0.
    `generation` is the endpoint's when the delivery was made: one made before the endpoint was
    switched off is not sent when it is switched on again.
    """

    job_id: str
    sequence: int
    endpoint: str
    url: str
    tenant_id: str
    message_id: str
    attempts: tuple[Attempt, ...] = ()
    type: str = ""
    created_ms: int = 0
    generation: int = 0
    body: str = ""

    @property
    def scheduled(self) -> int:
        """How many tries the schedule has made."""
        return sum(each.trigger is Trigger.SCHEDULED for each in self.attempts)


@dataclass(frozen=True, slots=True)
class NoticeDoc:
    """An event of a tenant that belongs to no job, on its way to the endpoints that want it."""

    tenant_id: str
    body: str


def add_attempt(doc: DeliveryDoc, attempt: Attempt) -> DeliveryDoc:
    """A delivery with one more try; of the replies before it only the first words are kept.

    All tries of the schedule stay, and the newest `MANUAL_KEPT` by hand.
    """
    before = [replace(each, reply=each.reply[:OLD_REPLY_CHARS]) for each in doc.attempts]
    tries = [*before, attempt]
    too_many = sum(each.trigger is Trigger.MANUAL for each in tries) - MANUAL_KEPT
    kept = []
    for each in tries:
        if each.trigger is Trigger.MANUAL and too_many > 0:
            too_many -= 1
        else:
            kept.append(each)
    return replace(doc, attempts=tuple(kept))
