"""Traces of a job across processes, where a collector is named; otherwise nothing is imported.

The request that made a job is the root; its `traceparent` is kept with the job, and every step,
backend call and delivery becomes a span below it, in whatever process it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from typing import Protocol

from service.errors import StartupError
from service.settings import Settings

Value = str | int | float | bool
Note = Callable[[str, Value], None]


class SpanKind(StrEnum):
    """Whose work a span is."""

    SERVER = "server"
    INTERNAL = "internal"
    CLIENT = "client"


class Tracer(Protocol):
    """Where spans go."""

    def span(
        self, name: str, kind: SpanKind, parent: str, attributes: Mapping[str, Value]
    ) -> AbstractContextManager[Note]: ...

    def traceparent(self) -> str: ...

    def close(self) -> None: ...


_tracer: Tracer | None = None


def install(tracer: Tracer | None) -> None:
    """Let this process's spans go there; none switches tracing off."""
    global _tracer  # noqa: PLW0603  one process, one tracer, like its logs
    _tracer = tracer


def start_tracing(settings: Settings, role: str) -> None:
    """Send spans of this process to the collector of `CAPTION_AB_OTLP_URL`, if there is one.

    To be called after a fork: the sender has a thread.

    Raises:
        StartupError: the libraries are not installed.
    """
    if not settings.otlp_url:
        return
    try:
        from service.otel import open_tracer
    except ImportError:
        raise StartupError(
            "CAPTION_AB_OTLP_URL is set, and OpenTelemetry is not installed.",
            hint="Install the extra `otel` (pip install 'caption-ab[otel]'), or unset it.",
        ) from None
    install(open_tracer(settings.otlp_url, role))


def stop_tracing() -> None:
    """Send what is left and stop."""
    if _tracer is not None:
        _tracer.close()
    install(None)


@contextmanager
def span(
    name: str, kind: SpanKind = SpanKind.INTERNAL, *, parent: str = "", **attributes: Value
) -> Iterator[Note]:
    """A block as a span, below `parent` (a W3C traceparent) or the span under way.

    Gives a function that notes one more attribute. An error is noted by its code, not by its text.
    """
    if _tracer is None:
        yield _ignore
        return
    with _tracer.span(name, kind, parent, attributes) as note:
        yield note


def current_traceparent() -> str:
    """The span under way as a W3C traceparent; empty without one."""
    return "" if _tracer is None else _tracer.traceparent()


def trace_headers() -> dict[str, str]:
    """What a request carries on, so that whoever serves it may go on with the trace."""
    found = current_traceparent()
    return {"traceparent": found} if found else {}


def _ignore(_name: str, _value: Value) -> None:
    """Nothing is noted where nothing is traced."""
