"""What has outlived its time: keys end in one write, which names their files in the trash.

Files are deleted afterwards and may be deleted again: their keys are never used anew, so any number
of processes may sweep, and nobody can begin to use what is in the trash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from service.errors import Conflict, NotFound
from service.model.lifecycle import RowKind
from service.store import scripts
from service.store.connection import Connection, Refused
from service.store.scripts import Refusal

_PUT_BACK_MS = 3_600_000
RUNNING = "An experiment of the job is running."
RUNNING_HINT = "Wait for its verdict, or delete with `?force=true`: what was counted is lost then."


@dataclass(frozen=True, slots=True)
class Retired:
    """How many jobs and uploads were due, and how many of them ended; the rest is in use."""

    looked_at: int
    ended: int


class Retention:
    """The end of jobs and uploads in Redis."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._keys = connection.keys

    def retire(self, *, limit: int, remember_ms: int, uncounted_ms: int, now_ms: int) -> Retired:
        """End up to `limit` jobs and uploads whose time has passed.

        An ended job's name is known for `remember_ms`. An upload whose jobs an earlier release did
        not count is kept for `uncounted_ms` after one of them has ended.
        """
        reply = self._connection.run(scripts.RETIRE, now_ms, limit, remember_ms, uncounted_ms)
        return Retired(int(reply[0]), int(reply[1]))

    def delete_job(
        self,
        job_id: str,
        tenant_id: str,
        *,
        remember_ms: int,
        uncounted_ms: int,
        force: bool = False,
        now_ms: int,
    ) -> bool:
        """End an ended job of a tenant now; false when it was gone before. Idempotent.

        Raises:
            NotFound: the tenant never had such a job.
            Conflict: it has not ended, or a revision of it is under way, which
                `job_status` says; or an experiment of it runs, and there is no `force`.
        """
        try:
            reply = self._connection.run(
                scripts.DELETE_JOB,
                now_ms,
                tenant_id,
                job_id,
                remember_ms,
                uncounted_ms,
                int(force),
            )
        except Refused as refused:
            if refused.refusal is Refusal.GONE:
                raise NotFound("There is no such job.") from None
            if refused.reply[1] == RowKind.EXPERIMENT:
                raise Conflict(RUNNING, hint=RUNNING_HINT) from None
            raise Conflict("The job is under way.", job_status=str(refused.reply[1])) from None
        return reply[0] == "1"

    def read_expiring(self, limit: int, *, now_ms: int) -> list[str]:
        """Jobs whose owners are to be told that they go soon, the first ones first."""
        key = self._keys.expiring
        return list(
            self._connection.read(
                lambda client: client.zrange(key, "-inf", now_ms, byscore=True, offset=0, num=limit)
            )
        )

    def warn(self, job_id: str, expires_ms: int, event: str, *, now_ms: int) -> bool:
        """Tell once that a job ends at `expires_ms`; whether it was told now."""
        return self._connection.run(scripts.WARN, now_ms, job_id, expires_ms, event)[0] == "1"

    def read_own_ttl_ms(self, tenant_id: str) -> int | None:
        """How long a tenant wants its ended jobs to be kept; none where it has not said."""
        key = self._keys.tenant(tenant_id)
        found = self._connection.read(lambda client: client.hget(key, "job_ttl"))
        return None if found is None else int(found)

    def set_own_ttl_ms(self, tenant_id: str, ttl_ms: int | None) -> None:
        """Say how long a tenant's jobs are kept that are accepted from now on."""
        key = self._keys.tenant(tenant_id)

        def ask(client: Any) -> Any:
            if ttl_ms is None:
                return client.hdel(key, "job_ttl")
            return client.hset(key, "job_ttl", ttl_ms)

        self._connection.read(ask)

    def read_trash(self, limit: int) -> list[str]:
        """Keys of files and folders of files to be deleted, the oldest first."""
        key = self._keys.trash
        return list(self._connection.read(lambda client: client.zrange(key, 0, limit - 1)))

    def note_deleted(self, name: str) -> None:
        """Take something out of the trash: its files are gone."""
        key = self._keys.trash
        self._connection.read(lambda client: client.zrem(key, name))

    def put_back(self, name: str, *, now_ms: int) -> None:
        """Put something behind all that comes into the trash for a while: it cannot go now."""
        key, behind_ms = self._keys.trash, now_ms + _PUT_BACK_MS
        self._connection.read(lambda client: client.zadd(key, {name: behind_ms}, xx=True))

    def take_turn(self, ms: int) -> bool:
        """Whether this process is the one to look for orphans in the next `ms`."""
        key = self._keys.orphans
        return bool(self._connection.read(lambda client: client.set(key, "1", nx=True, px=ms)))

    def find_unowned(self, names: Sequence[str]) -> list[str]:
        """Those of `jobs/<id>`, `uploads/<id>` and `parts/<id>` whose owner does not exist."""
        keys = [_owner(name, self._connection) for name in names]

        def ask(client: object) -> list[int]:
            pipeline = client.pipeline(transaction=False)  # type: ignore[attr-defined]
            for key in keys:
                pipeline.exists(key)
            return list(pipeline.execute())

        found = self._connection.read(ask)
        return [name for name, there in zip(names, found, strict=True) if not there]


def _owner(name: str, connection: Connection) -> str:
    folder, _, owner = name.partition("/")
    keys = connection.keys
    return {"uploads": keys.upload, "parts": keys.arrival, "jobs": keys.job}[folder](owner)
