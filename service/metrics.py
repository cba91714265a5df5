"""What the product counts of itself: one catalogue, and three verbs that do nothing when off.

A process that serves metrics installs a recorder (`service.exposition`) at its start. No name of a
tenant, a job or an account is a label: there are too many of them, and they are nobody's business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from service.clock import Clock
from service.errors import ClockRefused, StoreUnavailable
from service.model.lifecycle import ENDED_JOB


class Kind(StrEnum):
    """Kinds of metrics, as Prometheus has them."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `where` names the processes that have it; durations are in seconds.

    `newest` holds for a gauge of which the latest word counts; others are summed over the parts of
    a process. Such a gauge tells of a look at the due set, and is left out when that look is old.
    `seeds` are values of its one label that are there from the start, at 0: of a series that begins
    with its first event, Prometheus sees no increase.
    """

    name: str
    kind: Kind
    doc: str
    labels: tuple[str, ...] = ()
    where: str = "workers"
    buckets: tuple[float, ...] = ()
    newest: bool = False
    seeds: tuple[str, ...] = ()

    @property
    def samples(self) -> tuple[str, ...]:
        """The names under which a query finds it."""
        if self.kind is Kind.HISTOGRAM:
            return tuple(f"{self.name}_{end}" for end in ("bucket", "count", "sum"))
        return (self.name,)


_CALLS_S = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0)
_REQUESTS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
_TRIES_S = (0.05, 0.1, 0.3, 1.0, 3.0, 10.0, 20.0)

# The API
REQUESTS = Metric(
    "caption_ab_requests_total", Kind.COUNTER,
    "Requests answered, by route pattern.", ("method", "route", "status"), "api",
)  # fmt: skip
REQUEST_SECONDS = Metric(
    "caption_ab_request_seconds", Kind.HISTOGRAM,
    "Time to the answer's first byte, without what `Prefer: wait` asked for.",
    ("method", "route"), "api", _REQUESTS_S,
)  # fmt: skip
JOBS_ACCEPTED = Metric(
    "caption_ab_jobs_accepted_total", Kind.COUNTER,
    "Jobs accepted; an idempotent request that is replayed does not count.", where="api",
)  # fmt: skip

# Jobs and their steps
JOBS_ENDED = Metric(
    "caption_ab_jobs_ended_total", Kind.COUNTER, "Jobs ended.", ("status",), "media",
    seeds=tuple(sorted(ENDED_JOB)),
)  # fmt: skip
EXPERIMENTS_ENDED = Metric(
    "caption_ab_experiments_ended_total", Kind.COUNTER,
    "Experiments ended, by the state of their verdict, or why there is none.",
    ("state",), "api, media",
)  # fmt: skip
OUTCOMES = Metric(
    "caption_ab_outcomes_total", Kind.COUNTER,
    "Outcomes of experiments: accepted, duplicate or rejected.", ("outcome",), "api",
    seeds=("accepted", "duplicate", "rejected"),
)  # fmt: skip
STEP_SECONDS = Metric(
    "caption_ab_step_seconds", Kind.HISTOGRAM,
    "One step of a row, by the kind of row and the state it was in.", ("kind", "state"),
    buckets=_CALLS_S,
)  # fmt: skip
STEP_FAILURES = Metric(
    "caption_ab_step_failures_total", Kind.COUNTER,
    "Steps that met an error, by its code in docs/errors.md; most are tried again.",
    ("kind", "state", "code"),
)  # fmt: skip
ROWS_BROKEN = Metric(
    "caption_ab_rows_broken_total", Kind.COUNTER,
    "Rows left by a fault of ours; the log has its trace under `row_broken`.",
)  # fmt: skip

# Dispatch
LOOK_AGE = Metric(
    "caption_ab_look_age_seconds", Kind.GAUGE,
    "Time since this process last saw the due set; none once it drains. The other gauges of a look "
    "are absent when it is older than 30 s.", newest=True,
)  # fmt: skip
DUE_LATE = Metric(
    "caption_ab_due_late_seconds", Kind.GAUGE,
    "How long the latest due row has waited for a worker, as the last look saw it.", ("queue",),
    newest=True,
)  # fmt: skip
QUEUE_LENGTH = Metric(
    "caption_ab_queue_length", Kind.GAUGE,
    "Doorbells that no worker has taken yet.", ("queue",), newest=True,
)  # fmt: skip
QUEUE_ROOM = Metric(
    "caption_ab_queue_room", Kind.GAUGE,
    "Free places of all workers, by their own word; absent or 0 with no worker.", ("queue",),
    newest=True,
)  # fmt: skip
TICKS = Metric("caption_ab_ticks_total", Kind.COUNTER, "Looks at the due set that succeeded.")
TICK_FAILURES = Metric(
    "caption_ab_tick_failures_total", Kind.COUNTER,
    "Looks that failed: Redis away (`store_unavailable`), a clock refused, or a fault.", ("code",),
    seeds=(StoreUnavailable.code, ClockRefused.code, "internal"),
)  # fmt: skip
LEASES_HELD = Metric(
    "caption_ab_leases_held", Kind.GAUGE, "Rows this process works on at this moment."
)
LEASES_LOST = Metric(
    "caption_ab_leases_lost_total", Kind.COUNTER,
    "Leases that another worker took over while this process still worked.",
)  # fmt: skip

# The backend
STREAMS_OPEN = Metric(
    "caption_ab_streams_open", Kind.GAUGE, "Backend event streams open.", where="flow"
)
BACKEND_SECONDS = Metric(
    "caption_ab_backend_seconds", Kind.HISTOGRAM,
    "One call to the backend, each try by itself.", ("call",), "workers, api", _CALLS_S,
)  # fmt: skip
BACKEND_ERRORS = Metric(
    "caption_ab_backend_errors_total", Kind.COUNTER,
    "Calls to the backend that failed, by the error's code in docs/errors.md.",
    ("call", "code"), "workers, api",
)  # fmt: skip

# Money
CREDITS_RESERVED = Metric(
    "caption_ab_credits_reserved_total", Kind.COUNTER,
    "Credits set aside before paid edits.", where="flow",
)  # fmt: skip
CREDITS_CHARGED = Metric(
    "caption_ab_credits_charged_total", Kind.COUNTER,
    "Credits that edits were seen to cost.", where="flow",
)  # fmt: skip
EDITS_BOOKED = Metric(
    "caption_ab_edits_booked_total", Kind.COUNTER,
    "Edits booked, by whether they were charged: yes, no, or unknown.", ("charged",), "flow",
    seeds=("yes", "no", "unknown"),
)  # fmt: skip

# Webhooks
DELIVERY_SECONDS = Metric(
    "caption_ab_delivery_seconds", Kind.HISTOGRAM,
    "One try of a delivery, by what came of it: delivered, retried, disabled (410) or failed; "
    "one given up before it could be sent is a `failed` of 0 s.",
    ("outcome",), "hooks", _TRIES_S, seeds=("delivered", "retried", "disabled", "failed"),
)  # fmt: skip
ENDPOINTS_DISABLED = Metric(
    "caption_ab_endpoints_disabled_total", Kind.COUNTER,
    "Webhook endpoints switched off by us: `gone` (410) or `failing` (for days).", ("reason",),
    "hooks", seeds=("gone", "failing"),
)  # fmt: skip

CATALOGUE: tuple[Metric, ...] = tuple(
    each for each in list(vars().values()) if isinstance(each, Metric)
)


class Recorder(Protocol):
    """Where numbers go."""

    def add(self, metric: Metric, amount: float, labels: Mapping[str, str]) -> None: ...

    def put(self, metric: Metric, value: float, labels: Mapping[str, str]) -> None: ...

    def observe(self, metric: Metric, value: float, labels: Mapping[str, str]) -> None: ...


_recorder: Recorder | None = None


def install(recorder: Recorder | None) -> None:
    """Let this process's numbers go there; none switches counting off."""
    global _recorder  # noqa: PLW0603  one process, one recorder, like its logs
    _recorder = recorder


