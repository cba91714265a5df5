"""Which error an HTTP reply is: one pure decision over the six shapes a refusal may have.

`{"code": 1001}` (also under HTTP 200), HTTP status, `{"success": false, "error"}`, FastAPI's
`{"detail"}`, `{"reason"}`, and text or HTML. A known code in the body outranks the status.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from service.errors import BackendError
from service.nemo.errors import (
    BackendConfused,
    BackendUnavailable,
    ClientIdMissing,
    CreditsSpent,
    DuplicateRender,
    FormatRefused,
    MalformedRequest,
    PlanBlocked,
    RateLimited,
    RenderUnknown,
    ScopeMissing,
    SessionLost,
    SizeRefused,
    TokenRejected,
)
from service.nemo.json_text import load_json

_DEAD_TOKEN = re.compile(
    r"(invalid|expired|revoked|bad)\b.{0,30}\btoken|token\b.{0,20}\b(invalid|expired|revoked"
    r"|not found)|invalid or expired",
    re.IGNORECASE,
)
_DUPLICATE = re.compile(
    r"duplicate|already (exists?|been (used|submitted)|submitted)", re.IGNORECASE
)
_SECRET = re.compile(r"\b(nmv_[\w.-]+|clm_[\w.-]+|eyJ[\w.-]{8,})|(?<=bearer )\S+", re.IGNORECASE)
_CODES: dict[int, Callable[..., BackendError]] = {
    1001: TokenRejected,
    1010: TokenRejected,
    1011: TokenRejected,
    1002: SessionLost,
    2001: CreditsSpent,
    4001: FormatRefused,
    4002: SizeRefused,
}
_STATUSES: dict[int, Callable[..., BackendError]] = {
    401: TokenRejected,
    402: PlanBlocked,
    403: ScopeMissing,
    409: DuplicateRender,
    413: SizeRefused,
    415: FormatRefused,
    422: MalformedRequest,
}
_PASSING = frozenset({408, 425})


def classify(
    http_status: int, headers: Mapping[str, str], body: bytes, *, secrets: Sequence[str] = ()
) -> BackendError | None:
    """Say which error a reply is; None when it is none.

    `headers` are looked up without regard to case. `secrets` are cut out of the error's text.
    """
    payload = load_json(body)
    envelope = payload if isinstance(payload, Mapping) else {}
    code = _number(envelope.get("code"))
    said = redact(_message(envelope), secrets)
    if http_status < 300:
        if code in {0, 200, None} and envelope.get("success") is not False:
            return _unless_html(http_status, headers, payload)
        return _of_body(http_status, code, said, headers)
    if code in _CODES:
        return _CODES[code](_detail(said, http_status, code), http_status=http_status)
    return _of_status(http_status, headers, payload, said)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that a reply asks us to wait (RFC 9110 10.2.3), measured by its own Date."""
    found = {name.lower(): value for name, value in headers.items()}
    value = found.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", value):
        return float(value)
    until, sent_at = _http_date(value), _http_date(found.get("date", ""))
    if until is None or sent_at is None:
        return None
    return max(0.0, (until - sent_at).total_seconds())


def redact(text: str, secrets: Sequence[str] = ()) -> str:
    """A text of the backend without these secrets and without what looks like a token."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return _SECRET.sub("***", text)


def _of_body(status: int, code: int | None, said: str, headers: Mapping[str, str]) -> BackendError:
    detail = _detail(said, status, code)
    if code in _CODES:
        return _CODES[code](detail, backend_code=code)
    if code is not None and 400 <= code < 600:
        return _of_status(code, headers, {"message": said}, said)
    if _DUPLICATE.search(said):
        return DuplicateRender(detail)
    if _DEAD_TOKEN.search(said):
        return TokenRejected(detail)
    return BackendConfused(detail, http_status=status, backend_code=code)


def _of_status(status: int, headers: Mapping[str, str], payload: Any, said: str) -> BackendError:
    detail = _detail(said, status, None)
    html = _is_html(headers, payload)
    if status >= 500 or status in _PASSING or (html and status in {403, 404}):
        return BackendUnavailable(detail, http_status=status)
    if status == 429:
        return RateLimited(detail, retry_after_s=retry_after_s(headers))
    if status == 403 and _DEAD_TOKEN.search(said):
        return TokenRejected(detail, http_status=status)
    if status == 404:
        return _not_found(payload, said, detail)
    if status in {400, 409} and _DUPLICATE.search(said):
        return DuplicateRender(detail)
    if status == 400:
        lacks_id = re.search(r"client.?id", said, re.IGNORECASE)
        return (ClientIdMissing if lacks_id else MalformedRequest)(detail, http_status=status)
    if status in _STATUSES:
        return _STATUSES[status](detail, http_status=status)
    return BackendConfused(detail, http_status=status)


def _not_found(payload: Any, said: str, detail: str) -> BackendError:
    if re.search(r"render", said, re.IGNORECASE):
        return RenderUnknown(detail)
    # FastAPI says exactly `Not Found` of a path it lacks; any other detail is about a thing
    has_detail = isinstance(payload, Mapping) and "detail" in payload and said != "Not Found"
    if has_detail or re.search(r"session", said, re.IGNORECASE):
        return SessionLost(detail)
    return BackendConfused(detail, http_status=404)


def _unless_html(status: int, headers: Mapping[str, str], payload: Any) -> BackendError | None:
    if _is_html(headers, payload):
        return BackendUnavailable("A web page came instead of an answer.", http_status=status)
    return None


def _is_html(headers: Mapping[str, str], payload: Any) -> bool:
    found = {name.lower(): value for name, value in headers.items()}
    return payload is None and "html" in found.get("content-type", "").lower()


def _message(envelope: Mapping[str, Any]) -> str:
    names = ("message", "error", "detail", "reason", "msg")
    return next((text for name in names if (text := _said(envelope.get(name)))), "")


def _said(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, Mapping):
        return _said(value.get("message") or value.get("msg"))
    if isinstance(value, list):
        return "; ".join(filter(None, map(_fault_of_field, value[:5])))
    return ""


def _fault_of_field(value: Any) -> str:
    if not isinstance(value, Mapping):
        return _said(value)
    place = ".".join(map(str, value["loc"])) if isinstance(value.get("loc"), list) else ""
    return " ".join(filter(None, (place, _said(value.get("msg") or value.get("type")))))


def _detail(said: str, status: int, code: int | None) -> str:
    number = f"code {code}" if code is not None else f"HTTP {status}"
    return (
        f"The backend answered {number}: {said[:300]}"
        if said
        else f"The backend answered {number}."
    )


def _number(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value.strip()):
        return int(value)
    return None


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)  # -0000 says no zone
