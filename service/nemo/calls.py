"""Calls to the backend as they are counted and traced: each under one short name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from service.clock import Clock
from service.errors import BackendError
from service.metrics import BACKEND_ERRORS, BACKEND_SECONDS, count, timed
from service.tracing import SpanKind, span

#: First match wins; a path's ids are in no name.
_NAMES = (
    ("/api/auth/anonymous-token", "token"),
    ("/api/auth/claim-token", "claim"),
    ("/api/tasks/", "session"),
    ("/api/upload-video/", "upload"),
    ("/api/credits/", "credits"),
    ("/api/state/", "state"),
    ("/run_sse", "edit"),
)
_RENDERS = "/api/render/proxy/"


def call_name(method: str, path: str) -> str:
    """A request to the backend in one word. Pure."""
    if path.startswith(_RENDERS):
        if path.endswith("/cancel"):
            return "cancel"
        if path.endswith("/download"):
            return "download"
        return "render" if method == "POST" else "poll"
    return next((name for start, name in _NAMES if path.startswith(start)), "other")


@contextmanager
def watched(call: str, clock: Clock) -> Iterator[None]:
    """Count a call, its duration and its error."""
    with span(f"backend {call}", SpanKind.CLIENT), timed(BACKEND_SECONDS, clock, call=call):
        try:
            yield
        except BackendError as error:
            count(BACKEND_ERRORS, call=call, code=error.code)
            raise
