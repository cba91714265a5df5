"""The finished videos: whole, or a range of bytes, as players ask for them (RFC 9110, 14)."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from werkzeug.datastructures import Range

from api.frozen import mark, thaw_own
from api.jobs import own_job
from api.openapi import Routes
from api.problems import RangeRefused
from api.schemas import VideoQuery
from api.state import services
from service.errors import Gone, NotFound, StoreUnavailable
from service.jobs.messages import own_cuts
from service.model.cut import ResultFile
from service.model.job import Job
from service.model.lifecycle import ENDED_CUT, CutState
from service.store.jobs import CutRow

routes = Routes("videos", __name__, url_prefix="/v1/jobs", description="Finished videos")
RANGE = {
    "in": "header",
    "name": "Range",
    "schema": {"type": "string"},
    "description": "One range, such as `bytes=0-1023`.",
}
_VIDEO = {"video/mp4": {"schema": {"type": "string", "format": "binary"}}}


@routes.route("/<job_id>/variants/<label>/video")
@routes.arguments(VideoQuery, location="query")
@routes.doc(
    parameters=[RANGE],
    responses={
        "200": {"description": "The video", "content": _VIDEO},
        "206": {"description": "A part of the video", "content": _VIDEO},
        "302": {"description": "Where the video is for a while, if the operator allows such links"},
        "304": {"description": "Unchanged since the ETag in If-None-Match"},
    },
)
@routes.alt_response(416, "REQUESTED_RANGE_NOT_SATISFIABLE")
def read_video(query: dict[str, Any], job_id: str, label: str) -> Response:
    """A variant's video of one clip; with `download=true` a browser saves it."""
    revision, clip = query.get("revision"), int(query["clip"])
    frozen = False
    try:
        job = own_job(job_id)
        result = find_result(job, label, clip, revision)
    except StoreUnavailable as away:
        found = thaw_own(job_id, away)
        job, frozen = found.job, True
        own = [row for row in found.cuts if (row.doc.label, row.doc.clip) == (label, clip)]
        result = pick_result(own, revision)
    # Without a revision another video may stand here after the next message.
    lasting = "private, max-age=86400, immutable"
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": lasting if revision else "private, no-cache",
        "Content-Type": "video/mp4",
    }
    if query["download"]:
        part = f"-r{revision}" if revision else ""
        name = f"{job.id}-{label}-{query['clip'] + 1}{part}.mp4"
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response = send_file(result, headers)
    return mark(response) if frozen else response


def find_result(job: Job, label: str, clip: int, revision: int | None = None) -> ResultFile:
    """The video of one revision of a variant, or of the latest that succeeded.

    Raises:
        NotFound: there is no such variant or clip, or its video is not there yet.
        Gone: the cut has ended without a video.
    """
    return pick_result(own_cuts(job, label, clip, services()), revision)


def pick_result(own: list[CutRow], revision: int | None = None) -> ResultFile:
    """The video among the revisions of one cut.

    Raises:
        NotFound, Gone: as for `find_result`.
    """
    if revision is not None:
        own = [row for row in own if row.doc.revision == revision]
    done = [row for row in own if row.state is CutState.SUCCEEDED]
    if done and done[-1].doc.result is not None:
        return done[-1].doc.result
    raise _not_there(own)


def send_file(result: ResultFile, headers: dict[str, str], *, linked: bool = True) -> Response:
    """A file, the range of it that is asked for, or a link to it; HEAD and 304 read nothing.

    Without `linked` it always comes through this process.

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
    if request.method == "HEAD":
        return response
    address = _link(result, headers) if linked else ""
    if address:
        return Response(status=302, headers={"Location": address, "Cache-Control": "no-store"})
    response.response = services().files.open_range(result.file, start, end)
    response.direct_passthrough = True
    return response


def _link(result: ResultFile, headers: dict[str, str]) -> str:
    """Where the file can be had for a while without us; empty where nowhere."""
    disposition = headers.get("Content-Disposition", "")
    return services().files.link(
        result.file, media_type=headers["Content-Type"], disposition=disposition
    )


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
    if failure is not None and state in ENDED_CUT:
        return Gone(f"The cut has ended as {state}: {failure.detail}", hint=failure.hint)
    return NotFound(f"The video is not there yet: the cut is {state}.")
