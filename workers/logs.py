"""Logs as JSON lines on standard error: time, level, logger, event and the fields given."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from service.webhooks.events import iso_time

_KNOWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """One JSON object a record; `extra` fields beside the fixed ones, `job` taken from `row`."""

    def format(self, record: logging.LogRecord) -> str:
        body: dict[str, Any] = {
            "at": iso_time(int(record.created * 1000)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            "pid": record.process,
        }
        body.update({name: value for name, value in vars(record).items() if name not in _KNOWN})
        row = body.get("row")
        if isinstance(row, str) and ":" in row:
            body.setdefault("job", row.partition(":")[2].partition(".")[0])
        if record.exc_info:
            body["trace"] = self.formatException(record.exc_info)
        return json.dumps(body, ensure_ascii=False, default=str)


def log_json(level: str = "info") -> None:
    """Send every logger of this process to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Celery tells every task's start and end; the rows' own lines say more.
    for name in ("celery.app.trace", "celery.worker.strategy", "kombu", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)
