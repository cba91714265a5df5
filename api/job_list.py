"""The list of a tenant's jobs as a page, with filters; works without a script."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from api.fields import MAX_METADATA_NAME, MAX_METADATA_VALUE
from api.listing import JobFilter, list_jobs
from api.page_experiment import say_state
from api.page_state import job_words
from api.people import answer_in_words, draw, send_page
from api.schemas import MAX_NAME, PAGE
from api.state import services
from api.visitors import require_session
from service.errors import CaptionAbError, InvalidRequest, StoreUnavailable
from service.model.job import Job
from service.model.lifecycle import ENDED_JOB, JobStatus
from service.sessions import write_form_mark
from service.store.experiments import ExperimentStore

routes = Blueprint("job_list", __name__, url_prefix="/jobs")
routes.register_error_handler(CaptionAbError, answer_in_words)
_log = logging.getLogger(__name__)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
#: The fields of the form, as they stand in the address.
FIELDS = ("status", "from", "to", "name", "metadata")


@dataclass(frozen=True, slots=True)
class Line:
    """One job in the list."""

    id: str
    name: str
    status: str
    status_text: str
    created: datetime
    took: str
    verdict: str
    experiment: str
    labels: str


@routes.get("")
def show_jobs() -> Response:
    """The tenant's jobs, newest first."""
    session, caller = require_session()
    asked = {name: request.args.get(name, "").strip() for name in FIELDS}
    chosen, faults = read_choice(asked)
    cursor, parts = request.args.get("cursor", ""), services()
    try:
        page = list_jobs(
            parts.connection, caller.tenant_id, limit=PAGE, cursor=cursor, chosen=chosen
        )
    except InvalidRequest:  # the cursor of an address that somebody has cut
        page = list_jobs(parts.connection, caller.tenant_id, limit=PAGE, cursor="", chosen=chosen)
        cursor = ""
    kept = {name: value for name, value in asked.items() if value}
    following = f"/jobs?{urlencode({**kept, 'cursor': page.next_cursor})}"
    told = tell_experiments(page.jobs, parts.experiments)
    text = draw(
        "jobs.html",
        lines=[tell_line(job, each) for job, each in zip(page.jobs, told, strict=True)],
        asked=asked,
        faults=faults,
        statuses=[each.value for each in JobStatus],
        filtered=bool(kept),
        first=f"/jobs?{urlencode(kept)}" if cursor else "",
        following=following if page.next_cursor else "",
        csrf=write_form_mark(parts.settings.signing_secret, session),
    )
    return send_page(text)


def read_choice(asked: dict[str, str]) -> tuple[JobFilter, list[str]]:
    """The filter of a form, and what of it could not be read, in words. Days are of UTC."""
    faults: list[str] = []
    since_ms, before_ms = _day_ms(asked["from"], faults), _day_ms(asked["to"], faults, days=1)
    statuses = frozenset({asked["status"]} & {each.value for each in JobStatus})
    if asked["status"] and not statuses:
        faults.append("There is no such status.")
    key, equals, value = asked["metadata"].partition("=")
    metadata = {key.strip(): value.strip()} if asked["metadata"] else {}
    if metadata and (not equals or not 1 <= len(key) <= MAX_METADATA_NAME):
        faults.append("Metadata is written as name=value.")
        metadata = {}
    chosen = JobFilter(
        statuses=statuses,
        since_ms=since_ms or 0,
        before_ms=before_ms,
        name=asked["name"][:MAX_NAME],
        metadata={name: each[:MAX_METADATA_VALUE] for name, each in metadata.items()},
    )
    return chosen, faults


def tell_experiments(jobs: Sequence[Job], store: ExperimentStore) -> list[str]:
    """How far the experiment of each job is, in a word or two.

    Empty where it has none, and of all of them where outcomes are counted in a Redis that is away.
    """
    try:
        found = store.read_standings([each.id for each in jobs])
    except StoreUnavailable:
        _log.warning("experiments_not_listed", exc_info=True)
        return [""] * len(jobs)
    return [say_standing(job, each) for job, each in zip(jobs, found, strict=True)]


def say_standing(job: Job, standing: tuple[int, str] | None) -> str:
    """An experiment by when it began and its frozen verdict, as the store has them."""
    if standing is None:
        return ""
    started_ms, verdict = standing
    if verdict:
        return say_state(json.loads(verdict))
    if started_ms:
        return "Running"
    return "Not begun" if job.status in ENDED_JOB else "Waiting"


def tell_line(job: Job, experiment: str) -> Line:
    """A job as a line of the list."""
    ended = job.status in ENDED_JOB and job.ended_ms
    return Line(
        id=job.id,
        name=job.spec.name or "Untitled job",
        status=job.status.value,
        status_text=job_words(job.status),
        created=datetime.fromtimestamp(job.created_ms / 1000, UTC),
        took=say_span(job.ended_ms - job.created_ms) if ended else "",
        verdict=say_verdict(job.result) if ended else "",
        experiment=experiment,
        labels=", ".join(each.label for each in job.spec.variants),
    )


def say_verdict(result: Any) -> str:
    """What the comparison came to, in a word or two; empty where there is none."""
    verdict = result.get("verdict") if isinstance(result, dict) else None
    if not isinstance(verdict, dict):
        return ""
    words = {"tie": "a tie", "mixed": "mixed", "unknown": "not clear"}
    if verdict.get("result") == "better":
        return f"{verdict.get('better')} reads better"
    return words.get(str(verdict.get("result")), "")


def say_span(span_ms: int) -> str:
    """A span of time, such as 3 min 20 s."""
    seconds = max(0, round(span_ms / 1000))
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def _day_ms(text: str, faults: list[str], days: int = 0) -> int | None:
    """The beginning of a day, or of one some days later, in milliseconds."""
    if not text:
        return None
    try:
        day = date.fromisoformat(text if _DAY.fullmatch(text) else "") + timedelta(days=days)
    except (ValueError, OverflowError):
        faults.append("A day is written as 2026-11-23.")
        return None
    return max(0, int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000))