def count(metric: Metric, amount: float = 1.0, **labels: str) -> None:
    """Add to a counter, or to a gauge of things under way."""
    if _recorder is not None:
        _recorder.add(metric, amount, labels)


def put(metric: Metric, value: float, **labels: str) -> None:
    """Set a gauge."""
    if _recorder is not None:
        _recorder.put(metric, value, labels)


def observe(metric: Metric, value: float, **labels: str) -> None:
    """Add a value to a histogram."""
    if _recorder is not None:
        _recorder.observe(metric, value, labels)


def count_charge(charge: int | None) -> None:
    """Count an edit that was booked: what it cost, none where that is not known."""
    said = "unknown" if charge is None else "yes" if charge else "no"
    count(EDITS_BOOKED, charged=said)
    if charge:
        count(CREDITS_CHARGED, charge)


@contextmanager
def timed(metric: Metric, clock: Clock, **labels: str) -> Iterator[None]:
    """Put the duration of a block into a histogram, whatever its end."""
    started_s = clock.monotonic_s()
    try:
        yield
    finally:
        observe(metric, clock.monotonic_s() - started_s, **labels)


@contextmanager
def under_way(metric: Metric) -> Iterator[None]:
    """Count a block in a gauge while it lasts."""
    count(metric)
    try:
        yield
    finally:
        count(metric, -1.0)
