"""What holds for every answer.

Its content type is wanted, its tag is its content's, browsers may do little with it, and a route
that will go says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import Any, TypeVar, cast

from flask import Flask, Response, g, request
from werkzeug.http import http_date

from api.openapi import Routes
from api.problems import CONTENT_TYPE, NotAcceptable

JSON = ("application/json", CONTENT_TYPE)
#: What a route answers beside JSON, by endpoint; a test sees that each is there.
ALSO: Mapping[str, tuple[str, ...]] = {
    "videos.read_video": ("video/mp4",),
    "pictures.read_picture": ("video/mp4", "image/jpeg", "image/png"),
    "reports.read_report_file": ("text/html",),
    "events.read_events": ("text/event-stream",),
}
#: Pages bring a policy of their own; everything else is no page and loads nothing.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Deprecation:
    """Since when a route is not to be used any more, when it goes, and where to read why."""

    since: datetime
    sunset: datetime | None
    see: str


def register_conventions(app: Flask) -> None:
    """Keep them for every request of an app."""
    app.before_request(check_accept)
    app.after_request(secure)
    app.after_request(tell_deprecation)
    app.after_request(tag)
    app.after_request(bare)


def check_accept() -> None:
    """Refuse who wants neither JSON nor what else the route has (RFC 9110, 12.5.1).

    Raises:
        NotAcceptable: 406; an `Accept` that is missing or empty takes anything.
    """
    if request.url_rule is None or not request.path.startswith("/v1/"):
        return
    offered = (*JSON, *ALSO.get(request.endpoint or "", ()))
    wanted = request.accept_mimetypes
    if wanted and not any(wanted.quality(each) > 0 for each in offered):
        raise NotAcceptable(f"This address answers {' or '.join(offered)}.")


def tag(response: Response) -> Response:
    """Give the content of a JSON answer its ETag, and 304 to whoever has it (RFC 9110, 13)."""
    if (
        request.method in {"GET", "HEAD"}
        and response.status_code == 200
        and request.path.startswith("/v1/")
        and response.mimetype == "application/json"
    ):
        response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32])
        response.headers.setdefault("Cache-Control", "private, no-cache")
        response.make_conditional(request)
        response.headers.pop("Date", None)  # the server writes one
    return response


def secure(response: Response) -> Response:
    """Let a browser that meets an answer load, frame, sniff and tell nothing."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if g.get("framed"):  # its policy names who may; this header can only forbid
        del response.headers["X-Frame-Options"]
    return response


def bare(response: Response) -> Response:
    """Take the framework's content type off an answer that has no content."""
    if response.mimetype == "text/html" and response.is_sequence and not response.get_data():
        response.headers.pop("Content-Type", None)
    return response


def security_headers() -> Mapping[str, str]:
    """The same for answers that no route gives."""
    return _HEADERS


def tell_deprecation(response: Response) -> Response:
    """Say that a route will go: `Deprecation` (RFC 9745), `Sunset` (RFC 8594), a link."""
    found: Deprecation | None = g.get("deprecation")
    if found is not None:
        response.headers["Deprecation"] = f"@{int(found.since.timestamp())}"
        if found.sunset is not None:
            response.headers["Sunset"] = http_date(found.sunset)
        response.headers.add("Link", f'<{found.see}>; rel="deprecation"; type="text/html"')
    return response


def deprecated(since: str, *, sunset: str = "", see: str) -> Callable[[View], View]:
    """Mark a route as one that will go, in its answers and in the document.

    Dates are ISO 8601 and in UTC. Put it above `@routes.arguments`, so that refusals tell it too.
    """
    end = datetime.fromisoformat(sunset).replace(tzinfo=UTC) if sunset else None
    mark = Deprecation(datetime.fromisoformat(since).replace(tzinfo=UTC), end, see)

    def decorate(view: View) -> View:
        @wraps(view)
        def marked(*args: Any, **kwargs: Any) -> Any:
            g.deprecation = mark
            return view(*args, **kwargs)

        return cast("View", Routes.doc(deprecated=True)(marked))

    return decorate
