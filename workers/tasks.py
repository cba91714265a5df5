"""The one task: look at a row."""

from __future__ import annotations

import logging

from service.errors import StoreError
from service.jobs.advance import advance as advance_row
from service.jobs.rounds import take_round
from service.logs import about
from service.metrics import ROWS_BROKEN, count
from workers.app import TASK_NAME, app
from workers.process import running

_log = logging.getLogger(__name__)


@app.task(name=TASK_NAME, ignore_result=True)
def advance(row: str) -> None:
    """Work on a row, and on those that are taken with it."""
    if running().draining or not _work_on(row):
        return  # a bell that came late begins no round: jobs wait behind it
    for each in take_round(row, running().services):
        if running().draining:
            return
        _work_on(each)


def _work_on(row: str) -> bool:
    """Whether it was worked on; whatever goes wrong, its lease and the due set bring it back."""
    with about(row=row):
        try:
            return advance_row(row, running().services) is None
        except StoreError as error:
            _log.warning("row_left", extra={"code": error.code, "why": error.detail})
        except Exception:  # noqa: BLE001  the lease recovers what a fault leaves
            count(ROWS_BROKEN)
            _log.exception("row_broken")
    return False
