"""What happened to a job: a route for its tenant, a command for the operator of the store.

`python -m api.story JOB` reads the store that the environment names, as `api.keys` writes it.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

import marshmallow as ma
from flask import Response

from api.jobs import own_job
from api.openapi import Routes
from api.replies import CreditsReply
from api.schemas import NoQuery
from api.state import answer_json, services
from api.verdict_schemas import StandingReply
from service.errors import CaptionAbError, NotFound
from service.ids import is_id
from service.jobs.story import build_story
from service.model.job import Job
from service.settings import load_settings
from service.store.story import read_seen
from service.wiring import build_services

if TYPE_CHECKING:
    from service.jobs.context import Services


class EntryReply(ma.Schema):
    """Something that happened."""

    at = ma.fields.String(required=True, metadata={"format": "date-time"})
    unit = ma.fields.String(
        required=True, metadata={"description": "`job`, a cut such as 0.A.1, or a clip such as 0."}
    )
    what = ma.fields.String(
        required=True,
        metadata={"description": "Open set. Known: event, intent, recovery, render, delivery."},
    )
    text = ma.fields.String(required=True, metadata={"description": "For people; not stable."})
    data = ma.fields.Dict(required=True)


class OpenRowReply(ma.Schema):
    """A part of the job that is not finished."""

    row = ma.fields.String(required=True)
    state = ma.fields.String(required=True)
    queue = ma.fields.String(required=True)
    held_by = ma.fields.String(allow_none=True, metadata={"description": "The kind of worker."})
    held_until = ma.fields.String(allow_none=True, metadata={"format": "date-time"})
    ready_at = ma.fields.String(required=True, metadata={"format": "date-time"})
    deadline = ma.fields.String(allow_none=True, metadata={"format": "date-time"})
    claims_without_commit = ma.fields.Integer(required=True)
    waits_for = ma.fields.List(ma.fields.String(), required=True)


class StoryReply(ma.Schema):
    """All that happened to a job."""

    object = ma.fields.Constant("story")
    job_id = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    status = ma.fields.String(required=True)
    request_id = ma.fields.String(
        allow_none=True, metadata={"description": "The X-Request-Id of the request that made it."}
    )
    credits = ma.fields.Nested(CreditsReply, required=True)
    experiment = ma.fields.Nested(StandingReply, required=True, allow_none=True)
    told_at = ma.fields.String(required=True, metadata={"format": "date-time"})
    entries = ma.fields.List(ma.fields.Nested(EntryReply), required=True)
    open = ma.fields.List(ma.fields.Nested(OpenRowReply), required=True)


routes = Routes("story", __name__, url_prefix="/v1/jobs", description="What happened to a job")


@routes.route("/<job_id>/story")
@routes.arguments(NoQuery, location="query")
@routes.response(200, StoryReply)
@routes.alt_response(410, "GONE")
def read_story(_query: dict[str, Any], job_id: str) -> Response:
    """Everything that happened to a job, in the order of time, and what of it is open now.

    For people who look for a fault: events, intents before paid calls, renders and their polls,
    lost streams, and every try of every webhook. `caption-ab jobs inspect` prints it.
    """
    return answer_json(tell(own_job(job_id), services()))


def tell(job: Job, parts: Services, *, for_operator: bool = False) -> dict[str, Any]:
    """The story of a job."""
    return build_story(
        job,
        parts.jobs.events(job.id),
        read_seen(parts.connection, job.id),
        now_ms=parts.clock.now_ms(),
        for_operator=for_operator,
    )


def main(argv: list[str] | None = None) -> int:
    """Print a job's story as JSON, whoever's job it is."""
    parser = argparse.ArgumentParser(prog="python -m api.story", description=__doc__)
    parser.add_argument("job")
    options = parser.parse_args(argv)
    try:
        parts = build_services(load_settings(), name="story", connections=1)
        job = parts.jobs.read(options.job) if is_id(options.job, "job") else None
        if job is None:
            raise NotFound(
                f"There is no job {options.job} in this store.",
                hint="Check the id, and that this is the store of its installation.",
            )
        print(json.dumps(tell(job, parts, for_operator=True)))  # noqa: T201  a command's answer
    except CaptionAbError as error:
        print(f"{error.detail} {error.hint_text}".strip(), file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
