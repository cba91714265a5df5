"""What is told of every request: counted, timed, and one line in the log."""

from __future__ import annotations

import logging
from contextlib import ExitStack

from flask import Flask, Response, g, request

from api.state import services
from service.logs import begin_anew, learn
from service.metrics import REQUEST_SECONDS, REQUESTS, count, observe
from service.tracing import SpanKind, span

log = logging.getLogger("caption_ab.access")
_TRACEPARENT_CHARS = 60
#: Whoever calls may invent methods: they must not become labels.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def register_watch(app: Flask) -> None:
    """Watch every request of an app."""
    app.before_request(begin)
    app.after_request(tell)
    app.teardown_request(end)


def begin() -> None:
    """Start the clock, the lines and the span of this request."""
    begin_anew()
    g.span = ExitStack()
    traced = request.headers.get("traceparent", "")[:_TRACEPARENT_CHARS]
    g.note = g.span.enter_context(span(request.method, SpanKind.SERVER, parent=traced))
    g.began_s = services().clock.monotonic_s()
    g.waited_s = 0.0


def tell(response: Response) -> Response:
    """Count the answer and write its line; the query is left out, it may hold names of files."""
    took_s = services().clock.monotonic_s() - g.get("began_s", 0.0)
    method = request.method if request.method in _METHODS else "OTHER"
    route = request.url_rule.rule if request.url_rule is not None else "none"
    status = response.status_code
    count(REQUESTS, method=method, route=route, status=str(status))
    observe(REQUEST_SECONDS, max(0.0, took_s - g.get("waited_s", 0.0)), method=method, route=route)
    learn(job=(request.view_args or {}).get("job_id"))
    fields = {
        "method": method,
        "path": _told_path(),
        "route": route,
        "status": status,
        "took_ms": round(took_s * 1000, 1),
        "bytes": response.content_length,
        "tenant": g.caller.tenant_id if "caller" in g else None,
    }
    log.log(logging.INFO if status < 500 else logging.WARNING, "request", extra=fields)
    if "note" in g:
        g.note("http.route", route)
        g.note("http.response.status_code", status)
        g.note("caption_ab.request_id", str(g.get("request_id", "")))
    return response


def _told_path() -> str:
    """The path without the token that is its own key, as the address of a viewer's video has."""
    token = (request.view_args or {}).get("token", "")
    return (request.path.replace(token, "...") if token else request.path)[:200]


def end(_error: BaseException | None) -> None:
    """The span ends, and what follows in this greenlet is about something else."""
    if "span" in g:
        g.span.close()
    begin_anew()
