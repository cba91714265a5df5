"""Logs as JSON lines on standard error: time, level, logger, event and the fields given.

What a process works on (a row, the request that it goes back to) is said once, by `about` and
`learn`, and then stands in every line until that work is done.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from service.model.lifecycle import RowKind
from service.webhooks.events import iso_time

_KNOWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
#: One dictionary a thread or greenlet; it is filled as more is learned.
_subject: ContextVar[dict[str, Any] | None] = ContextVar("subject", default=None)


@contextmanager
def about(**fields: Any) -> Iterator[None]:
    """Put fields into every line of a block, and what is learned within it."""
    token = _subject.set({**(_subject.get() or {}), **fields})
    try:
        yield
    finally:
        _subject.reset(token)


def learn(**fields: Any) -> None:
    """Put more fields into the lines of the innermost block; those that are empty are left out."""
    subject = _subject.get()
    if subject is not None:
        subject.update({name: value for name, value in fields.items() if value})


def begin_anew() -> None:
    """Forget what this thread or greenlet was about, and begin to learn anew."""
    _subject.set({})


class JsonLines(logging.Formatter):
    """One JSON object a record; `job` and `cut` are told from `row`."""

    def format(self, record: logging.LogRecord) -> str:
        body: dict[str, Any] = {
            "at": iso_time(int(record.created * 1000)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            "pid": record.process,
            **(_subject.get() or {}),
        }
        body.update({name: value for name, value in vars(record).items() if name not in _KNOWN})
        for name, value in _parts(body.get("row")).items():
            body.setdefault(name, value)
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


def _parts(row: Any) -> dict[str, str]:
    """What a row's name says: its job, and for a cut the id that the API calls it by."""
    if not isinstance(row, str) or ":" not in row or row.startswith(RowKind.TOKEN):
        return {}
    kind, _, name = row.partition(":")
    parts = {"job": name.partition(".")[0]}
    return {**parts, "cut": name} if kind == RowKind.CUT else parts
