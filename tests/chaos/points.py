"""Named points at which processes are killed or stopped, and what must come of each. Plain data.

Every job has one variant, so that nothing else of it is under way in the process that is struck.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from tests.chaos.watch import Deed, Trap, Wire

_CUT, _CLIP = "^cut:", "^clip:"
_RUN, _UPLOAD, _SUBMIT, _CDN = (
    "/run_sse", "/api/upload-video/", "/api/render/proxy/lambda", "/cdn/",
)  # fmt: skip
#: Longer than a lease and its grace at scale 1, so that others take over.
_LONG_S = 5.0
_NONE: Mapping[str, object] = {}


class Keeps(StrEnum):
    """What holds at a point: the guard that `tests.chaos.guards` takes away to see it fail."""

    LEASE_ENDS = "the lease of the dead ends"
    OWN_INTENT = "only the claim that wrote an intent sends it"
    DUE = "what is to be done is due, whatever becomes of its doorbell"
    STEP_WRITTEN = "a step's commit makes the next one due in the same write"
    CUTS_WOKEN = "a clip's end wakes its cuts, and they look by themselves"
    FINISH_WRITTEN = "the last cut's commit makes the job's end due in the same write"
    EVENT_WRITTEN = "a job's end is told in the same write"
    DELIVERIES_WRITTEN = "an event's end and its deliveries are one write"
    ATTEMPT_WRITTEN = "a delivery ends with what came of it"
    SAME_KEY = "an Idempotency-Key makes one job"
    FIND_RENDER = "a render is asked for before it is submitted again"
    FIND_FILE = "a file is looked for before it is sent again"
    BOOK_ONCE = "a charge is booked once"
    LATE_SENDER = "no paid call starts late in a lease"
    SAME_PLAN = "the same plan again changes nothing"
    OPENED_ONCE = "a book is opened once"
    COUNTED_ONCE = "an outcome is counted once"
    FROZEN_IS_TOLD = "a frozen verdict whose row is open is told by the next look"
    TOLD_ONCE = "an experiment is closed once"
    TELLING_WRITTEN = "the end of an experiment is told in the same write"
    NOTHING_WRITTEN = "nothing of ours: the caller asks again"


@dataclass(frozen=True, slots=True)
class Expected:
    """What the books say of the cut at the end.

    `again`: some event reaches the receiver twice; `resumes`: what was held is claimed again.
    """

    cut: str = "succeeded"
    code: str = ""
    charged: str = "yes"
    sends: int = 1
    renders: int = 1
    uploads: int = 1
    again: bool = False
    resumes: bool = True


SENT = Expected()
#: The intent was on disk and nobody may send: the edit is honestly in doubt.
UNSENT = Expected("failed", "edit_unconfirmed", "no", sends=0, renders=0)
#: It was sent; the backend ends a run whose reader is gone.
ABORTED = Expected("failed", "edit_unconfirmed", "no", sends=1, renders=0)


@dataclass(frozen=True, slots=True)
class Point:
    """One place, what happens there, what holds, and what comes of it."""

    name: str
    wire: Wire
    what: str
    keeps: Keeps
    expected: Expected = SENT
    row: str = ""
    goes: tuple[str, str] | None = None
    method: str = ""
    deed: Deed = Deed.KILL
    victim: str = ""
    skips: int = 0
    switches: Mapping[str, object] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        """Its name as a word."""
        return re.sub(r"\W+", "-", self.name)

    def trap(self) -> Trap:
        stop_s = _LONG_S if self.deed is Deed.STOP else 0.0
        return Trap(
            self.wire, self.what, self.deed, self.row, self.goes, self.method, self.victim, stop_s,
            self.skips,
        )  # fmt: skip


def _commit(
    row: str,
    before: str,
    after: str,
    name: str = "",
    expected: Expected = SENT,
    switches: Mapping[str, object] = _NONE,
) -> tuple[Point, Point]:
    """Both sides of a commit; before it the lease must end, after it the next step be written."""
    name, goes = name or f"the commit {before} to {after}", (before, after)
    # What stays with its process is under a lease; what goes to another queue is rung for.
    kept = goes in _KEPT
    holds = Keeps.LEASE_ENDS if kept else _FOLLOWS.get(goes, Keeps.STEP_WRITTEN)
    resumed = replace(expected, resumes=kept)
    return (
        Point(f"before {name}", Wire.BEFORE, "commit", Keeps.LEASE_ENDS, expected, row, goes,
              switches=switches),
        Point(f"after {name}", Wire.AFTER, "commit", holds, resumed, row, goes, switches=switches),
    )  # fmt: skip


#: Commits after which the same process goes on under its lease.
_KEPT = frozenset({("captioned", "rendering"), ("captioning", "captioned"),
                   ("captioning", "recovering"), ("recovering", "captioned"),
                   ("pending", "fetching")})  # fmt: skip
#: What commits write that end their row.
_FOLLOWS = {
    ("probing", "ready"): Keeps.CUTS_WOKEN,
    ("stored", "succeeded"): Keeps.FINISH_WRITTEN,
    ("recovering", "failed"): Keeps.FINISH_WRITTEN,
}
_CONTINUE = {"run_on_disconnect": "continue"}
#: The stream is cut by the backend, whose run goes on, or ends with it.
_DROPPED = {"drop_after_events": 1, "run_continues": True}
_ENDED = {"drop_after_events": 1}

ACCEPTING = (
    Point("before an accept", Wire.BEFORE, "create_job", Keeps.NOTHING_WRITTEN,
          Expected(resumes=False)),
    Point("after an accept, before its answer", Wire.AFTER, "create_job", Keeps.SAME_KEY,
          Expected(resumes=False)),
    Point("between pop and claim", Wire.AFTER, "brpop", Keeps.DUE, Expected(resumes=False), _CLIP),
    Point("after a claim", Wire.AFTER, "claim", Keeps.LEASE_ENDS, SENT, _CUT),
    *_commit(_CLIP, "pending", "fetching"),
    *_commit(_CLIP, "fetching", "probing"),
    *_commit(_CLIP, "probing", "ready"),
)  # fmt: skip
EDITING = (
    *_commit(_CUT, "queued", "session_open"),
    Point("during the upload", Wire.SENDING, _UPLOAD, Keeps.LEASE_ENDS, method="POST"),
    Point("after the upload", Wire.ANSWERED, _UPLOAD, Keeps.FIND_FILE, method="POST"),
    *_commit(_CUT, "session_open", "uploaded"),
    Point("after the reservation", Wire.AFTER, "reserve", Keeps.LEASE_ENDS, SENT, _CUT),
    Point("before the intent", Wire.BEFORE, "commit", Keeps.LEASE_ENDS, SENT, _CUT,
          ("uploaded", "captioning")),
    Point("after the intent", Wire.AFTER, "commit", Keeps.OWN_INTENT, UNSENT, _CUT,
          ("uploaded", "captioning")),
    Point("at the send", Wire.ASKED, _RUN, Keeps.OWN_INTENT, UNSENT),
    Point("after the send, and the run ends", Wire.ANSWERED, _RUN, Keeps.OWN_INTENT, ABORTED),
    Point("after the send, and the run goes on", Wire.ANSWERED, _RUN, Keeps.OWN_INTENT, SENT,
          switches=_CONTINUE),
    Point("before the evidence", Wire.BEFORE, "evidence", Keeps.OWN_INTENT, SENT, _CUT),
    Point("after the charge", Wire.AFTER, "settle", Keeps.BOOK_ONCE, SENT, _CUT),
    Point("before the commit captioning to captioned", Wire.BEFORE, "commit", Keeps.OWN_INTENT,
          SENT, _CUT, ("captioning", "captioned")),
    _commit(_CUT, "captioning", "captioned")[1],
    Point("stopped between intent and send", Wire.AFTER, "commit", Keeps.LATE_SENDER, UNSENT, _CUT,
          ("uploaded", "captioning"), deed=Deed.STOP),
    Point("stopped while a stream runs", Wire.ANSWERED, _RUN, Keeps.OWN_INTENT, SENT,
          deed=Deed.STOP),
)  # fmt: skip
RECOVERING = (
    *_commit(_CUT, "captioning", "recovering", switches=_DROPPED),
    *_commit(_CUT, "recovering", "captioned", switches=_DROPPED),
    *_commit(_CUT, "recovering", "failed", expected=ABORTED, switches=_ENDED),
)
RENDERING = (
    *_commit(_CUT, "captioned", "rendering", "the render's intent"),
    Point("at the submit", Wire.ASKED, _SUBMIT, Keeps.LEASE_ENDS, method="POST"),
    Point("after the submit", Wire.ANSWERED, _SUBMIT, Keeps.FIND_RENDER, method="POST"),
    Point("before the submit's commit", Wire.BEFORE, "commit", Keeps.FIND_RENDER, SENT, _CUT,
          ("rendering", "rendering")),
    Point("stopped after the submit", Wire.ANSWERED, _SUBMIT, Keeps.FIND_RENDER, method="POST",
          deed=Deed.STOP),
    *_commit(_CUT, "rendering", "rendered"),
    Point("during the download", Wire.HEARING, _CDN, Keeps.LEASE_ENDS, victim="transfer"),
    *_commit(_CUT, "rendered", "stored"),
    *_commit(_CUT, "stored", "succeeded"),
)  # fmt: skip
TELLING = (
    Point("before the finish", Wire.BEFORE, "finish", Keeps.LEASE_ENDS),
    Point("after the finish", Wire.AFTER, "finish", Keeps.EVENT_WRITTEN, Expected(resumes=False)),
    Point("before a fan-out", Wire.BEFORE, "fan_out", Keeps.LEASE_ENDS),
    Point("after a fan-out", Wire.AFTER, "fan_out", Keeps.DELIVERIES_WRITTEN,
          Expected(resumes=False)),
    Point("during a delivery", Wire.TOLD, "job.succeeded", Keeps.LEASE_ENDS, Expected(again=True)),
    Point("before a delivery is recorded", Wire.BEFORE, "record_attempt", Keeps.LEASE_ENDS,
          Expected(again=True)),
    Point("after a delivery is recorded", Wire.AFTER, "record_attempt", Keeps.ATTEMPT_WRITTEN,
          Expected(resumes=False)),
)  # fmt: skip
POINTS = (*ACCEPTING, *EDITING, *RECOVERING, *RENDERING, *TELLING)
