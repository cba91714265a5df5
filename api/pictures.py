"""The pictures of a job's comparison: whole, or a range of bytes as players ask for a video's."""

from __future__ import annotations

from typing import Any

from flask import Response

from api.comparison_schemas import PictureQuery
from api.frozen import mark, thaw_own
from api.jobs import own_job
from api.openapi import Routes
from api.state import services
from api.videos import RANGE, send_file
from service.errors import FileMissing, NotFound, StoreUnavailable
from service.jobs.gallery import KeptPicture, find_picture
from service.model.cut import ResultFile
from service.model.job import Job
from service.model.lifecycle import ENDED_JOB

routes = Routes("pictures", __name__, url_prefix="/v1/jobs", description="Comparisons")
_CONTENT = {
    kind: {"schema": {"type": "string", "format": "binary"}}
    for kind in ("video/mp4", "image/jpeg", "image/png")
}


@routes.route("/<job_id>/comparison/pictures/<int:clip>/<name>")
@routes.arguments(PictureQuery, location="query")
@routes.doc(
    parameters=[RANGE],
    responses={
        "200": {"description": "The picture", "content": _CONTENT},
        "206": {"description": "A part of it", "content": _CONTENT},
        "302": {"description": "Where it is for a while, if the operator allows such links"},
        "304": {"description": "Unchanged since the ETag in If-None-Match"},
    },
)
@routes.alt_response(416, "REQUESTED_RANGE_NOT_SATISFIABLE")
def read_picture(query: dict[str, Any], job_id: str, clip: int, name: str) -> Response:
    """A picture that the comparison lists; with `download=true` a browser saves it.

    `side_by_side` is an MP4 of two variants in step; `contact_sheet`, `poster_A`, `worst_A` and
    `difference` are stills.
    """
    frozen = False
    try:
        job = own_job(job_id)
    except StoreUnavailable as away:
        job, frozen = thaw_own(job_id, away).job, True
    response = send_picture(job, clip, name, download=query["download"])
    return mark(response) if frozen else response


def send_picture(
    job: Job, clip: int, name: str, *, download: bool = False, linked: bool = True
) -> Response:
    """A picture of a job that whoever asks may see; without `linked` never by a link to it.

    Raises:
        NotFound: the job has not ended, or its comparison has no such picture.
        RangeRefused: it has no such bytes.
    """
    found = _find(job, clip, name)
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Type": found.type,
    }
    if download:
        suffix = found.file.rpartition(".")[2]
        part = f"-{clip + 1}" if len(job.spec.clips) > 1 else ""
        file = f"{job.id}{part}-{name}.{suffix}"
        headers["Content-Disposition"] = f'attachment; filename="{file}"'
    try:
        return send_file(ResultFile(found.file, found.size, found.sha256), headers, linked=linked)
    except FileMissing:
        raise NotFound("The picture is not among the job's files any more.") from None


def _find(job: Job, clip: int, name: str) -> KeptPicture:
    if job.status not in ENDED_JOB:
        raise NotFound("There are no pictures yet: they are made when the job ends.")
    found = find_picture(job.id, clip, name, services().files)
    if found is None:
        raise NotFound(
            "The job's comparison has no such picture.",
            hint="GET /v1/jobs/{id}/comparison lists those that there are, and why others are not.",
        )
    return found
