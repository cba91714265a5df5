"""The page of a job and all that it loads, without a key: for a session, or for a share link.

Videos and pictures always come through this process, never by a link into a bucket: a link that
was revoked opens nothing from then on.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, redirect, request
from marshmallow import ValidationError
from werkzeug.wrappers import Response as AnyResponse

from api.jobs import ask_to_cancel
from api.page_data import shown_job, shown_report
from api.page_file import read_pictures
from api.page_html import render_job_page, render_report
from api.page_state import job_state
from api.page_view import PageRights, PageView
from api.people import answer_in_words, send_page
from api.pictures import send_picture
from api.preferences import preferences_data, read_preference
from api.schemas import VideoQuery
from api.state import answer_json, public_url, services, state
from api.story import tell
from api.trials import show_experiment
from api.videos import find_result, send_file
from api.visitors import (
    Visitor,
    admit,
    require_form_mark,
    require_same_site,
    wants_html,
)
from service.errors import (
    CaptionAbError,
    FieldError,
    FileMissing,
    Forbidden,
    InvalidRequest,
    NotFound,
)
from service.jobs.comparison import read_report
from service.jobs.view import job_data
from service.model.cut import ResultFile
from service.model.rows import finish_row
from service.sessions import write_form_mark
from service.shares import PARAMETER
from service.store.due import read_due
from service.store.shares import ShareStore

routes = Blueprint("visits", __name__, url_prefix="/jobs/<job_id>")
routes.register_error_handler(CaptionAbError, answer_in_words)
#: What is kept of a form.
FORM_BYTES = 8_192
#: What a form has led to, by the word in the address.
_NOTICES = {
    "noted": "Your preference was noted.",
    "canceling": "The job is being canceled.",
}


@routes.get("")
def show_job(job_id: str) -> Response:
    """The page of a job."""
    visitor = admit(job_id)
    text = render_job_page(_look(visitor), request.args)
    return send_page(text, shared=bool(visitor.token))


@routes.get("/state")
def read_state(job_id: str) -> Response:
    """How far a job is, for a page that shows it live; 304 while nothing has changed."""
    return _answer_tagged(_state(admit(job_id)))


@routes.get("/report.json")
def show_report(job_id: str) -> Response:
    """The full comparison as JSON."""
    view = _look(admit(job_id))
    if view.report is None:
        raise NotFound("There is no comparison of this job yet.")
    response = _answer_tagged(view.report)
    response.headers["Content-Disposition"] = f'attachment; filename="{job_id}.json"'
    return response


@routes.get("/report.html")
def send_report(job_id: str) -> Response:
    """The page as one file."""
    visitor, files = admit(job_id), services().files
    with state().reports.one():
        view = _look(visitor)
        pictures = read_pictures(view.report, visitor.job.id, files)
        text = render_report(view, pictures, public_url())
    response = send_page(text, shared=bool(visitor.token))
    response.headers["Content-Disposition"] = f'attachment; filename="{job_id}.html"'
    return response


@routes.get("/video/<label>")
def send_video(job_id: str, label: str) -> Response:
    """A variant's video, or a range of it."""
    visitor = admit(job_id)
    query = _read_query()
    clip, revision = int(query["clip"]), query.get("revision")
    headers = {"Content-Type": "video/mp4"}
    if query["download"]:
        part = f"-r{revision}" if revision else ""
        name = f"{visitor.job.id}-{label}-{clip + 1}{part}.mp4"
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return _send(find_result(visitor.job, label, clip, revision), headers)


@routes.get("/pictures/<int:clip>/<name>")
def show_picture(job_id: str, clip: int, name: str) -> Response:
    """A picture of the comparison."""
    return send_picture(admit(job_id).job, clip, name, linked=False)


@routes.get("/preferences")
def read_preferences(job_id: str) -> Response:
    """How often each variant was preferred."""
    visitor = admit(job_id)
    _require_preferences(visitor)
    return answer_json(_preferences(visitor))


@routes.post("/preferences")
def add_preference(job_id: str) -> AnyResponse:
    """Note which variant somebody prefers who has looked at them without their names."""
    visitor, form = _admit_form(job_id)
    _require_preferences(visitor)
    parts, job = services(), visitor.job
    now_ms = parts.clock.now_ms()
    share_id = visitor.ticket.share_id if visitor.ticket else ""
    doc = read_preference(form, job, share_id=share_id, now_ms=now_ms)
    store = ShareStore(parts.connection)
    store.add_preference(job.id, job.tenant_id, share_id, doc, now_ms=now_ms)
    if wants_html():
        return redirect(_view(visitor).address(notice="noted"), 303)
    return answer_json(_preferences(visitor), 201)


