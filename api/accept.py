"""From a checked request to an accepted job and its resource, in one exchange with Redis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from api.state import origin
from service.experiments.standing import Status
from service.jobs.again import retry_job
from service.jobs.submit import Caller, submit_job
from service.jobs.view import initial_units, job_data
from service.logs import learn
from service.metrics import JOBS_ACCEPTED, count
from service.model.job import Job
from service.model.lifecycle import JobStatus
from service.store.acceptance import Accepted, NewJob
from service.store.jobs import JobStore

if TYPE_CHECKING:
    from service.jobs.context import Services


@dataclass(frozen=True, slots=True)
class AcceptedJob:
    """The id of the job; its resource, unless an earlier request is replayed."""

    job_id: str
    replayed: bool
    resource: dict[str, Any] | None


class RecordingStore(JobStore):
    """Remembers what it wrote, so that the answer needs no second exchange."""

    written: tuple[NewJob, int] | None = None

    def create(self, new: NewJob, *, now_ms: int) -> Accepted:
        self.written = (new, now_ms)
        return super().create(new, now_ms=now_ms)


def accept_job(
    body: Mapping[str, Any], caller: Caller, parts: Services, idempotency_key: str
) -> AcceptedJob:
    """Accept a job.

    Raises:
        InvalidRequest, CaptionsRequired, UploadMissing, IdempotencyReused, QuotaExceeded,
        StoreUnavailable
    """
    store = RecordingStore(parts.connection)
    accepted = submit_job(
        body,
        caller,
        jobs=store,
        settings=parts.settings,
        clock=parts.clock,
        caller_policy=parts.caller_policy,
        idempotency_key=idempotency_key,
        origin=origin(),
    )
    return _answer(accepted, store, parts)


def accept_retry(job: Job, caller: Caller, parts: Services, idempotency_key: str) -> AcceptedJob:
    """Accept a new job of an ended job's request.

    Raises:
        Conflict, IdempotencyReused, Gone, QuotaExceeded, StoreUnavailable
    """
    store = RecordingStore(parts.connection)
    accepted = retry_job(
        job,
        caller,
        jobs=store,
        settings=parts.settings,
        clock=parts.clock,
        idempotency_key=idempotency_key,
        origin=origin(),
    )
    return _answer(accepted, store, parts)


def _answer(accepted: Accepted, store: RecordingStore, parts: Services) -> AcceptedJob:
    learn(job=accepted.job_id)
    if accepted.replayed or store.written is None:
        return AcceptedJob(accepted.job_id, accepted.replayed, None)
    count(JOBS_ACCEPTED)
    job = _as_written(*store.written)
    resource = job_data(job, *initial_units(job), parts.settings.public_url)
    return AcceptedJob(accepted.job_id, replayed=False, resource=resource)


def _as_written(new: NewJob, now_ms: int) -> Job:
    return Job(
        id=new.id,
        tenant_id=new.tenant_id,
        account_id=new.account_id,
        status=JobStatus.QUEUED,
        created_ms=now_ms,
        updated_ms=now_ms,
        spec=new.spec,
        sequence=1,
        retry_of=new.retry_of,
        experiment=Status.WAITING.value if new.plan else "",
    )
