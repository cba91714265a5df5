"""What happens before and after every request: its id, its key, its content type and size."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import partial, wraps
from socket import SHUT_RDWR
from typing import Any, TypeVar, cast

from flask import Flask, Response, g, request

from api.problems import RequestTooLarge, UnsupportedMediaType
from api.state import services, state
from api.viewers import (
    BEACON_BYTES,
    admit_viewer,
    answer_preflight,
    open_to_origin,
    viewer,
)
from service.clock import Clock
from service.errors import FieldError, KeyScopeMissing, RateExceeded
from service.jobs.submit import Caller
from service.logs import learn
from service.model.scope import Scope
from service.throttle import WINDOW_S, Turn

#: Blueprints all of whose routes need a scope of their own.
_ROOM_SCOPES = {"webhooks": Scope.WEBHOOKS, "admin": Scope.ADMIN}
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}", re.ASCII)
#: How much of a refused body is read after the answer, and for how long.
LINGER_BYTES = 64 * 1024 * 1024
LINGER_S = 10.0
LINGER_PIECE_BYTES = 256 * 1024
#: What is below `/v1` and needs no key.
OPEN = frozenset({("OPTIONS", "/v1/uploads/tus")})
View = TypeVar("View", bound=Callable[..., Any])


def register_gate(app: Flask) -> None:
    """Put the gate around every request of an app."""
    app.before_request(name_request)
    app.before_request(answer_preflight)
    app.before_request(require_key)
    app.after_request(finish_response)
    app.after_request(open_to_origin)


def name_request() -> None:
    """Take the caller's `X-Request-Id` when it is one, else make one."""
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else f"req_{uuid.uuid4().hex}"
    learn(request_id=g.request_id)


def require_key() -> None:
    """Find out who calls; every route below `/v1` needs a key, whether or not it exists.

    But for `OPEN`: a client may ask which version of tus is spoken before it shows a key. A
    publishable key opens what is for viewers.

    Raises:
        Unauthorized: there is no key that works.
        RateExceeded: the key has sent too many requests in this minute.
        Forbidden: the key does not open this route.
    """
    if (request.method, request.path.rstrip("/")) in OPEN:
        return
    if request.path == "/v1" or request.path.startswith("/v1/"):
        if admit_viewer():
            return
        g.caller = state().keys.resolve(request.headers.get("Authorization"))
        count_request(g.caller)
        if request.url_rule is not None:
            require_scope(g.caller, scope_of(request.blueprint or "", request.method))


def count_request(caller: Caller) -> None:
    """Count a request of a key against its requests in a minute.

    Raises:
        RateExceeded: there are too many.
    """
    g.turn = turn = state().throttle.take(caller.key_id)
    if turn is not None and not turn.allowed:
        raise RateExceeded(
            f"This key has sent {turn.limit} requests within a minute.",
            policy="default",
            retry_after_s=turn.reset_s,
        )


def scope_of(room: str, method: str) -> Scope:
    """The scope that a route needs, by the name of its blueprint and the method asked for."""
    if room in _ROOM_SCOPES:
        return _ROOM_SCOPES[room]
    return Scope.JOBS_READ if method.upper() in _READING else Scope.JOBS_WRITE


def require_scope(caller: Caller, scope: Scope) -> None:
    """Refuse a key without a scope.

    Raises:
        KeyScopeMissing: it has not got it.
    """
    if scope not in caller.scopes:
        raise KeyScopeMissing(f"This needs a key with the scope {scope}.", scope=scope.value)


def finish_response(response: Response) -> Response:
    """Echo the request's id, and keep answers out of shared caches."""
    response.headers["X-Request-Id"] = g.get("request_id", "")
    response.headers.setdefault("Cache-Control", "private, no-store")
    limit_headers(response)
    if response.status_code >= 400 and request.method in {"POST", "PUT", "PATCH"}:
        response.call_on_close(partial(drop_rest, request.environ, services().clock))
    return response


def limit_headers(response: Response) -> None:
    """Say what the key may still send (draft-ietf-httpapi-ratelimit-headers-11)."""
    turn: Turn | None = g.get("turn")
    if turn is None:
        return
    response.headers["RateLimit-Policy"] = f'"default";q={turn.limit};w={WINDOW_S}'
    # An answer that names another limit has said so itself.
    response.headers.setdefault("RateLimit", f'"default";r={turn.remaining};t={turn.reset_s}')


def drop_rest(environ: dict[str, Any], clock: Clock) -> None:
    """Read on after an early refusal, within limits: closing now could destroy the answer.

    A client that sends a whole body before it reads would find its connection reset instead.
    """
    client = environ.get("gunicorn.socket")
    if client is None:
        return
    until_s = clock.monotonic_s() + LINGER_S
    left = LINGER_BYTES
    with suppress(OSError):
        while left > 0 and clock.monotonic_s() < until_s:
            piece = environ["wsgi.input"].read(LINGER_PIECE_BYTES)
            if not piece:
                return
            left -= len(piece)
            clock.sleep(0)
        client.shutdown(SHUT_RDWR)


def takes_json(view: View) -> View:
    """Refuse another content type (415) or too large a body (413) before the body is read.

    Browsers with a publishable key may call it text, which they send without asking before.
    """

    @wraps(view)
    def checked(*args: Any, **kwargs: Any) -> Any:
        is_json = request.mimetype == "application/json" or request.mimetype.endswith("+json")
        beacon = viewer() is not None
        if not is_json and not (beacon and request.mimetype == "text/plain"):
            raise UnsupportedMediaType(f"The body is {request.mimetype or 'of no type'}.")
        most = services().settings.request_max_bytes
        most = min(most, BEACON_BYTES) if beacon else most
        request.max_content_length = most
        if (request.content_length or 0) > most:
            raise_too_large(most)
        return view(*args, **kwargs)

    return cast("View", checked)


def raise_too_large(most: int) -> None:
    """Refuse a body."""
    text = f"The body is larger than {most} bytes."
    raise RequestTooLarge(text, [FieldError("#", text)])