@routes.post("/cancel")
def cancel_job(job_id: str) -> AnyResponse:
    """Cancel a job: for its owner."""
    visitor, _ = _admit_form(job_id)
    if not visitor.may_cancel:
        raise Forbidden(
            "This does not let you cancel the job.",
            hint="Sign in at /jobs with a key that has the scope `jobs:write`.",
        )
    ask_to_cancel(visitor.job)
    if wants_html():
        return redirect(_view(visitor).address(notice="canceling"), 303)
    return answer_json(_state(admit(job_id)), 202)


@routes.get("/<path:rest>")
def show_nothing(job_id: str, rest: str) -> Response:
    """Whatever else is asked for below a job."""
    admit(job_id)
    raise NotFound(f"There is nothing called {rest[:40]} here.")


def _read_query() -> dict[str, Any]:
    """Which video is asked for.

    Raises:
        InvalidRequest: a value is none, or a name is unknown.
    """
    asked = {name: each for name, each in request.args.items() if name != PARAMETER}
    try:
        found: dict[str, Any] = VideoQuery().load(asked)
    except ValidationError as error:
        faults = [
            FieldError(f"query:/{name}", str(each)) for name, each in error.messages_dict.items()
        ]
        raise InvalidRequest("The address is not valid.", faults) from None
    return found


def _send(file: ResultFile, headers: dict[str, str]) -> Response:
    # A browser keeps it and asks each time: whether it may still be shown is decided here.
    kept = {"Accept-Ranges": "bytes", "Cache-Control": "private, no-cache", **headers}
    try:
        return send_file(file, kept, linked=False)
    except FileMissing:
        raise NotFound("This file is not there any more.") from None


def _admit_form(job_id: str) -> tuple[Visitor, dict[str, str]]:
    """Whoever sends a form, and what is in it.

    Raises:
        CrossSite: no page of this service has sent it.
    """
    request.max_content_length = FORM_BYTES
    visitor = admit(job_id)
    require_form_mark(visitor)
    # With a mark, or a token, it is from here; browsers hide the origin of some pages.
    require_same_site(marked=True)
    return visitor, request.form.to_dict()


def _require_preferences(visitor: Visitor) -> None:
    if not visitor.may_prefer:
        raise Forbidden(
            "This link does not let you say which variant you prefer.",
            hint="Ask whoever gave it to you for one that does.",
        )


def _view(visitor: Visitor) -> PageView:
    """The page of a job without what is on it."""
    parts, session = services(), visitor.session
    return PageView(
        job={},
        report=None,
        base=f"/jobs/{visitor.job.id}",
        query=visitor.query,
        now_ms=parts.clock.now_ms(),
        rights=PageRights(session is not None, visitor.may_prefer, visitor.may_cancel),
        csrf=write_form_mark(parts.settings.signing_secret, session) if session else "",
        notice=_NOTICES.get(request.args.get("notice", ""), ""),
    )


def _look(visitor: Visitor) -> PageView:
    """All that the page of a job shows this visitor."""
    parts, job, view = services(), visitor.job, _view(visitor)
    clips, cuts = parts.jobs.read_units(job, revisions=True)
    data = job_data(job, clips, cuts, public_url(), editor_links=False)
    report = _read_report(visitor)
    return replace(
        view,
        job=shown_job(data, view),
        report=shown_report(report, view) if report is not None else None,
        state=_state(visitor),
        preferences=_preferences(visitor) if visitor.may_prefer else {},
        story=tell(job, parts)["entries"] if view.rights.owner else (),
        experiment=show_experiment(
            job, parts, hidden=visitor.is_asked, owner=visitor.session is not None
        ),
    )


def _state(visitor: Visitor) -> dict[str, Any]:
    parts, job = services(), visitor.job
    clips, cuts = parts.jobs.read_units(job, revisions=True)
    rows = [*(each.row for each in clips), *(each.row for each in cuts), finish_row(job.id)]
    return job_state(
        job,
        clips,
        cuts,
        read_due(parts.connection, rows),
        now_ms=parts.clock.now_ms(),
        owner=visitor.session is not None,
    )


def _preferences(visitor: Visitor) -> dict[str, Any]:
    kept = ShareStore(services().connection).read_preferences(visitor.job.id)
    return preferences_data(kept, owner=visitor.session is not None)


def _read_report(visitor: Visitor) -> dict[str, Any] | None:
    """The full comparison; none while there is none."""
    text = read_report(visitor.job.id, services().files)
    found = json.loads(text) if text is not None else None
    return found if isinstance(found, dict) else None


def _answer_tagged(body: Any) -> Response:
    """JSON with the ETag of its content, and 304 to whoever has it."""
    response = answer_json(body, headers={"Cache-Control": "private, no-cache"})
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32])
    response.make_conditional(request)
    response.headers.pop("Date", None)  # the server writes one
    return response
