"""Identifiers: a prefix that says what it names, a time that sorts, 80 random bits."""

from __future__ import annotations

import re
import secrets
import uuid

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_ID = re.compile(r"(job|upl|evt|edt|ten|acc|key|whe|shr|prf|pub)_[0-9a-hjkmnp-tv-z]{26}")


def new_id(prefix: str, now_ms: int) -> str:
    """Make an id such as `job_01jd...`: 10 characters of time, 16 of chance (Crockford base 32)."""
    value = (now_ms << 80) | secrets.randbits(80)
    digits = [_ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5)]
    return f"{prefix}_{''.join(digits)}"


def is_id(text: str, prefix: str) -> bool:
    """Whether a text has the form of an id with this prefix."""
    return text.startswith(f"{prefix}_") and _ID.fullmatch(text) is not None


def id_time_ms(text: str) -> int:
    """When an id was made, in milliseconds; 0 where the text is no id of ours."""
    if _ID.fullmatch(text) is None:
        return 0
    value = 0
    for digit in text.partition("_")[2][:10]:
        value = value << 5 | _ALPHABET.index(digit)
    return value


def new_render_id() -> str:
    """A render id of our own choosing, unique for ever (V19: `render_<uuid>`)."""
    return f"render_{uuid.uuid4()}"


def new_client_id() -> str:
    """The stable id by which the backend knows an anonymous client (SEED)."""
    return str(uuid.uuid4())
