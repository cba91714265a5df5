"""Jobs: accepting, reading, listing, canceling."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from service.errors import Conflict, NotFound
from service.model.cut import ClipDoc, CutDoc
from service.model.documents import read_document
from service.model.job import Job, JobSpec, all_cut_rows, clip_rows, cut_rows
from service.model.lifecycle import ClipState, CutState, JobStatus
from service.store import scripts
from service.store.acceptance import Accepted, NewJob
from service.store.connection import Connection, Refused
from service.store.refusals import job_refusal
from service.store.scripts import Refusal


@dataclass(frozen=True, slots=True)
class ClipRow:
    """A clip as it stands."""

    row: str
    state: ClipState
    doc: ClipDoc


@dataclass(frozen=True, slots=True)
class CutRow:
    """A cut as it stands."""

    row: str
    state: CutState
    doc: CutDoc


class JobStore:
    """Jobs in Redis. Reads are plain reads; writes are commands."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._keys = connection.keys

    def create(self, new: NewJob, *, now_ms: int) -> Accepted:
        """Accept a job: one exchange with Redis, on its disk before the reply.

        Raises:
            IdempotencyReused: the key was used with another body.
            UploadGone: an upload does not exist, has expired or is another tenant's.
            QuotaExceeded: too many unfinished jobs of this tenant or key.
            RateExceeded: too many jobs of this key within a minute.
            CreditQuotaExceeded: it could cost more than the key has left of its month.
            StoreUnavailable: Redis has little memory left, which running jobs need.
        """
        return self._create(new, now_ms=now_ms)

    def rehearse(self, new: NewJob, *, now_ms: int) -> None:
        """See whether a job would be accepted now; writes nothing.

        Raises:
            UploadGone, QuotaExceeded, StoreUnavailable: as `create` would.
        """
        self._create(new, now_ms=now_ms, rehearse=True)

    def _create(self, new: NewJob, *, now_ms: int, rehearse: bool = False) -> Accepted:
        change = new.as_change()
        if rehearse:
            change["rehearse"] = True
        try:
            reply = self._connection.run(
                scripts.CREATE_JOB,
                now_ms,
                new.tenant_id,
                new.id,
                new.idempotency_key,
                new.fingerprint,
                new.idempotency_ttl_ms,
                new.quota,
                new.account_id,
                json.dumps(change, ensure_ascii=False, separators=(",", ":")),
            )
        except Refused as refused:
            raise job_refusal(refused, new.quota, new.use) from None
        return Accepted(reply[0], replayed=reply[1] == "1")

    def cancel(self, job_id: str, event: str, *, now_ms: int) -> JobStatus:
        """Ask a job to end; idempotent.

        Raises:
            NotFound: there is no such job.
            Conflict: it is comparing; its videos exist and it will succeed in a moment.
        """
        try:
            return JobStatus(self._connection.run(scripts.CANCEL, now_ms, job_id, event)[0])
        except Refused as refused:
            if refused.refusal is Refusal.GONE:
                raise NotFound(f"There is no job {job_id}.") from None
            raise Conflict("The job is comparing its finished videos and ends by itself.") from None

    def resume(self, job_id: str, event: str, *, now_ms: int) -> int:
        """Let a job's paused cuts go on; how many do. Idempotent.

        Raises:
            NotFound: there is no such job.
            Conflict: it has ended and nothing of it waits, or it is canceling.
        """
        try:
            return int(self._connection.run(scripts.RESUME, now_ms, job_id, event)[1])
        except Refused as refused:
            if refused.refusal is Refusal.GONE:
                raise NotFound(f"There is no job {job_id}.") from None
            raise Conflict(
                "The job has ended and cannot go on.", hint="`retry` makes a new job of it."
            ) from None

    def read(self, job_id: str) -> Job | None:
        """One job, or none."""
        key = self._keys.job(job_id)
        found = self._connection.read(lambda client: client.hgetall(key))
        return job_of(job_id, found) if found else None

    def wants_hooks(self, job_id: str) -> bool:
        """Whether the job's own webhook is told of what happens: it has one, and it took them."""
        key = self._keys.job(job_id)
        return bool(self._connection.read(lambda client: client.hget(key, "hooks")) == "1")

    def was_accepted(self, job_id: str, tenant_id: str) -> bool:
        """Whether a tenant once had this job; its name outlives it for a while."""
        listed, ended = self._keys.tenant_jobs(tenant_id), self._keys.expired(job_id)

        def ask(client: Any) -> bool:
            return client.get(ended) == tenant_id or client.zscore(listed, job_id) is not None

        return bool(self._connection.read(ask))

    def read_units(
        self, job: Job, *, revisions: bool = False
    ) -> tuple[list[ClipRow], list[CutRow]]:
        """The clips and first cuts of a job, or its cuts in all revisions, in one exchange."""
        clips = clip_rows(job.id, job.spec)
        cuts = all_cut_rows(job) if revisions else cut_rows(job.id, job.spec)
        found = self._read_rows([*clips, *cuts])
        units = [
            ClipRow(row, ClipState(f[0]), read_document(ClipDoc, f[1]))
            for row, f in zip(clips, found, strict=False)
            if f[0]
        ]
        return units, _cut_rows(cuts, found[len(clips) :])

    def read_cuts(self, rows: Sequence[str]) -> list[CutRow]:
        """Those of some cuts that are there, in order, in one exchange."""
        return _cut_rows(rows, self._read_rows(rows)) if rows else []

    def read_clip(self, row: str) -> ClipRow:
        """One clip.

        Raises:
            NotFound: there is no such clip.
        """
        state, doc = self._read_rows([row])[0]
        if not state:
            raise NotFound(f"There is no clip {row}.")
        return ClipRow(row, ClipState(state), read_document(ClipDoc, doc))

    def read_session(self, job_id: str, label: str) -> str:
        """What a variant's session left for its later cuts: a document, or empty."""
        key = self._keys.sessions(job_id)
        return self._connection.read(lambda client: client.hget(key, label)) or ""

    def _read_rows(self, rows: Sequence[str]) -> list[list[str]]:
        def ask(client: Any) -> Any:
            pipeline = client.pipeline(transaction=False)
            for row in rows:
                pipeline.hmget(self._keys.row(row), "state", "doc")
            return pipeline.execute()

        return list(self._connection.read(ask))

    def events(self, job_id: str, *, after: int = 0) -> list[dict[str, Any]]:
        """A job's events with a sequence above `after`, in order."""
        key = self._keys.job_events(job_id)
        bodies = self._connection.read(lambda client: client.lrange(key, after, -1))
        return [json.loads(body) for body in bodies]

    def event(self, job_id: str, sequence: int) -> dict[str, Any]:
        """One event."""
        return dict(json.loads(self.event_body(job_id, sequence)))

    def event_body(self, job_id: str, sequence: int) -> str:
        """The frozen bytes of one event, as text.

        Raises:
            NotFound: the job has expired.
        """
        key = self._keys.job_events(job_id)
        body = self._connection.read(lambda client: client.lindex(key, sequence - 1))
        if body is None:
            raise NotFound(f"Job {job_id} has no event {sequence}.")
        return str(body)


def job_of(job_id: str, found: dict[str, str]) -> Job:
    """A job from the fields of its hash."""
    return Job(
        id=job_id,
        tenant_id=found["tenant"],
        account_id=found["account"],
        status=JobStatus(found["status"]),
        created_ms=int(found["created"]),
        updated_ms=int(found["updated"]),
        spec=read_document(JobSpec, found["spec"]),
        sequence=int(found["sequence"]),
        ended_ms=int(found.get("ended", 0)),
        expires_ms=int(found.get("expires", 0)),
        cancel_asked=found.get("cancel") == "1",
        reserved=int(found.get("reserved", 0)),
        charged=int(found.get("charged", 0)),
        result=json.loads(found.get("result", "{}")),
        retry_of=found.get("retry_of", ""),
        experiment=found.get("experiment", ""),
        revisions={
            name.removeprefix("revision:"): int(latest)
            for name, latest in found.items()
            if name.startswith("revision:")
        },
    )


def _cut_rows(rows: Sequence[str], found: Sequence[list[str]]) -> list[CutRow]:
    return [
        CutRow(row, CutState(f[0]), read_document(CutDoc, f[1]))
        for row, f in zip(rows, found, strict=True)
        if f[0]
    ]
