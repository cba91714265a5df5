"""The finished videos: whole, or a range of bytes, as players ask for them (RFC 9110, 14)."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from werkzeug.datastructures import Range

from api.jobs import own_job
from api.openapi import Routes
from api.problems import RangeRefused
from api.schemas import VideoQuery
from api.state import services
from service.errors import Gone, NotFound
from service.model.cut import ResultFile
from service.model.job import LABELS, Job
from service.store.jobs import CutRow

routes = Routes("videos", __name__, url_prefix="/v1/jobs", description="Finished videos")
_RANGE = {
    "in": "header",
    "name": "Range",
    "schema": {"type": "string"},
    "description": "One range, such as `bytes=0-1023`.",
}
_VIDEO = {"video/mp4": {"schema": {"type": "string", "format": "binary"}}}


@routes.route("/<job_id>/variants/<label>/video")
@routes.arguments(VideoQuery, location="query")
@routes.doc(
    parameters=[_RANGE],
    responses={
        "200": {"description": "The video", "content": _VIDEO},
        "206": {"description": "A part of the video", "content": _VIDEO},
        "304": {"description": "Unchanged since the ETag in If-None-Match"},
    },
)
@routes.alt_response(416, "REQUESTED_RANGE_NOT_SATISFIABLE")
def read_video(query: dict[str, Any], job_id: str, label: str) -> Response:
    """A variant's video of one clip; with `download=true` a browser saves it."""
    job = own_job(job_id)
    result = find_result(job, label, int(query["clip"]))
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=86400, immutable",
        "Content-Type": "video/mp4",
    }
    if query["download"]:
        name = f"{job.id}-{label}-{query['clip'] + 1}.mp4"
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return send_file(result, headers)


def find_result(job: Job, label: str, clip: int) -> ResultFile:
    """The video of the latest finished revision of a variant.

    Raises:
        NotFound: there is no such variant or clip, or its video is not there yet.
        Gone: the cut has ended without a video.
    """
    known = label in LABELS and any(each.label == label for each in job.spec.variants)
    if not known or clip >= len(job.spec.clips):
        raise NotFound(f"The job has no variant {label[:8]} of clip {clip}.")
    _, cuts = services().jobs.read_units(job)
    own = [row for row in cuts if row.doc.label == label and row.doc.clip == clip]
    done = [row.doc.result for row in own if row.doc.result is not None]
    if done:
        return done[-1]
    raise _not_there(own)


def send_file(result: ResultFile, headers: dict[str, str]) -> Response:
    """A file or the range of it that is asked for; nothing is read for HEAD and 304.

    Raises:
        RangeRefused: the file has no such bytes.
    """
    response = Response(status=200, headers=headers)
    response.set_etag(result.sha256)
    if response.make_conditional(request).status_code == 304:
        return response
    start, end = 0, result.size
    asked = request.range
    if asked is not None and asked.units == "bytes" and _is_current(result):
        start, end = pick_range(asked, result.size)
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{result.size}"
    response.headers["Content-Length"] = str(end - start)
    if request.method != "HEAD":
        response.response = services().files.open_range(result.file, start, end)
        response.direct_passthrough = True
    return response


def pick_range(asked: Range, size: int) -> tuple[int, int]:
    """First byte and the one after the last; several ranges are answered by the first.

    A suffix longer than the file is the whole file, which werkzeug's own reading refuses.

    Raises:
        RangeRefused: the file has no such bytes.
    """
    start, end = asked.ranges[0]
    if start is not None and start < 0:
        start, end = max(0, size + start), size
    if start is None or start >= size:
        raise RangeRefused(size)
    return start, size if end is None else min(end, size)


def _is_current(result: ResultFile) -> bool:
    """Whether `If-Range` still holds; without it every range is taken."""
    condition = request.if_range
    if condition.date is not None:
        return False
    return condition.etag is None or condition.etag == result.sha256


def _not_there(own: list[CutRow]) -> Exception:
    if not own:
        return NotFound("There is no such cut.")
    state, failure = own[-1].state, own[-1].doc.failure
    if failure is not None:
        return Gone(f"The cut has ended as {state}: {failure.detail}", hint=failure.hint)
    return NotFound(f"The video is not there yet: the cut is {state}.")
