"""The full report of a job's comparison: a file that was made when the job ended."""

from __future__ import annotations

from typing import Any

from flask import Response

from api.comparison_schemas import ReportReply
from api.frozen import mark, thaw_own
from api.jobs import own_job
from api.openapi import Routes
from api.schemas import NoQuery
from api.state import services
from service.errors import NotFound, StoreUnavailable
from service.jobs.comparison import read_report
from service.model.job import Job
from service.model.lifecycle import ENDED_JOB

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


def _answer(job: Job) -> Response:
    if job.status not in ENDED_JOB:
        raise NotFound("There is no comparison yet: it is made when the job ends.")
    report = read_report(job.id, services().files)
    if report is None:
        raise NotFound(
            "This job has no comparison.",
            hint="It was given up, could not be kept, or the job ended under an earlier release.",
        )
    return Response(report, content_type="application/json")
