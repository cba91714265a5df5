"""The videos that viewers are sent to: by a signed address, for some minutes, without a key."""

from __future__ import annotations

from flask import Blueprint, Response

from api.state import services, state
from api.videos import send_file
from api.viewers import EXPOSED, count_viewer
from service.errors import FileMissing, NotFound
from service.ids import is_id
from service.video_links import read_showing

routes = Blueprint("showings", __name__)
_NOTHING = "There is no such video, or this address shows it no more."
_AGAIN = "Ask `GET /v1/jobs/{id}/play` again: it leads to an address that works."


@routes.get("/play/<job_id>/<label>/<token>")
def send_showing(job_id: str, label: str, token: str) -> Response:
    """A video, or a range of it; caches keep it no longer than its address works."""
    count_viewer()
    parts = services()
    now_ms = parts.clock.now_ms()
    showing = None
    if is_id(job_id, "job"):
        pepper = parts.settings.signing_secret
        showing = read_showing(pepper, job_id, label, token, now_ms=now_ms)
    show = state().shelves.shows.find(job_id) if showing is not None else None
    if showing is None or show is None:
        raise NotFound(_NOTHING, hint=_AGAIN)
    shown = show.videos.get((label, showing.clip))
    if shown is None or shown.revision != showing.revision:
        raise NotFound(_NOTHING, hint=_AGAIN)
    left_s = max(0, showing.ends_s - -(-now_ms // 1000))
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": f"public, max-age={left_s}",
        "Content-Type": "video/mp4",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    try:
        return send_file(shown.file, headers, linked=False)
    except FileMissing:
        raise NotFound(_NOTHING, hint=_AGAIN) from None


@routes.after_request
def open_to_all(response: Response) -> Response:
    """Let pages of any origin use the video, and read why there is none."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Expose-Headers"] = EXPOSED
    return response
