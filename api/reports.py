"""The full report of a job's comparison: a file that was made when the job ended."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import Response

from api.comparison_schemas import ReportReply
from api.frozen import mark, thaw_own
from api.jobs import own_job
from api.openapi import Routes
from api.page_data import shown_job, shown_report
from api.page_file import read_pictures
from api.page_html import render_report
from api.page_view import PageRights, PageView
from api.people import send_page
from api.schemas import NoQuery
from api.state import public_url, services, state
from api.trials import show_experiment
from service.errors import NotFound, StoreUnavailable
from service.jobs.comparison import read_report
from service.jobs.view import job_data
from service.model.job import Job
from service.model.lifecycle import ENDED_JOB
from service.store.jobs import ClipRow, CutRow

routes = Routes("reports", __name__, url_prefix="/v1/jobs", description="Comparisons")


@routes.route("/<job_id>/comparison")
@routes.arguments(NoQuery, location="query")
@routes.response(200, ReportReply)
@routes.alt_response(304, description="Unchanged since the ETag in If-None-Match")
@routes.alt_response(410, "GONE")
def read_comparison(_query: dict[str, Any], job_id: str) -> Response:
    """Everything that was measured of a job's videos; 404 until the job has ended.

    Which captions are easier to read, whether only the captions differ, and all figures: per
    variant, per caption, over time.
    """
    try:
        return _answer(own_job(job_id))
    except StoreUnavailable as away:
        return mark(_answer(thaw_own(job_id, away).job))


@routes.route("/<job_id>/comparison/report.html")
@routes.arguments(NoQuery, location="query")
@routes.doc(
    responses={
        "200": {
            "description": "The page of the job as one file",
            "content": {"text/html": {"schema": {"type": "string"}}},
        }
    }
)
@routes.alt_response(410, "GONE")
def read_report_file(_query: dict[str, Any], job_id: str) -> Response:
    """The comparison as one HTML file that needs no network; 404 until the job has ended.

    Its pictures are inside, its videos are links to the page.
    """
    try:
        job = own_job(job_id)
        return _send_file(job, *services().jobs.read_units(job, revisions=True))
    except StoreUnavailable as away:
        found = thaw_own(job_id, away)
        return mark(_send_file(found.job, found.clips, found.cuts))


def _send_file(job: Job, clips: Sequence[ClipRow], cuts: Sequence[CutRow]) -> Response:
    parts = services()
    with state().reports.one():
        report = json.loads(_read(job))
        view = PageView({}, report, f"/jobs/{job.id}", "", parts.clock.now_ms(), PageRights())
        shown = replace(
            view,
            job=shown_job(job_data(job, clips, cuts, public_url()), view),
            report=shown_report(report, view),
            experiment=show_experiment(job, services()),
        )
        pictures = read_pictures(report, job.id, parts.files)
        response = send_page(render_report(shown, pictures, public_url()), shared=False)
    response.headers["Content-Disposition"] = f'attachment; filename="{job.id}.html"'
    return response


def _answer(job: Job) -> Response:
    return Response(_read(job), content_type="application/json")


def _read(job: Job) -> bytes:
    """The report of a job.

    Raises:
        NotFound: there is none, or none yet.
    """
    if job.status not in ENDED_JOB:
        raise NotFound("There is no comparison yet: it is made when the job ends.")
    report = read_report(job.id, services().files)
    if report is None:
        raise NotFound(
            "This job has no comparison.",
            hint="It was given up, canceled, not kept, or the job ended under an earlier release.",
        )
    return report
