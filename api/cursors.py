"""Cursors of lists: opaque to callers, the time and the id of the last one shown. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from urllib.parse import urlencode

from service.errors import FieldError, InvalidRequest

_MS_DIGITS = 15


def write_cursor(at_ms: int, item_id: str) -> str:
    """A place in a list as text."""
    return base64.urlsafe_b64encode(f"{at_ms}.{item_id}".encode()).decode().rstrip("=")


def read_cursor(text: str, is_item: Callable[[str], bool]) -> tuple[int, str]:
    """The place that a cursor names; `is_item` tells an id of this list.

    Raises:
        InvalidRequest: it is none of ours.
    """
    try:
        plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except (ValueError, binascii.Error):
        plain = ""
    at_ms, _, item_id = plain.partition(".")
    if not at_ms.isdecimal() or len(at_ms) > _MS_DIGITS or not is_item(item_id):
        errors = [FieldError("query:/cursor", "is no cursor of this list")]
        raise InvalidRequest("The cursor is not valid.", errors)
    return int(at_ms), item_id


def next_link(address: str, asked: Iterable[tuple[str, str]], cursor: str) -> str:
    """A `Link` header that leads from this page of a list to the next, under the same filters."""
    kept = [(name, value) for name, value in asked if name != "cursor"]
    return f'<{address}?{urlencode([*kept, ("cursor", cursor)])}>; rel="next"'
