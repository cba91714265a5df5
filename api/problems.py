"""Errors as the caller sees them: RFC 9457 problem+json, one shape for all of them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from flask import Flask, Response, current_app, g
from werkzeug.exceptions import HTTPException

from api.http_errors import HTTP_CODES, HTTP_HINTS, say_http
from service.errors import (
    CaptionAbError,
    ClockRefused,
    Conflict,
    CreditQuotaExceeded,
    FieldError,
    FileTooLarge,
    Forbidden,
    Gone,
    InvalidRequest,
    KeyScopeMissing,
    MediaError,
    NotFound,
    QuotaExceeded,
    RateExceeded,
    StoreUnavailable,
    Unauthorized,
)
from service.store.arrivals import UploadLocked

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER_S = 2
log = logging.getLogger("caption_ab.api")


class UnsupportedMediaType(CaptionAbError):
    """The body is of another content type than this route takes."""

    code = "unsupported_media_type"
    hint = "Send JSON with `Content-Type: application/json`."


class NotAcceptable(CaptionAbError):
    """The `Accept` header admits nothing that this address answers."""

    code = "not_acceptable"
    hint = "Send `Accept: application/json`, or leave the header out."


class TooManyStreams(CaptionAbError):
    """This process has as many streams open as it may, or is about to end."""

    code = "too_many_streams"
    retryable = True
    hint = "Connect again in a few seconds, or ask for the events as JSON."


class TooManyDryRuns(CaptionAbError):
    """This process makes as many dry runs at once as it may."""

    code = "too_many_dry_runs"
    retryable = True
    hint = "Send the same request again in a few seconds."


class TooManyReports(CaptionAbError):
    """This process makes as many comparisons into one file at once as it may."""

    code = "too_many_reports"
    retryable = True
    hint = "Send the same request again in a few seconds."


class RequestTooLarge(InvalidRequest):
    """The request's body is larger than the limit."""

    code = "request_too_large"
    hint = "Send large files to POST /v1/uploads and name them by `upload_id`."


class MalformedRequest(InvalidRequest):
    """The request cannot be read at all: its body is not JSON, or breaks off."""

    code = "malformed_request"
    hint = "Send the request again, whole; a body of JSON must be valid and in UTF-8."


class IdempotencyKeyMissing(InvalidRequest):
    """This request needs an Idempotency-Key, because it may cost credits."""

    code = "idempotency_key_missing"
    hint = "Send `Idempotency-Key`: a new value for each message, the same to repeat it."


class TusVersionRefused(CaptionAbError):
    """This version of the tus protocol is not spoken here."""

    code = "tus_version"
    hint = "Use a client of tus 1.0; it sends `Tus-Resumable: 1.0.0` with every request."


class RangeRefused(CaptionAbError):
    """The file has no such range of bytes; `size` says how many it has."""

    code = "range_not_satisfiable"
    hint = "Ask for bytes that it has, or leave `Range` out."

    def __init__(self, size: int) -> None:
        super().__init__(f"The file has {size} bytes.", size=size)


#: First match along a class's ancestors wins, so a subclass needs no line of its own.
STATUS: Mapping[type[CaptionAbError], int] = {
    MalformedRequest: 400,
    IdempotencyKeyMissing: 400,
    RequestTooLarge: 413,
    InvalidRequest: 422,
    Unauthorized: 401,
    Forbidden: 403,
    NotFound: 404,
    Gone: 410,
    Conflict: 409,
    UploadLocked: 423,
    TusVersionRefused: 412,
    CreditQuotaExceeded: 403,
    QuotaExceeded: 429,
    FileTooLarge: 413,
    NotAcceptable: 406,
    UnsupportedMediaType: 415,
    RangeRefused: 416,
    TooManyStreams: 503,
    TooManyDryRuns: 503,
    TooManyReports: 503,
    StoreUnavailable: 503,
    ClockRefused: 503,
    MediaError: 422,
    CaptionAbError: 500,
}
_BY_STATUS = {status: (code, title) for status, code, title in HTTP_CODES}
_TITLES = {code: title for _, code, title in HTTP_CODES}
#: Fields that one problem names, at most.
NAMED_ERRORS = 50


def status_of(error: CaptionAbError | type[CaptionAbError]) -> int:
    """The HTTP status of an error or of its class."""
    kind = error if isinstance(error, type) else type(error)
    if not isinstance(error, type) and error.code == "files_unavailable":
        return 503
    return next(STATUS[each] for each in kind.__mro__ if each in STATUS)


def register_problems(app: Flask) -> None:
    """Answer every error of this app with a problem."""
    app.register_error_handler(CaptionAbError, answer_error)
    app.register_error_handler(HTTPException, answer_http_error)
    app.register_error_handler(Exception, answer_surprise)


