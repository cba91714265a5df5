"""How Schemathesis writes a body that it has no own way for; loaded by its SCHEMATHESIS_HOOKS."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.serializer("application/offset+octet-stream")
def write_bytes(_context: Any, value: Any) -> bytes:
    """The pieces of an upload are bytes as they are."""
    return value if isinstance(value, bytes) else str(value).encode()
