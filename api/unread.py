"""Answers to what the server cannot read as a request: problems too, though no route is asked."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from socket import SHUT_WR
from typing import Any

from gunicorn.http import errors

from api.conventions import security_headers
from api.problems import CONTENT_TYPE, title_of_code
from service.clock import Clock

#: Longest request line, most header fields, longest header field.
LINE_BYTES = 8190
HEADER_FIELDS = 64
HEADER_BYTES = 8190
#: How long a client may be silent within a request.
SILENCE_S = 60
#: How much of the rest is read before the connection is closed, and for how long at a time: a
#: client that is still sending would lose the answer otherwise.
_DRAIN_BYTES, _DRAIN_S = 1024 * 1024, 1.0
log = logging.getLogger("caption_ab.api")

_REFUSALS: Mapping[type[Exception], tuple[int, str, str]] = {
    errors.LimitRequestLine: (
        414,
        "request_line_too_long",
        f"The address with its query may have {LINE_BYTES} bytes.",
    ),
    errors.LimitRequestHeaders: (
        431,
        "request_headers_too_large",
        f"A request may have {HEADER_FIELDS} header fields of {HEADER_BYTES} bytes each.",
    ),
    errors.ExpectationFailed: (417, "expectation_failed", "Only `Expect: 100-continue` is known."),
    errors.UnsupportedTransferCoding: (
        501,
        "not_implemented",
        "Bodies come plain or with `Transfer-Encoding: chunked`.",
    ),
    errors.ParseException: (400, "bad_request", "This is no request that HTTP/1.1 knows."),
}


def judge(error: Exception) -> tuple[int, str, str]:
    """Status, code and text for what went wrong before or beside the routes."""
    for kind, answer in _REFUSALS.items():
        if isinstance(error, kind):
            return answer
    return 500, "internal", "The request failed here."


def refuse(client: Any, error: Exception, public_url: str, clock: Clock) -> None:
    """Answer on a bare connection; whoever calls closes it.

    The error's own text may hold anything that was sent, so neither the answer nor the log has it.
    """
    status, code, detail = judge(error)
    request_id = f"req_{uuid.uuid4().hex}"
    seen = {"status": status, "request_id": request_id, "why": type(error).__name__}
    if status >= 500 and code == "internal":
        log.error("request_failed", extra=seen, exc_info=error)
    else:
        log.warning("request_unread", extra=seen)
    body = {
        "type": f"{public_url}/docs/errors#{code}",
        "title": title_of_code(code),
        "status": status,
        "detail": detail,
        "code": code,
        "retryable": False,
        "request_id": request_id,
    }
    with suppress(OSError):
        client.sendall(_write(status, json.dumps(body).encode() + b"\n", request_id))
        _drain(client, clock)


def _write(status: int, body: bytes, request_id: str) -> bytes:
    headers = {
        "Connection": "close",
        "Content-Type": CONTENT_TYPE,
        "Content-Length": str(len(body)),
        "Cache-Control": "private, no-store",
        "X-Request-Id": request_id,
        **security_headers(),
    }
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def _drain(client: Any, clock: Clock) -> None:
    client.shutdown(SHUT_WR)
    client.settimeout(_DRAIN_S)
    until_s, left = clock.monotonic_s() + _DRAIN_S, _DRAIN_BYTES
    while left > 0 and clock.monotonic_s() < until_s:
        piece = client.recv(64 * 1024)
        if not piece:
            return
        left -= len(piece)
