"""Plans of experiments: attached to jobs, and closed once with their event."""

from __future__ import annotations

from dataclasses import dataclass

from service.experiments.states import State
from service.model.rows import experiment_row
from service.settings import Settings
from service.store import scripts
from service.store.connection import Connection, Refused
from service.store.refusals import experiment_refusal
from service.store.scripts import Refusal


@dataclass(frozen=True, slots=True)
class KeptPlan:
    """A plan as it was attached; `closed_ms` is 0 while its experiment runs or waits.

    `end` is what it was closed with: the state of its verdict, or why it has none.
    """

    text: str
    digest: str
    attached_ms: int
    closed_ms: int = 0
    end: str = ""


class PlanStore:
    """The plans of all jobs, beside their jobs."""

    def __init__(self, connection: Connection, settings: Settings) -> None:
        self._connection = connection
        self._keys = connection.keys
        self._keep_ms = int(settings.experiment_keep_s * 1000)

    def attach(self, job_id: str, tenant_id: str, text: str, digest: str, *, now_ms: int) -> bool:
        """Give a job its plan and a row that looks at it; false when it has this very plan.

        The job is kept until the experiment is closed.

        Raises:
            NotFound: the tenant has no such job.
            Conflict: the job has another plan.
            StoreUnavailable: Redis has little memory left.
        """
        try:
            args = (tenant_id, job_id, text, digest)
            reply = self._connection.run(scripts.ATTACH_PLAN, now_ms, *args)
        except Refused as refused:
            raise _refusal(refused.refusal) from None
        return reply[0] == "1"

    def read(self, job_id: str) -> KeptPlan | None:
        """The plan of a job; none where it has none."""
        key = self._keys.plan(job_id)
        found = self._connection.read(lambda client: client.hgetall(key))
        if not found:
            return None
        closed_ms = int(found.get("closed", "0"))
        return KeptPlan(
            found["plan"], found["digest"], int(found["at"]), closed_ms, found.get("end", "")
        )

    def begin(self, job_id: str, tenant_id: str, *, now_ms: int) -> bool:
        """Note with a job that its experiment counts; false when it is over. Idempotent.

        Raises:
            NotFound: the tenant has no such job.
            Conflict: the job has no experiment.
        """
        try:
            return self._connection.run(scripts.BEGIN_PLAN, now_ms, tenant_id, job_id)[0] == "1"
        except Refused as refused:
            raise _refusal(refused.refusal) from None

    def close(
        self, job_id: str, tenant_id: str, state: State | str, event: str, *, now_ms: int
    ) -> bool:
        """End the experiment of a job and tell it; false when that was done before.

        Raises:
            NotFound: the tenant has no such job.
            Conflict: the job has no experiment.
        """
        try:
            args = (tenant_id, job_id, state, self._keep_ms, event)
            return self._connection.run(scripts.CLOSE_EXPERIMENT, now_ms, *args)[0] == "1"
        except Refused as refused:
            raise _refusal(refused.refusal) from None

    def is_open(self, job_id: str) -> bool:
        """Whether a job's experiment runs, or waits for its videos."""
        key = self._keys.row(experiment_row(job_id))
        return bool(self._connection.read(lambda client: client.hget(key, "open")) == "1")


def _refusal(refusal: Refusal) -> Exception:
    return experiment_refusal(
        refusal,
        "The job has an experiment with another plan.",
        "A plan never changes once it is given: its numbers would mean something else. Read it, or "
        "make a new job.",
    )
