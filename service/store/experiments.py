"""Experiments of jobs: their plan, what was counted, and the verdict that is given once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from service.errors import Conflict, NotFound, StoreUnavailable
from service.experiments.aggregates import Aggregate
from service.experiments.ledger import (
    Book,
    plan_digest,
    plan_text,
    read_book,
    write_items,
    write_metrics,
)
from service.experiments.outcomes import Outcome
from service.experiments.plan import Plan
from service.settings import Settings
from service.store import scripts
from service.store.connection import Connection, Refused
from service.store.refusals import NEARLY_FULL
from service.store.scripts import Refusal

#: Outcomes that are counted in one command: more would hold Redis up for others.
CHUNK = 250


class ExperimentStore:
    """The experiments of all jobs."""

    def __init__(self, connection: Connection, settings: Settings) -> None:
        self._connection = connection
        self._keys = connection.keys
        self._settings = settings

    def attach(self, job_id: str, tenant_id: str, plan: Plan, *, now_ms: int) -> bool:
        """Give a job its experiment; false when it has this very one already.

        Raises:
            NotFound: the tenant has no such job.
            Conflict: the job has an experiment with another plan.
            StoreUnavailable: Redis has little memory left.
        """
        text = plan_text(plan)
        args = (tenant_id, job_id, text, plan_digest(text))
        try:
            reply = self._connection.run(scripts.ATTACH_EXPERIMENT, now_ms, *args)
        except Refused as refused:
            raise _refusal(refused.refusal) from None
        return reply[0] == "1"

    def read(self, job_id: str) -> Book | None:
        """All that is kept of a job's experiment, of one moment; none where it has none."""
        key = self._keys.experiment(job_id)
        fields = self._connection.read(lambda client: client.hgetall(key))
        return read_book(fields) if fields else None

    def record(
        self,
        job_id: str,
        tenant_id: str,
        book: Book,
        items: Sequence[Outcome | Aggregate],
        *,
        now_ms: int,
    ) -> list[str]:
        """Count outcomes, each once; of each `accepted`, `duplicate` or why it was rejected.

        When it raises, some may have been counted. Sending all of them again counts the rest.

        Raises:
            NotFound: the tenant has no such job.
            Conflict: the job has no experiment with the book's plan.
            StoreUnavailable: Redis cannot take them.
        """
        most = self._settings.experiment_records, self._settings.experiment_tenant_records
        before = (tenant_id, job_id, book.digest, write_metrics(book.plan), *most)
        calls = [
            (*before, write_items(items[start : start + CHUNK]))
            for start in range(0, len(items), CHUNK)
        ]
        replies = self._connection.run_all(scripts.RECORD_OUTCOMES, now_ms, calls) if calls else []
        said: list[str] = []
        for reply in replies:
            if isinstance(reply, Refusal):
                raise _refusal(reply)
            said += reply
        return said

    def freeze(
        self,
        job_id: str,
        tenant_id: str,
        *,
        least: Mapping[str, float],
        snapshot: str = "",
        verdict: str = "",
        event: str = "",
        now_ms: int,
    ) -> tuple[bool, str | None]:
        """Keep what a look found: least p-values and, when it is final, the verdict, once for ever.

        The event is created in the same write, by the one who froze the verdict. Returns whether
        that was this call, and the verdict that is frozen, if one is.

        Raises:
            NotFound: the tenant has no such job.
            Conflict: the job has no experiment.
        """
        texts = json.dumps({name: repr(float(value)) for name, value in least.items()})
        args = (tenant_id, job_id, texts, snapshot, verdict, event)
        try:
            reply = self._connection.run(scripts.FREEZE_VERDICT, now_ms, *args)
        except Refused as refused:
            raise _refusal(refused.refusal) from None
        return reply[0] == "1", reply[1] or None


def _refusal(refusal: Refusal) -> Exception:
    match refusal:
        case Refusal.GONE:
            return NotFound("There is no such job.")
        case Refusal.FULL:
            return StoreUnavailable(NEARLY_FULL)
        case _:
            return Conflict(
                "The job has no experiment with this plan.",
                hint="A plan never changes once it is given: read it, or make a new job.",
            )
