"""Headers that callers steer a request with, read strictly. Pure."""

from __future__ import annotations

import base64
import binascii
import re

from service.errors import FieldError, InvalidRequest

MAX_KEY_CHARS = 255
_BARE = re.compile(rf"[\x21-\x7e]{{1,{MAX_KEY_CHARS}}}", re.ASCII)
_QUOTED = re.compile(
    rf'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\]){{1,{MAX_KEY_CHARS}}})"', re.ASCII
)
_ASYNC = re.compile(r"(?:^|,)\s*respond-async\s*(?=$|[,;])", re.IGNORECASE)
#: For the document: a bare key; one in double quotes is taken too.
IDEMPOTENCY_KEY_SCHEMA = {"type": "string", "pattern": "^[!#-~][!-~]{0,254}$"}
_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?(\d{1,6})\"?\s*(?=$|[,;])", re.IGNORECASE)


def read_idempotency_key(header: str | None) -> str:
    """The key, given bare or as the quoted string of the IETF draft; empty when there is none.

    Raises:
        InvalidRequest: it is longer than 255 characters, or not printable ASCII.
    """
    if header is None:
        return ""
    quoted = _QUOTED.fullmatch(header.strip())
    if quoted:
        return re.sub(r"\\(.)", r"\1", quoted.group(1))
    if _BARE.fullmatch(header) and not header.startswith('"'):
        return header
    text = "must be 1 to 255 printable ASCII characters, bare or in double quotes"
    raise InvalidRequest(
        "The Idempotency-Key is not valid.", [FieldError("headers:/Idempotency-Key", text)]
    )


def read_wait_s(header: str | None, most_s: float) -> float:
    """Seconds of `Prefer: wait=n` (RFC 7240), at most `most_s`; 0 when there is no such wish."""
    found = _WAIT.search(header or "")
    return min(float(found.group(1)), most_s) if found else 0.0


def read_upload_metadata(header: str) -> dict[str, str]:
    """The pairs of tus' `Upload-Metadata`: names, and text in base64.

    Raises:
        InvalidRequest: it is not of this form.
    """
    found = {}
    for pair in filter(None, (each.strip() for each in header.split(","))):
        name, _, value = pair.partition(" ")
        try:
            found[name] = base64.b64decode(value.strip(), validate=True).decode("utf-8")
        except (binascii.Error, ValueError):
            text = f"the value of {name[:40]!r} is not base64 of UTF-8"
            errors = [FieldError("headers:/Upload-Metadata", text)]
            raise InvalidRequest("The Upload-Metadata is not valid.", errors) from None
    return found


def tell_applied(header: str | None, wait_s: float) -> str:
    """What of a POST's `Prefer` is kept, for `Preference-Applied`; empty when nothing is."""
    applied = ["respond-async"] if _ASYNC.search(header or "") else []
    if wait_s:
        applied.append(f"wait={wait_s:.0f}")
    return ", ".join(applied)
