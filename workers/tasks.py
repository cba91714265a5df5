"""The one task: look at a row."""

from __future__ import annotations

import logging

from service.errors import StoreError
from service.jobs.advance import advance as advance_row
from workers.app import TASK_NAME, app
from workers.process import running

_log = logging.getLogger(__name__)


@app.task(name=TASK_NAME, ignore_result=True)
def advance(row: str) -> None:
    """Work on a row; whatever goes wrong, its lease and the due set bring it back."""
    if running().draining:
        return
    try:
        advance_row(row, running().services)
    except StoreError as error:
        _log.warning("row_left", extra={"row": row, "code": error.code, "why": error.detail})
    except Exception:  # noqa: BLE001  the lease recovers what a fault leaves
        _log.exception("row_broken", extra={"row": row})
