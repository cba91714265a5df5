"""Finished jobs while Redis is away: read from their files, for callers whose key is known here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response

from api.state import caller, services
from service.ids import is_id
from service.jobs.frozen import Frozen, thaw

if TYPE_CHECKING:
    from service.errors import StoreUnavailable

#: Says that an answer comes from the job's files, as it was when it ended.
HEADER = "Caption-AB-Frozen"


def thaw_own(job_id: str, away: StoreUnavailable) -> Frozen:
    """A finished job of this caller.

    Raises:
        StoreUnavailable: `away`; it is not there, not finished or not the caller's, which only
            Redis could tell apart.
    """
    parts = services()
    found = thaw(job_id, parts.files, parts.vault) if is_id(job_id, "job") else None
    if found is None or found.job.tenant_id != caller().tenant_id:
        raise away
    return found


def mark(response: Response) -> Response:
    """Say where an answer comes from, and that it may change once Redis is back."""
    response.headers[HEADER] = "true"
    response.headers["Cache-Control"] = "private, no-cache"
    return response
