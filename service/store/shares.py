"""Links that show a job, and what people who looked at it prefer; both go with the job."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from service.errors import NotFound, QuotaExceeded, StoreUnavailable
from service.model.share import Share
from service.shares import MOST_SHARES
from service.store import scripts
from service.store.connection import Connection, Refused
from service.store.refusals import NEARLY_FULL
from service.store.scripts import Refusal

#: Preferences of one job that are kept, at most: the last ones.
MOST_PREFERENCES = 1000


class ShareStore:
    """The links and preferences of all jobs."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._keys = connection.keys

    def create(self, job_id: str, tenant_id: str, share: Share, *, now_ms: int) -> None:
        """Enter a link.

        Raises:
            NotFound: the tenant has no such job.
            QuotaExceeded: it has as many links as it may that still open it.
            StoreUnavailable: Redis has little memory left.
        """
        args = (tenant_id, job_id, share.id, MOST_SHARES, _write(share))
        try:
            self._connection.run(scripts.CREATE_SHARE, now_ms, *args)
        except Refused as refused:
            if refused.refusal is Refusal.QUOTA:
                raise QuotaExceeded(
                    f"This job has {MOST_SHARES} share links that work, which is the limit.",
                    hint="Revoke one that is not used any more.",
                ) from None
            raise _refusal(refused) from None

    def revoke(self, job_id: str, tenant_id: str, share_id: str, *, now_ms: int) -> bool:
        """End a link at once; false when it was revoked before.

        Raises:
            NotFound: the tenant has no such job, or the job no such link.
        """
        try:
            reply = self._connection.run(scripts.REVOKE_SHARE, now_ms, tenant_id, job_id, share_id)
        except Refused as refused:
            raise _refusal(refused) from None
        return reply[0] == "1"

    def find(self, job_id: str, share_id: str) -> Share | None:
        """One link of a job, or none."""
        key = self._keys.job_shares(job_id)
        found = self._connection.read(lambda client: client.hget(key, share_id))
        return None if found is None else _read(share_id, found)

    def read_all(self, job_id: str) -> list[Share]:
        """The links of a job, newest first."""
        key = self._keys.job_shares(job_id)
        found = self._connection.read(lambda client: client.hgetall(key))
        links = [_read(share_id, text) for share_id, text in found.items()]
        return sorted(links, key=lambda each: (each.created_ms, each.id), reverse=True)

    def add_preference(
        self, job_id: str, tenant_id: str, share_id: str, doc: Mapping[str, Any], *, now_ms: int
    ) -> None:
        """Note a preference of whoever has a link, or of the job's owner when `share_id` is empty.

        `doc` has an `id` of its own: noted twice it counts once.

        Raises:
            NotFound: there is no such job, or the link does not allow it (any more).
            StoreUnavailable: Redis has little memory left.
        """
        text = json.dumps(doc, ensure_ascii=False, separators=(",", ":"))
        args = (tenant_id, job_id, share_id, MOST_PREFERENCES, text)
        try:
            self._connection.run(scripts.ADD_PREFERENCE, now_ms, *args)
        except Refused as refused:
            raise _refusal(refused) from None

    def read_preferences(self, job_id: str) -> list[dict[str, Any]]:
        """The preferences of a job that are kept, the oldest first."""
        key = self._keys.job_preferences(job_id)
        return [json.loads(each) for each in self._connection.read(lambda c: c.lrange(key, 0, -1))]


def _refusal(refused: Refused) -> Exception:
    if refused.refusal is Refusal.FULL:
        return StoreUnavailable(NEARLY_FULL)
    return NotFound("There is no such job or link.")


def _write(share: Share) -> str:
    fields = (share.created_ms, share.expires_ms, int(share.preferences), share.made_by)
    return "|".join(map(str, (*fields, share.revoked_ms)))


def _read(share_id: str, text: str) -> Share:
    created, expires, preferences, made_by, revoked = text.split("|")
    return Share(share_id, int(created), int(expires), preferences == "1", made_by, int(revoked))
