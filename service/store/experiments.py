"""Books of experiments: what was counted, and the verdict that is given once.

They may lie in a Redis of their own, so nothing here knows of jobs: `store/plans.py` does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from service.errors import StoreUnavailable
from service.experiments.aggregates import Aggregate
from service.experiments.ledger import (
    HEAD,
    Book,
    divide_items,
    plan_digest,
    plan_text,
    read_book,
    write_items,
    write_metrics,
)
from service.experiments.looks import MOST_POINTS, Point, read_point
from service.experiments.outcomes import Outcome
from service.experiments.plan import Plan
from service.settings import Settings
from service.store import scripts
from service.store.connection import Connection, Refused
from service.store.identity import require_known
from service.store.refusals import experiment_refusal
from service.store.scripts import Refusal


class ExperimentStore:
    """The experiments of all jobs."""

    def __init__(
        self, connection: Connection, settings: Settings, main: Connection | None = None
    ) -> None:
        """`main` is the Redis of jobs, where this is another."""
        self._connection = connection
        self._main = main or connection
        self._keys = connection.keys
        self._settings = settings
        self._rests_until_s, self._rests_why = 0.0, ""

    def rest(self, now_s: float, for_s: float, why: str) -> None:
        """Let `require_awake` refuse for so long from now (monotonic), unless it does already."""
        if now_s >= self._rests_until_s:
            self._rests_until_s, self._rests_why = now_s + for_s, why

    def require_awake(self, now_s: float) -> None:
        """Refuse whoever can wait, while it is left alone.

        Raises:
            StoreUnavailable: with what was found a moment ago.
        """
        if now_s < self._rests_until_s:
            raise StoreUnavailable(self._rests_why)

    @property
    def connection(self) -> Connection:
        """Where they are counted."""
        return self._connection

    def require_known(self) -> None:
        """See that this is where outcomes were counted before, whenever counts are not there.

        Raises:
            StoreUnavailable: it is not, or does not answer.
        """
        require_known(self._connection, self._main)

    def attach(
        self,
        job_id: str,
        tenant_id: str,
        plan: Plan,
        *,
        begin: bool,
        shown: str = "{}",
        text: str = "",
        now_ms: int,
    ) -> int:
        """Open the book of an experiment, and begin to count where its variants can be seen.

        `shown` is kept with the begin: which videos viewers see, as `service/jobs/films.py` writes.
        `text` is the plan as it was attached, perhaps by a release that wrote it otherwise.
        Returns when it began, 0 while it has not. May be called any number of times.

        Raises:
            NotFound: the book is another tenant's.
            Conflict: it has another plan.
            StoreUnavailable: Redis has little memory left.
        """
        text = text or plan_text(plan)
        args = (tenant_id, job_id, text, plan_digest(text), int(begin), shown)
        try:
            return int(self._connection.run(scripts.ATTACH_EXPERIMENT, now_ms, *args)[1])
        except Refused as refused:
            raise _refusal(refused.refusal) from None

    def read(self, job_id: str) -> Book | None:
        """All that is kept of a job's experiment, of one moment; none where it has none."""
        key = self._keys.experiment(job_id)
        fields = self._connection.read(lambda client: client.hgetall(key))
        return read_book(fields) if fields else None

    def read_head(self, job_id: str) -> Book | None:
        """The same without its counters and verdict: all that checking an outcome takes."""
        key = self._keys.experiment(job_id)
        found = self._connection.read(lambda client: client.hmget(key, HEAD))
        return read_book(dict(zip(HEAD, found, strict=True))) if found[0] else None

    def read_standings(self, job_ids: Sequence[str]) -> list[tuple[int, str] | None]:
        """Of each job when its experiment began and its frozen verdict; None where it has none.

        It is 0 while it has not begun, and an empty text while there is no verdict. One exchange.
        """

        def ask(client: Any) -> Any:
            pipeline = client.pipeline(transaction=False)
            for each in job_ids:
                pipeline.hmget(self._keys.experiment(each), "started", "verdict")
            return pipeline.execute()

        found = self._connection.read(ask) if job_ids else []
        return [None if at is None else (int(at), text or "") for at, text in found]

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
            NotFound: the book is another tenant's.
            Conflict: there is none with this plan, or it has not begun.
            StoreUnavailable: Redis cannot take them.
        """
        most = self._settings.experiment_records, self._settings.experiment_tenant_records
        before = (tenant_id, job_id, book.digest, write_metrics(book.plan), *most)
        pieces = divide_items(items, len(book.plan.metrics))
        calls = [(*before, write_items(piece)) for piece in pieces]
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
        point: str,
        snapshot: str = "",
        verdict: str = "",
        now_ms: int,
    ) -> str | None:
        """Keep what a look found: a point, least p-values and, when it is final, the verdict, once.

        Returns the verdict that is frozen, by this call or before, if one is.

        Raises:
            NotFound: the book is another tenant's.
            Conflict: there is no such experiment.
        """
        texts = json.dumps({name: repr(float(value)) for name, value in least.items()})
        args = (tenant_id, job_id, texts, snapshot, verdict, point, MOST_POINTS)
        try:
            reply = self._connection.run(scripts.FREEZE_VERDICT, now_ms, *args)
        except Refused as refused:
            raise _refusal(refused.refusal) from None
        return reply[1] or None

    def read_points(self, job_id: str) -> list[Point]:
        """The looks that are kept, the first one first."""
        key = self._keys.experiment_looks(job_id)
        texts = self._connection.read(lambda client: client.lrange(key, 0, -1))
        return [read_point(json.loads(text)) for text in texts]

    def drop(self, job_id: str, *, now_ms: int) -> bool:
        """Forget all that was counted; false when nothing was there. Idempotent."""
        return self._connection.run(scripts.DROP_EXPERIMENT, now_ms, job_id)[0] == "1"


def _refusal(refusal: Refusal) -> Exception:
    return experiment_refusal(
        refusal,
        "The experiment has another plan, or has not begun.",
        "A plan never changes once it is given: read it, or make a new job.",
    )
