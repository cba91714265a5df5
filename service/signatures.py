"""Short texts that we hand out and know again: links, sessions, tokens of viewers. Pure.

Each purpose has a key of its own, derived from the installation's signing secret, so that what was
signed for one thing never counts for another. The signature goes over the length of every part, and
is compared as text: one signature has one spelling.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from enum import StrEnum

#: What separates the parts of a signed text; no part may hold it.
SEPARATOR = "."


class Purpose(StrEnum):
    """What a signature is for; the text goes into the key, so it never changes."""

    SHARE = "caption-ab share link v1"
    SESSION = "caption-ab session v1"
    FORM = "caption-ab form v1"
    UNIT = "caption-ab unit v1"
    VIDEO = "caption-ab video address v1"


def sign(secret: str, purpose: Purpose, *parts: str) -> str:
    """The signature of some parts: HMAC-SHA256 in URL-safe base64, 43 characters.

    Raises:
        ValueError: the secret is empty, and everybody could sign.
    """
    if not secret:
        raise ValueError("Nothing is signed without a secret.")
    key = hmac.digest(secret.encode(), purpose.value.encode(), hashlib.sha256)
    content = b"".join(b"%d:%s" % (len(each), each) for each in map(str.encode, parts))
    made = hmac.digest(key, content, hashlib.sha256)
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode("ascii")


def is_signed(secret: str, purpose: Purpose, signature: str, *parts: str) -> bool:
    """Whether a signature is right; how long this takes tells nothing of how wrong it is."""
    expected = sign(secret, purpose, *parts)
    return hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))
