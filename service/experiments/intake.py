"""Outcomes on their way into the store, and looks at what has come: where both are judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from service.errors import Conflict, ExperimentFull, NotFound
from service.experiments.aggregates import Aggregate, read_aggregate
from service.experiments.beacons import ReadToken, check_beacons, read_beacon, refuse_override
from service.experiments.ledger import Book, take_snapshot
from service.experiments.looks import write_point
from service.experiments.outcomes import Fault, Outcome, Rejection, read_items, read_outcome
from service.experiments.snapshot import canonical, write_snapshot
from service.experiments.verdict import decide
from service.store.experiments import ExperimentStore
from service.unit_tokens import Stage, read_unit_token

NOT_BEGUN = "The experiment has not begun."
WHEN = "It begins when the job has ended with a video of every variant. Ask again then."
ACCEPTED, DUPLICATE, REJECTED = "accepted", "duplicate", "rejected"
#: What the store says of an outcome that it does not count.
DETAILS = {
    Rejection.EVENT_ID_REUSED: "This `event_id` was used with another content.",
    Rejection.BATCH_ID_REUSED: "This `batch_id` was used with another content.",
    Rejection.UNIT_IN_TWO_VARIANTS: "The unit was seen in another variant first, where it counts.",
    Rejection.REVISION_IS_OLD: "A later revision of this source was counted.",
    Rejection.REVISION_REUSED: "This revision was used with another content.",
    Rejection.DECREASED: "Figures of a source must not decrease, unless it sets `correction`.",
    Rejection.BELOW_ZERO: "It would take back more than there is.",
    Rejection.COUNTER_OVERFLOW: "A sum would exceed 64 bits. The sums are as before.",
    Rejection.EXPERIMENT_FULL: "As many units and outcomes are kept as may be.",
}


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one item: `status`, and of a rejected one why and where."""

    status: str
    reason: Rejection | None = None
    pointer: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Looked:
    """A verdict in its one form, and whether it is the one that was frozen."""

    text: str
    is_final: bool


def take_outcomes(
    store: ExperimentStore,
    job_id: str,
    tenant_id: str,
    document: Any,
    *,
    now_ms: int,
    secret: str | None = None,
) -> list[Result]:
    """Check and count a batch; one result for each item, in its order.

    `secret` is given where a viewer's browser has sent it: each item must then show a unit token
    that it has signed.

    Raises:
        InvalidRequest: it is no batch, or none of a browser's.
        NotFound: the job has no experiment, or the tenant no such job.
        Conflict: it has not begun.
        ExperimentFull: nothing of it was counted, now or before, and something found no room.
        StoreUnavailable: Redis does not take it; the same batch may be sent again.
    """
    items = read_items(document)
    book = _found(store.read_head(job_id))
    if not book.started_ms:
        raise Conflict(NOT_BEGUN, hint=WHEN)
    read_token = None
    if secret is not None:
        check_beacons(items)
        read_token = partial(read_unit_token, secret, Stage(job_id, book.digest, book.plan.labels))
    read = [
        read_item(each, f"#/outcomes/{n}", book, now_ms, read_token) for n, each in enumerate(items)
    ]
    good = [each for each in read if not isinstance(each, Fault)]
    said = iter(store.record(job_id, tenant_id, book, good, now_ms=now_ms))
    results = [
        Result(REJECTED, each.reason, each.pointer, each.detail)
        if isinstance(each, Fault)
        else _tell(next(said), f"#/outcomes/{n}")
        for n, each in enumerate(read)
    ]
    if all(r.status == REJECTED for r in results) and any(
        r.reason is Rejection.EXPERIMENT_FULL for r in results
    ):
        raise ExperimentFull
    return results


def read_experiment(store: ExperimentStore, job_id: str) -> Book:
    """All that is kept of a job's experiment.

    Raises:
        NotFound: it has none.
    """
    return _found(store.read(job_id))


def refuse_none() -> NotFound:
    """What is said of a job that was given no experiment."""
    hint = "Give it one: PUT /v1/jobs/{id}/experiment, or `caption-ab experiment JOB --plan FILE`."
    return NotFound("The job has no experiment.", hint=hint)


def _found(book: Book | None) -> Book:
    if book is None:
        raise refuse_none()
    return book


def read_item(
    item: Any, pointer: str, book: Book, now_ms: int, read_token: ReadToken | None = None
) -> Outcome | Aggregate | Fault:
    """One item: figures of many units where it has `units`, else an outcome of one.

    With `read_token` it is a browser's, and an outcome of its viewer.
    """
    if read_token is not None:
        times = {"started_ms": book.started_ms, "now_ms": now_ms}
        return read_beacon(item, pointer, book.plan, read_token, **times)
    overridden = refuse_override(item, pointer, book.plan)
    if overridden is not None:
        return overridden
    bulk = isinstance(item, Mapping) and "units" in item
    read = read_aggregate if bulk else read_outcome
    return read(item, pointer, book.plan, started_ms=book.started_ms, now_ms=now_ms)


def look(store: ExperimentStore, job_id: str, tenant_id: str, *, now_ms: int) -> Looked:
    """The frozen verdict, or what outcomes say now, which is frozen when it is final.

    Raises:
        NotFound: the job has no experiment, or it is another tenant's.
    """
    book = read_experiment(store, job_id)
    if book.verdict is not None:
        return Looked(book.verdict, is_final=True)
    snapshot = take_snapshot(book, now_ms=now_ms)
    verdict = decide(snapshot)
    text, final = verdict.as_bytes().decode(), verdict.state.is_final
    frozen = store.freeze(
        job_id,
        tenant_id,
        least=verdict.earlier,
        point=write_point(verdict),
        snapshot=canonical(write_snapshot(snapshot)).decode() if final else "",
        verdict=text if final else "",
        now_ms=now_ms,
    )
    return Looked(frozen or text, is_final=frozen is not None)


def _tell(said: str, pointer: str) -> Result:
    if said in {ACCEPTED, DUPLICATE}:
        return Result(said)
    reason = Rejection(said)
    return Result(REJECTED, reason, pointer, DETAILS[reason])
