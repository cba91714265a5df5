"""Signatures of webhooks by Standard Webhooks 1.0.0, scheme v1 (HMAC-SHA256). Pure.

Signed is `id.timestamp.body` over the very bytes that are sent. While a secret is being rotated
both sign, and the header lists both. Our own lines, because the reference library signs a wrong
time for datetimes that are not UTC; it is the independent verifier in the tests.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets as chance
from collections.abc import Sequence

PREFIX = "whsec_"
_KEY_BYTES = 32
_MIN_BYTES, _MAX_BYTES = 24, 64
_MESSAGE_ID = re.compile(r"[a-z]{3}_[A-Za-z0-9_]{1,90}", re.ASCII)  # never a '.': it separates


def new_secret() -> str:
    """Make a secret: `whsec_` and 32 random bytes in base64."""
    return PREFIX + base64.b64encode(chance.token_bytes(_KEY_BYTES)).decode("ascii")


def sign(secrets: Sequence[str], *, message_id: str, timestamp_s: int, body: bytes) -> str:
    """Signs a message with each secret, the current one first: `v1,<base64> v1,<base64>`.

    Args:
        secrets: At least one `whsec_` secret of 24 to 64 bytes.
        message_id: Such as `evt_01jd...`; the same in every try.
        timestamp_s: Whole seconds since the epoch, of this try.
        body: The bytes that are sent.

    Raises:
        ValueError: a secret, the id or the time has not this form; never says the secret.
    """
    if not secrets:
        raise ValueError("There is no secret to sign with.")
    if not _MESSAGE_ID.fullmatch(message_id):
        raise ValueError(f"{message_id!r} is not the id of a message.")
    if timestamp_s <= 0:
        raise ValueError(f"{timestamp_s} is not a time.")
    content = b"%s.%d.%s" % (message_id.encode("ascii"), timestamp_s, body)
    digests = (hmac.digest(_read_key(secret), content, hashlib.sha256) for secret in secrets)
    return " ".join(f"v1,{base64.b64encode(digest).decode('ascii')}" for digest in digests)


def signed_headers(
    secrets: Sequence[str], *, message_id: str, timestamp_s: int, body: bytes
) -> dict[str, str]:
    """Make the three headers of a signed message; see `sign`."""
    signature = sign(secrets, message_id=message_id, timestamp_s=timestamp_s, body=body)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": signature,
    }


def _read_key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or not _MIN_BYTES <= len(key) <= _MAX_BYTES:
        raise ValueError(f"A secret is {PREFIX} and {_MIN_BYTES} to {_MAX_BYTES} bytes in base64.")
    return key
