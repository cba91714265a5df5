"""Whether a webhook is ours: the check that every receiver makes, written out on its own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping

TOLERANCE_S = 300
_SECONDS = re.compile(r"\d{1,12}", re.ASCII)


def verify(headers: Mapping[str, str], body: bytes, secret: str, *, now_s: float) -> bool:
    """Whether a delivery was signed with this secret, and not long ago (Standard Webhooks).

    Names of `headers` are in lower case. HMAC-SHA256 over `id.timestamp.body`.
    """
    sent_at, message_id = headers.get("webhook-timestamp", ""), headers.get("webhook-id", "")
    if not _SECONDS.fullmatch(sent_at) or abs(now_s - int(sent_at)) > TOLERANCE_S:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = hmac.digest(key, f"{message_id}.{sent_at}.".encode() + body, hashlib.sha256)
    wanted = ("v1," + base64.b64encode(signed).decode()).encode()
    given = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(wanted, each.encode()) for each in given)
