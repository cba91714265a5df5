"""A key that viewers' browsers show: it opens one experiment, to pages of its origins. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A publishable key as the store knows it; nothing of it is secret.

    `origins` are those whose pages may use it. `made_by` is the id of the API key that made it.
    `revoked_ms` 0 is not revoked.
    """

    id: str
    job_id: str
    tenant_id: str
    created_ms: int
    origins: tuple[str, ...]
    made_by: str
    name: str = ""
    revoked_ms: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it still opens the experiment."""
        return not self.revoked_ms