def answer_error(error: CaptionAbError) -> Response:
    """One of our errors."""
    status = status_of(error)
    if status >= 500 and not error.retryable:
        log.error("request_failed", exc_info=error)
        return problem(status, "internal", _TITLES["internal"], "The request failed here.")
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="caption-ab"'
    if isinstance(error, KeyScopeMissing):  # RFC 6750, section 3.1
        lacking = f'error="insufficient_scope", scope="{error.extra["scope"]}"'
        headers["WWW-Authenticate"] = f'Bearer realm="caption-ab", {lacking}'
    if isinstance(error, RangeRefused):
        headers["Content-Range"] = f"bytes */{error.extra['size']}"
    if status in {429, 503} and (error.retryable or "retry_after_s" in error.extra):
        headers["Retry-After"] = str(error.extra.get("retry_after_s", RETRY_AFTER_S))
    if isinstance(error, RateExceeded):
        headers["RateLimit"] = f'"{error.policy}";r=0;t={error.retry_after_s}'
    return problem(
        status,
        error.code,
        title_of(type(error)),
        error.detail,
        headers=headers,
        hint=error.hint_text,
        retryable=error.retryable,
        errors=getattr(error, "errors", ()),
        extra=error.extra,
    )


def answer_http_error(error: HTTPException) -> Response:
    """An error of Flask, werkzeug or webargs; their headers (Allow, Content-Range) are kept."""
    if error.response is not None:
        return error.response  # type: ignore[return-value]  # a redirect of the routing
    status = error.code or 500
    messages = getattr(error, "data", {}).get("messages")
    errors = tuple(islice(_walk(messages), NAMED_ERRORS)) if isinstance(messages, dict) else ()
    other = (error.name.lower().replace(" ", "_"), f"{error.name}.")
    code, title = _BY_STATUS.get(status, other)
    kept = {
        name: value
        for name, value in error.get_headers()
        if name.lower() not in {"content-type", "content-length"}
    }
    detail = "The request is not valid." if errors else say_http(error, title)
    hint = InvalidRequest.hint if errors else HTTP_HINTS.get(code, "")
    return problem(status, code, title, detail, headers=kept, hint=hint, errors=errors)


def answer_surprise(error: Exception) -> Response:
    """A bug of ours: logged in full, told in one sentence."""
    log.error("request_failed", exc_info=error)
    return problem(500, "internal", _TITLES["internal"], "The request failed here.")


def problem(
    status: int,
    code: str,
    title: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    hint: str = "",
    retryable: bool = False,
    errors: tuple[FieldError, ...] = (),
    extra: Mapping[str, Any] | None = None,
) -> Response:
    """A problem as a response (RFC 9457)."""
    public_url = current_app.config["PUBLIC_URL"]
    body: dict[str, Any] = {
        "type": f"{public_url}/docs/errors#{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "retryable": retryable,
        "request_id": request_id(),
    }
    if hint:
        body["hint"] = hint
    if errors:
        named = errors[:NAMED_ERRORS]
        body["errors"] = [{"pointer": each.pointer, "detail": each.detail} for each in named]
    text = json.dumps({**(extra or {}), **body}, ensure_ascii=False, default=str)
    # A string that came in as a lone surrogate must not break the answer that refuses it.
    data = text.encode("utf-8", "backslashreplace") + b"\n"
    return Response(data, status, headers=dict(headers or {}), content_type=CONTENT_TYPE)


def request_id() -> str:
    """The id of the request being served."""
    return str(g.get("request_id", ""))


def title_of(kind: type[CaptionAbError]) -> str:
    """The first line of a class's docstring: what all errors of this code have in common."""
    return (kind.__doc__ or "").splitlines()[0]


def title_of_code(code: str) -> str:
    """The title of an error that comes from HTTP itself."""
    return _TITLES[code]


def _walk(messages: Mapping[Any, Any]) -> Iterator[FieldError]:
    """Webargs' `{location: {field: [text]}}` as JSON pointers; a query's are `?name`."""
    for location, found in messages.items():
        prefix = "#" if location == "json" else f"{location}:"
        yield from _walk_below(prefix, found)


def _walk_below(pointer: str, found: Any) -> Iterator[FieldError]:
    if isinstance(found, Mapping):
        for name, below in found.items():
            step = "" if name == "_schema" else f"/{escape(str(name))}"
            yield from _walk_below(pointer + step, below)
    elif isinstance(found, list):
        for text in found:
            yield FieldError(pointer, str(text))
    else:
        yield FieldError(pointer, str(found))


def escape(name: str) -> str:
    """A name as a step of a JSON pointer (RFC 6901), at most 100 characters of it."""
    return name.replace("~", "~0").replace("/", "~1")[:100]
