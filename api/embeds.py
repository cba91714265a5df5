"""The player that pages of others use: its script, and a page with nothing but the video."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Response, g, request
from marshmallow import ValidationError, fields
from marshmallow.validate import Length

from api.assignment_schemas import PlayQuery
from api.assignments import find_show, locate_video
from api.pages import load_static
from api.people import draw
from api.state import public_url, services
from api.viewers import Viewer, count_viewer, find_public_key
from service.errors import FieldError, InvalidRequest, NotFound
from service.experiments.metrics import Kind
from service.experiments.seats import seat_unit
from service.jobs.viewing import Show
from service.model.public_key import PublicKey
from service.public_keys import write_public_key

routes = Blueprint("embeds", __name__)
#: How long browsers keep the script before they ask whether it has changed.
SCRIPT_S = 3600
#: What a metric of watch time is called, where the address does not say.
_WATCH = "watch"


class EmbedQuery(PlayQuery):
    """Which experiment's video a page shows, to whom, and what watch time counts as."""

    key = fields.String(required=True)
    unit_id = fields.String(load_default="", validate=Length(0, 200))
    watch = fields.String(load_default="", validate=Length(0, 64))


@routes.get("/player.js")
def send_player() -> Response:
    """The script that shows a viewer their variant and reports what they watched."""
    response = Response(
        load_static()["player.js"][0], content_type="text/javascript; charset=utf-8"
    )
    response.headers["Cache-Control"] = f"public, max-age={SCRIPT_S}"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.add_etag()
    response.make_conditional(request)
    return response


@routes.get("/embed/<job_id>")
def show_embed(job_id: str) -> Response:
    """A page with the video of whoever looks; pages of the key's origins may frame it."""
    count_viewer()
    query = _read_query()
    key = find_public_key(query["key"])
    if key.job_id != job_id:
        raise NotFound(
            "There is no such experiment, or this key does not open it.",
            hint="Put a job's id and a publishable key of its own experiment into the address.",
        )
    g.viewer = Viewer(key, "")
    show = find_show(job_id)
    text = draw(
        "embed.html",
        job_id=job_id,
        key=write_public_key(key.id),
        clip=query["clip"],
        unit_id=query["unit_id"],
        watch=query["watch"] or _watch_metric(show),
        usual=_usual_address(show, query["clip"]),
        plain=_plain_address(show, key, query["unit_id"], query["clip"]),
    )
    response = Response(text, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _policy(key, show)
    response.headers["Cache-Control"] = "no-cache"
    # Outcomes must say that they come from here, which `no-referrer` would hide.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    g.framed = True
    return response


def _read_query() -> dict[str, Any]:
    """What the address asks for.

    Raises:
        InvalidRequest: a value is none, a name is unknown, or the key is missing.
    """
    try:
        found: dict[str, Any] = EmbedQuery().load(request.args.to_dict())
    except ValidationError as error:
        faults = [
            FieldError(f"query:/{name}", str(each)) for name, each in error.messages_dict.items()
        ]
        raise InvalidRequest("The address is not valid.", faults) from None
    return found


def _watch_metric(show: Show) -> str:
    """The metric that watch time counts for: the first mean or ratio that is called so."""
    timed = [each.name for each in show.plan.metrics if each.kind is not Kind.PROPORTION]
    return next((name for name in timed if name.startswith(_WATCH)), "")


def _usual_address(show: Show, clip: int) -> str:
    """Where the video is for those who take no part: the control, for some minutes; or empty."""
    label = show.plan.labels[0]
    shown = show.videos.get((label, clip))
    return locate_video(show, label, clip, shown)[0] if shown else ""


def _plain_address(show: Show, key: PublicKey, unit_id: str, clip: int) -> str:
    """Where the video is for a browser that runs no scripts, which nothing counts; or empty.

    Whoever has no id, which only scripts would keep, sees what those see who take no part.
    """
    arm = seat_unit(show.plan, unit_id).arm if unit_id else None
    if arm is None:
        return _usual_address(show, clip)
    if (show.plan.labels[arm], clip) not in show.videos:
        return ""
    query = urlencode({"unit_id": unit_id, "clip": clip, "key": write_public_key(key.id)})
    return f"/v1/jobs/{show.job_id}/play?{query}"


def _policy(key: PublicKey, show: Show) -> str:
    """Nothing but the script, the video and what it reports; framed by the key's origins alone."""
    files = services().files
    places = {_origin(public_url())}
    for shown in show.videos.values():
        places.add(_origin(files.link(shown.file.file, media_type="video/mp4", disposition="")))
    media = " ".join(sorted(places - {""}))
    framed = " ".join(key.origins)
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        f"media-src 'self' {media}; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors 'self' {framed}"
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
