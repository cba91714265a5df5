"""How keys are written: base 62, and six characters of CRC-32 that show a slip of the pen. Pure."""

from __future__ import annotations

import zlib

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CHECK_CHARS = 6


def checksum(body: str) -> str:
    """The last characters of a key, from all before them."""
    value, digits = zlib.crc32(body.encode()), []
    for _ in range(CHECK_CHARS):
        value, digit = divmod(value, len(DIGITS))
        digits.append(DIGITS[digit])
    return "".join(reversed(digits))
