"""How a publishable key is written. Pure.

`cab_pub_`, the 26 characters of its id, and six of CRC-32, so that a mistyped one is refused
without asking the store. It stands in pages for everybody to read: what protects an experiment is
what the key opens, not that nobody knows it.
"""

from __future__ import annotations

import re

from service.key_text import CHECK_CHARS, checksum

PREFIX = "cab_pub_"
#: The prefix of its id.
ID_PREFIX = "pub"
#: Keys of one experiment that are kept, at most; a revoked one makes room for a new one.
MOST_KEYS = 20
#: Origins of one key, at most.
MOST_ORIGINS = 20
_KEY = re.compile(r"cab_pub_[0-9a-hjkmnp-tv-z]{26}[0-9A-Za-z]{6}", re.ASCII)


def write_public_key(key_id: str) -> str:
    """The text of a key, from its id (`pub_...`)."""
    body = PREFIX + key_id.removeprefix(f"{ID_PREFIX}_")
    return body + checksum(body)


def read_public_key(text: str) -> str | None:
    """The id of a key, from its text; None where it is none or its checksum is wrong."""
    if _KEY.fullmatch(text) is None or text[-CHECK_CHARS:] != checksum(text[:-CHECK_CHARS]):
        return None
    return f"{ID_PREFIX}_{text[len(PREFIX) : -CHECK_CHARS]}"
