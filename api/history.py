"""What happened to a job, as its webhooks tell it: a list, or a stream (WHATWG HTML, 9.2)."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import partial
from socket import IPPROTO_TCP, SHUT_RDWR, TCP_INFO, fromfd
from typing import Any

from flask import Response, request

from api.jobs import own_job
from api.listeners import Line, stream
from api.openapi import Routes
from api.replies import EventsReply
from api.schemas import EventsQuery
from api.state import answer_json, caller, services, state
from service.access import KeyCache
from service.errors import FieldError, InvalidRequest, StoreUnavailable, Unauthorized
from service.model.job import Job
from service.model.lifecycle import ENDED_JOB

routes = Routes("events", __name__, url_prefix="/v1/jobs", description="What happened to a job")
STREAM = "text/event-stream"
#: The first byte of Linux' `tcp_info` while both ends are open.
_ESTABLISHED = 1
_SEQUENCE = re.compile(r"\d{1,9}", re.ASCII)
_LAST = {
    "in": "header",
    "name": "Last-Event-ID",
    "schema": {"type": "string", "pattern": "^[0-9]{1,9}$"},
    "description": "For a stream: the last sequence that you have; it goes on behind it. The "
    "larger of this and `after` counts.",
}
_EXAMPLE = 'id: 1\nevent: job.created\ndata: {"sequence":1,"id":"evt_01j...","data":{}}\n\n'


class SocketLine(Line):
    """The client's connection as the server has it; none in a test client."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def hang_up(self) -> None:
        # Through a duplicate: gevent would raise in whoever sends, where a broken pipe is enough.
        with suppress(OSError):
            client = self._client
            with fromfd(client.fileno(), client.family, client.type) as duplicate:
                duplicate.shutdown(SHUT_RDWR)

    def has_gone(self) -> bool:
        try:
            info = self._client.getsockopt(IPPROTO_TCP, TCP_INFO, 1)
        except OSError:  # no TCP
            return False
        return bool(info[0] != _ESTABLISHED)


@routes.route("/<job_id>/events")
@routes.doc(parameters=[_LAST])
@routes.arguments(EventsQuery, location="query")
@routes.response(200, EventsReply, description="The events; a stream when `Accept` says so")
@routes.alt_response(
    200,
    schema={"type": "string"},
    content_type=STREAM,
    example=_EXAMPLE,
    description="The events; a stream when `Accept` says so",
)
@routes.alt_response(204, description="A stream with nothing left to tell: the job has ended")
@routes.alt_response(429, "TOO_MANY_REQUESTS")
@routes.alt_response(503, "SERVICE_UNAVAILABLE")
def read_events(query: dict[str, Any], job_id: str) -> Response:
    """What happened to a job, in order, as its webhooks tell it.

    With `Accept: text/event-stream` they are told as they happen: `id` is the sequence, `event` the
    type, `data` the frozen body. A comment comes every 15 s when nothing else does. The stream ends
    when the job has ended and all is told, and when the server ends: go on with `Last-Event-ID`.
    """
    job = own_job(job_id)
    if request.accept_mimetypes.best_match(["application/json", STREAM]) == STREAM:
        return _answer_stream(job, max(query["after"], _read_last_id()))
    events = services().jobs.events(job.id, after=query["after"])
    last = events[-1]["sequence"] if events else min(query["after"], job.sequence)
    return answer_json({"data": events, "last_sequence": last})


def _answer_stream(job: Job, after: int) -> Response:
    headers = {"Cache-Control": "private, no-store, no-transform", "X-Accel-Buffering": "no"}
    if job.status in ENDED_JOB and after >= job.sequence:
        return Response(status=204, headers=headers)
    if request.method == "HEAD":
        return Response(content_type=f"{STREAM}; charset=utf-8", headers=headers)
    who = caller()
    key = who.key_id or who.tenant_id
    listeners = state().listeners
    client = request.environ.get("gunicorn.socket")
    listener = listeners.open(job.id, after, key, SocketLine(client) if client else Line())
    # Its key may end while the stream goes on.
    may_listen = partial(_is_good, state().keys, request.headers.get("Authorization"))
    frames = stream(listener, services().settings.heartbeat_s, may_listen)
    response = Response(frames, content_type=f"{STREAM}; charset=utf-8", headers=headers)
    response.call_on_close(partial(listeners.close, listener))
    return response


def _is_good(keys: KeyCache, authorization: str | None) -> bool:
    """Whether a header that has named a caller still does; also while Redis is away."""
    try:
        keys.resolve(authorization)
    except Unauthorized:
        return False
    except StoreUnavailable:
        return True
    return True


def _read_last_id() -> int:
    given = request.headers.get("Last-Event-ID", "")
    if given and _SEQUENCE.fullmatch(given) is None:
        text = "must be the id of an event of this job: its sequence"
        raise InvalidRequest(
            "The Last-Event-ID is not valid.", [FieldError("headers:/Last-Event-ID", text)]
        )
    return int(given or 0)
