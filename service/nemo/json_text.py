"""JSON from outside, read so that nothing in it can raise."""

from __future__ import annotations

import json
from typing import Any


def load_json(text: bytes | str) -> Any:
    """The value of a JSON text in UTF-8, or None when it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
