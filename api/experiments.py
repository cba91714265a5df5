"""Experiments on viewers: a plan, outcomes, and the verdict on which variant performs better."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import Any

from flask import Response

from api.assignments import find_show
from api.experiment_schemas import (
    AttachQuery,
    ExperimentQuery,
    ExperimentReply,
    PlannedReply,
    PlanRequest,
)
from api.gate import takes_json
from api.jobs import own_job
from api.openapi import Routes
from api.outcome_schemas import OutcomesQuery, OutcomesReply, OutcomesRequest
from api.schemas import NoQuery
from api.state import answer_json, public_url, services
from api.verdict_schemas import ExperimentVerdictReply, SnapshotReply
from api.viewers import viewer
from service.experiments.intake import ACCEPTED, DUPLICATE, REJECTED, Result
from service.experiments.ledger import take_snapshot
from service.experiments.plan import write_plan
from service.experiments.proposal import Proposal, read_proposal
from service.experiments.sizing import write_sizing
from service.jobs.experiments import (
    Experiment,
    attach_experiment,
    judge_experiment,
    read_experiment,
    snapshot_of,
    take_outcomes,
)
from service.model.job import Job
from service.webhooks.events import iso_time

routes = Routes(
    "experiments", __name__, url_prefix="/v1/jobs", description="Which variant performs better"
)


_NOT_MADE = "Nothing was made: it was a dry run, or the job has this very experiment"


@routes.route("/<job_id>/experiment", methods=["PUT"])
@takes_json
@routes.arguments(AttachQuery, location="query")
@routes.arguments(PlanRequest)
@routes.response(201, ExperimentReply)
@routes.alt_response(200, schema=PlannedReply, description=_NOT_MADE)
@routes.alt_response(409, "CONFLICT")
@routes.alt_response(410, "GONE")
@routes.alt_response(415, "UNSUPPORTED_MEDIA_TYPE")
def put_experiment(query: dict[str, Any], body: Any, job_id: str) -> Response:
    """Give a job its experiment; the same plan again changes nothing, another one is 409.

    It waits until each variant has its video and then begins by itself. With `dry_run` nothing is
    made; the answer (200, an `experiment_plan`) has the plan with every default, and by `assume`
    the viewers and days that it needs.
    """
    return _attach(query, body, own_job(job_id))


@routes.route("/<job_id>/experiment", methods=["POST"])
@takes_json
@routes.arguments(AttachQuery, location="query")
@routes.arguments(PlanRequest)
@routes.response(201, ExperimentReply)
@routes.alt_response(200, schema=PlannedReply, description=_NOT_MADE)
@routes.alt_response(409, "CONFLICT")
@routes.alt_response(410, "GONE")
@routes.alt_response(415, "UNSUPPORTED_MEDIA_TYPE")
def create_experiment(query: dict[str, Any], body: Any, job_id: str) -> Response:
    """The same as PUT: a job has one experiment, so it may be repeated safely."""
    return _attach(query, body, own_job(job_id))


@routes.route("/<job_id>/experiment")
@routes.arguments(ExperimentQuery, location="query")
@routes.response(200, ExperimentReply)
@routes.alt_response(410, "GONE")
def read_job_experiment(query: dict[str, Any], job_id: str) -> Response:
    """The experiment of a job: its plan, how far it is, and its verdict in short."""
    told = experiment_data(read_experiment(own_job(job_id), services()), _now_ms())
    if query["history"]:
        points = services().experiments.read_points(job_id)
        told["history"] = [asdict(each) for each in points]
    return answer_json(told)


@routes.route("/<job_id>/outcomes", methods=["POST"])
@takes_json
@routes.arguments(OutcomesQuery, location="query")
@routes.arguments(OutcomesRequest)
@routes.response(200, OutcomesReply)
@routes.alt_response(409, "CONFLICT")
@routes.alt_response(410, "GONE")
@routes.alt_response(415, "UNSUPPORTED_MEDIA_TYPE")
@routes.alt_response(429, "TOO_MANY_REQUESTS")
def create_outcomes(_query: dict[str, Any], body: Any, job_id: str) -> Response:
    """Count what viewers did: 1 to 1,000 items, each once, in any order, late and again.

    Send the variants mixed: a look at 130 viewers of one of two and none of the other, which were
    to be sent later, ends the experiment as `invalid_srm`, for good.

    Each item is accepted, a duplicate, or rejected with a reason; a faulty one keeps no other from
    being counted, so look at `rejected` of a 200 too. 429 `experiment_full` says that nothing of it
    was counted. 409 while the experiment waits for its videos.

    Browsers send at most 20 of one viewer with a publishable key, as JSON or as `text/plain`, and
    each item with the `token` of its assignment.
    """
    who = viewer()
    if who is None:
        job = own_job(job_id)
        return answer_json(outcomes_data(take_outcomes(job.id, job.tenant_id, body, services())))
    show = find_show(job_id)
    results = take_outcomes(job_id, show.tenant_id, body, services(), from_browser=True)
    return answer_json(outcomes_data(results))


@routes.route("/<job_id>/verdict")
@routes.arguments(NoQuery, location="query")
@routes.response(200, ExperimentVerdictReply)
@routes.alt_response(409, "CONFLICT")
@routes.alt_response(410, "GONE")
def read_verdict(_query: dict[str, Any], job_id: str) -> Response:
    """Which variant performs better, as far as it can be told; look as often as you like.

    The first final state is frozen: from then on the answer has the same bytes for ever.
    """
    return _answer_text(judge_experiment(own_job(job_id), services()))


@routes.route("/<job_id>/verdict/snapshot")
@routes.arguments(NoQuery, location="query")
@routes.response(200, SnapshotReply)
@routes.alt_response(409, "CONFLICT")
@routes.alt_response(410, "GONE")
def read_snapshot(_query: dict[str, Any], job_id: str) -> Response:
    """What the frozen verdict was made from, or what one would be made from now.

    `caption-ab verdict --from` makes of it the bytes of the verdict, without a server.
    """
    experiment = read_experiment(own_job(job_id), services())
    return _answer_text(snapshot_of(experiment, _now_ms()))


def experiment_data(experiment: Experiment, now_ms: int) -> dict[str, Any]:
    """The experiment resource. Pure but for the address of this API."""
    url = f"{public_url()}/v1/jobs/{experiment.job_id}"
    text = experiment.verdict_text
    told = json.loads(text) if text else None
    names = ("state", "reason", "variant", "sentence")
    return {
        "object": "experiment",
        "job_id": experiment.job_id,
        "status": experiment.status.value,
        "plan": write_plan(experiment.plan),
        "attached_at": iso_time(experiment.kept.attached_ms),
        "started_at": _time(experiment.started_ms),
        "decided_at": _time(experiment.decided_ms),
        "variants": _count_units(experiment, now_ms),
        "verdict": {name: told[name] for name in names} if told else None,
        "links": {
            "self": f"{url}/experiment",
            "outcomes": f"{url}/outcomes",
            "verdict": f"{url}/verdict",
            "snapshot": f"{url}/verdict/snapshot",
            "job": url,
        },
    }


def outcomes_data(results: list[Result]) -> dict[str, Any]:
    """What became of a batch."""
    counts = Counter(each.status for each in results)
    return {
        "object": "outcomes",
        "accepted": counts[ACCEPTED],
        "duplicates": counts[DUPLICATE],
        "rejected": counts[REJECTED],
        "results": [
            asdict(each) if each.status == REJECTED else {"status": each.status} for each in results
        ],
    }


def _attach(query: dict[str, Any], body: Any, job: Job) -> Response:
    labels = [each.label for each in job.spec.variants]
    proposal = read_proposal(body, labels, seed=job.id)
    sizing = _sizing_data(proposal)
    if query["dry_run"]:
        plan = write_plan(proposal.plan)
        told = {"object": "experiment_plan", "job_id": job.id, "plan": plan, "sizing": sizing}
        return answer_json(told)
    new = attach_experiment(job, proposal.plan, services())
    made = experiment_data(read_experiment(job, services()), _now_ms())
    headers = {"Location": made["links"]["self"]}
    return answer_json({**made, "sizing": sizing}, 201 if new else 200, headers)


def _sizing_data(proposal: Proposal) -> dict[str, Any] | None:
    if proposal.assumed is None or proposal.sizing is None:
        return None
    return write_sizing(proposal.plan, proposal.assumed, proposal.sizing)


def _count_units(experiment: Experiment, now_ms: int) -> list[dict[str, Any]]:
    counts = [0] * len(experiment.plan.arms)
    if experiment.book is not None:
        tallies = take_snapshot(experiment.book, now_ms=now_ms).tallies
        counts = [each.exposed for each in tallies]
    return [
        {"label": label, "units": units}
        for label, units in zip(experiment.plan.labels, counts, strict=True)
    ]


def _answer_text(text: str) -> Response:
    # as it was kept, to the byte
    return Response(text.encode(), content_type="application/json")


def _time(at_ms: int) -> str | None:
    return iso_time(at_ms) if at_ms else None


def _now_ms() -> int:
    return services().clock.now_ms()
