"""Which variant a viewer sees, and where its video is: for services, and for viewers' browsers."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import Response

from api.assignment_schemas import (
    AssignmentQuery,
    AssignmentReply,
    AssignmentsReply,
    AssignmentsRequest,
    PlayQuery,
)
from api.gate import takes_json
from api.jobs import own_job
from api.openapi import Routes
from api.schemas import NoQuery
from api.state import answer_json, caller, public_url, services, state
from api.viewers import Viewer, viewer
from service.errors import Conflict, NotFound
from service.experiments.intake import refuse_none
from service.experiments.plan import Split
from service.experiments.seats import Seat, seat_unit
from service.ids import is_id
from service.jobs.experiments import refuse_early
from service.jobs.films import ShownVideo
from service.jobs.viewing import Show
from service.unit_tokens import write_unit_token
from service.video_links import Showing, end_of_showing, write_showing

routes = Routes(
    "assignments", __name__, url_prefix="/v1/jobs", description="Who sees which variant"
)
#: How long an assignment may be kept by whoever asked: it never changes while there is a plan.
KEPT_S = 300


class NotInExperiment(NotFound):
    """This viewer takes no part in the experiment."""

    code = "not_in_experiment"
    hint = "Show what you would show without it, and report nothing of this viewer."


@routes.route("/<job_id>/assignment")
@routes.arguments(AssignmentQuery, location="query")
@routes.response(200, AssignmentReply)
@routes.alt_response(409, "CONFLICT")
@routes.alt_response(410, "GONE")
def read_assignment(query: dict[str, Any], job_id: str) -> Response:
    """Which variant a viewer sees; nothing is written, and the answer never changes.

    It is what any GrowthBook SDK says (hash version 2). Viewers ask with a publishable key, and
    get the token that their outcomes must carry.
    """
    show, who = find_show(job_id), viewer()
    body = assignment_data(show, query["unit_id"], who)
    headers = {"Cache-Control": f"public, max-age={KEPT_S}"} if who else {}
    return answer_json(body, 200, headers)


@routes.route("/<job_id>/assignments", methods=["POST"])
@takes_json
@routes.arguments(NoQuery, location="query")
@routes.arguments(AssignmentsRequest)
@routes.response(200, AssignmentsReply)
@routes.alt_response(409, "CONFLICT")
@routes.alt_response(410, "GONE")
@routes.alt_response(415, "UNSUPPORTED_MEDIA_TYPE")
def read_assignments(_query: dict[str, Any], body: dict[str, Any], job_id: str) -> Response:
    """The same for up to 1,000 viewers, for services; nothing is written."""
    show = find_show(job_id)
    return answer_json({"data": [assignment_data(show, each, None) for each in body["unit_ids"]]})


@routes.route("/<job_id>/play")
@routes.arguments(PlayQuery, location="query")
@routes.doc(responses={"302": {"description": "Where the video is for some minutes"}})
@routes.alt_response(409, "CONFLICT")
@routes.alt_response(410, "GONE")
def play(query: dict[str, Any], job_id: str) -> Response:
    """Lead to the video that a viewer sees: an address for `<video src>`, with a publishable key.

    404 `not_in_experiment` for a viewer who takes no part.
    """
    show, who = find_show(job_id), viewer()
    seat = seat_unit(show.plan, query["unit_id"])
    if seat.arm is None:
        raise NotInExperiment
    label, clip = show.plan.labels[seat.arm], query["clip"]
    shown = show.videos.get((label, clip))
    if shown is None:
        raise NotFound(
            f"There is no video of clip {clip} for this viewer.",
            hint=f"Clips count from 0, and this job has {show.clips}.",
        )
    address, kept_s = locate_video(show, label, clip, shown)
    kept = f"{'public' if who else 'private'}, max-age={kept_s}"
    return Response(status=302, headers={"Location": address, "Cache-Control": kept})


def find_show(job_id: str) -> Show:
    """The experiment that whoever asks may see, once it has begun.

    Raises:
        NotFound: there is no such job, or it has no experiment.
        Gone: the job's time to live has passed.
        Conflict: it has not begun, never will, or somebody else divides its viewers.
        StoreUnavailable
    """
    show = _look_up(job_id)
    if not show.has_begun:
        raise refuse_early(show.status)
    if show.plan.split is Split.OBSERVATIONAL:
        raise Conflict(
            "The allocation of this experiment is observational: somebody else divides viewers.",
            hint="Report outcomes with the variant that each of them has seen.",
        )
    return show


def _look_up(job_id: str) -> Show:
    shows, who = state().shelves.shows, viewer()
    show = shows.find(job_id) if is_id(job_id, "job") else None
    if who is not None:
        if show is None:
            raise NotFound(
                "There is no such experiment any more.",
                hint="Its job was deleted, or its time is over: take the player out of the page.",
            )
        return show
    if show is None or show.tenant_id != caller().tenant_id:
        own_job(job_id)  # says what there is not
        shows.forget(job_id)  # it may be newer than what is remembered
        show = shows.find(job_id)
    if show is None:
        raise refuse_none()
    return show


def assignment_data(show: Show, unit_id: str, who: Viewer | None) -> dict[str, Any]:
    """An assignment as a resource; for a viewer with their token."""
    seat = seat_unit(show.plan, unit_id)
    label = None if seat.arm is None else show.plan.labels[seat.arm]
    body = {
        "object": "assignment",
        "job_id": show.job_id,
        "unit_id": unit_id,
        "variant": label,
        "in_experiment": label is not None,
        "override": seat.override,
        "hash": seat.at,
        "video": _play_url(show, unit_id, who) if label is not None else None,
    }
    if who is None:
        return body
    told = {each.name: {"kind": each.kind, "most": each.most} for each in show.plan.metrics}
    return {
        **body,
        "video_lives_s": _kept_s(),
        "token": _token(show, unit_id, seat),
        "metrics": told,
    }


def _token(show: Show, unit_id: str, seat: Seat) -> str | None:
    if seat.arm is None or seat.override:
        return None
    return write_unit_token(services().settings.signing_secret, show.stage, unit_id, seat.arm)


def _play_url(show: Show, unit_id: str, who: Viewer | None) -> str:
    key = f"&key={who.key_text}" if who else ""
    query = f"unit_id={quote(unit_id, safe='')}&clip=0{key}"
    return f"{public_url()}/v1/jobs/{show.job_id}/play?{query}"


def locate_video(show: Show, label: str, clip: int, shown: ShownVideo) -> tuple[str, int]:
    """The address of a video, and for how many seconds whoever is led there may remember it."""
    parts = services()
    settings = parts.settings
    linked = parts.files.link(shown.file.file, media_type="video/mp4", disposition="")
    if linked:
        return linked, _kept_s()
    ends_s = end_of_showing(parts.clock.now_ms(), settings.play_link_s)
    showing = Showing(show.job_id, label, clip, shown.revision, ends_s)
    token = write_showing(settings.signing_secret, showing)
    return f"{public_url()}/play/{show.job_id}/{label}/{token}", _kept_s()


def _kept_s() -> int:
    """How long a redirect may be remembered: half of what the address lives that it leads to.

    So long it works at least for whoever follows it, at once or from a cache.
    """
    settings = services().settings
    return int(min(settings.s3_link_s or settings.play_link_s, settings.play_link_s) / 2)
