"""A link that shows one job to whoever has it, for a time. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Share:
    """A link as the store knows it, without its token.

    `preferences` lets a viewer say which variant they prefer. `made_by` is the id of the key that
    made it. `revoked_ms` 0 is not revoked.
    """

    id: str
    created_ms: int
    expires_ms: int
    preferences: bool
    made_by: str
    revoked_ms: int = 0

    def is_open(self, now_ms: int) -> bool:
        """Whether it still opens the job."""
        return not self.revoked_ms and now_ms < self.expires_ms
