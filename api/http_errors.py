"""Errors that come from HTTP itself: their codes, titles and hints, in our words."""

from __future__ import annotations

from collections.abc import Mapping

from werkzeug.exceptions import HTTPException, MethodNotAllowed

#: Status, code, title.
HTTP_CODES = (
    (400, "bad_request", "The request cannot be read."),
    (404, "no_such_route", "There is no such address."),
    (405, "method_not_allowed", "This address does not take that method."),
    (408, "request_timeout", "The request took too long to arrive."),
    (413, "request_too_large", "The request's body is larger than the limit."),
    (414, "request_line_too_long", "The address is longer than the limit."),
    (415, "unsupported_media_type", "The body is of another content type than this route takes."),
    (417, "expectation_failed", "The request expects what this server does not do."),
    (422, "invalid_request", "The request is not valid."),
    (431, "request_headers_too_large", "The request's headers are more or longer than the limit."),
    (
        501,
        "not_implemented",
        "The request's body is coded in a way that this server does not know.",
    ),
    (500, "internal", "Something went wrong here; the request id finds it in the log."),
)
#: What to do about some of them.
HTTP_HINTS: Mapping[str, str] = {
    "no_such_route": "Look for a slip in the path; `/docs` and `/openapi.json` have every route.",
    "method_not_allowed": "Use a method that the header `Allow` names.",
}


def say_http(error: HTTPException, title: str) -> str:
    """What happened, in our words where the framework has only its own."""
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        return f"This address takes {', '.join(sorted(error.valid_methods))}."
    stock = error.description is None or error.description == type(error).description
    return title if stock else str(error.description)
