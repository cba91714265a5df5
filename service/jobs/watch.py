"""What is told of work on a row: counted, and a line in the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from service.clock import Clock
from service.errors import CaptionAbError
from service.metrics import STEP_FAILURES, STEP_SECONDS, count, timed
from service.model.origin import read_origin
from service.model.rows import row_kind
from service.store.commands import Change, Claim
from service.tracing import span

_log = logging.getLogger(__name__)


@contextmanager
def watched(claim: Claim, clock: Clock) -> Iterator[None]:
    """One step of a row."""
    kind, parent = row_kind(claim.row), read_origin(claim.origin).traceparent
    step = span(f"{kind} {claim.state}", parent=parent, row=claim.row)
    with step, timed(STEP_SECONDS, clock, kind=kind, state=claim.state):
        yield


def tell_failed(claim: Claim, error: CaptionAbError) -> None:
    """A step met an error, which becomes an outcome."""
    count(STEP_FAILURES, kind=row_kind(claim.row), state=claim.state, code=error.code)
    _log.info("step_failed", extra={"row": claim.row, "state": claim.state, "code": error.code})


def tell_moved(claim: Claim, change: Change) -> None:
    """A step was committed."""
    _log.info("step_done", extra={"row": claim.row, "state": claim.state, "next": change.state})
