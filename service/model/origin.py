"""Where work comes from: the request that asked for it, and its trace. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from service.model.documents import read_document, write_document


@dataclass(frozen=True, slots=True)
class Origin:
    """The `X-Request-Id` of a request and its `traceparent` (W3C), which is empty untraced."""

    request_id: str = ""
    traceparent: str = ""


NOWHERE = Origin()


def write_origin(origin: Origin) -> str:
    """An origin as the store keeps it; empty for none."""
    return "" if origin == NOWHERE else write_document(origin)


def read_origin(text: str) -> Origin:
    """An origin from the store; what does not read is none, for no work fails over its name."""
    try:
        return read_document(Origin, text)
    except ValueError:
        return NOWHERE
