"""Which wishes are refused before anything is paid for. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from service.errors import FieldError
from service.nemo.topics import Topic, read_topic

#: What to do about a refused wish, for whoever sent it.
HINT = "Say how the captions should look or read, for example: yellow letters at the top."


def find_fault(wish: str, *, allow_generation: bool) -> str:
    """Why a wish cannot be taken; empty when it can (V19: what is not about video is refused)."""
    match read_topic(wish):
        case Topic.OTHER:
            return "is not about the video"
        case Topic.GENERATION if not allow_generation:
            return "asks for generated material, and `allow_generation` is not true"
        case _:
            return ""


def check_wishes(request: Mapping[str, Any]) -> Iterator[FieldError]:
    """The wishes of a job's request that cannot be taken, each named by its pointer."""
    allowed = bool(request.get("allow_generation", False))
    wishes = {"#/instruction": request.get("instruction", "")}
    for part in ("clips", "variants"):
        for index, each in enumerate(request.get(part) or ()):
            wishes[f"#/{part}/{index}/instruction"] = each.get("instruction", "")
    for pointer, wish in wishes.items():
        fault = find_fault(wish, allow_generation=allowed)
        if fault:
            yield FieldError(pointer, fault)
