"""What an extension found of a lease."""

from __future__ import annotations

from enum import StrEnum

from service.store.scripts import Refusal


class Kept(StrEnum):
    """What an extension found of a lease."""

    HELD = "held"
    CANCEL = "cancel"  # held, and the row is asked to cancel
    LOST = "lost"  # somebody else has the row, or it has ended


def read_kept(reply: list[str] | Refusal) -> Kept:
    """What one reply of `extend` says."""
    if isinstance(reply, Refusal):
        return Kept.LOST
    return Kept.CANCEL if reply[1] == "1" else Kept.HELD
