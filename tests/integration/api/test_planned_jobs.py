"""Experiments that are asked for together with their job, over HTTP."""

from __future__ import annotations

import pytest
import redis

from service.jobs.experiment_rows import look_at_experiment
from tests.integration.api.conftest import JOB, Visitor
from tests.integration.api.test_experiments import ASSUME, THREE, send
from tests.integration.api.viewers import PLAN, end_job
from tests.outcomes import an_outcome


def test_an_experiment_may_come_with_its_job(ann: Visitor, redis_client: redis.Redis):
    # Given a job that asks for its experiment
    body = {**JOB, "experiment": {**PLAN, "assume": ASSUME}}
    job_id = ann.post("/v1/jobs", json=body).get_json()["id"]
    path = f"/v1/jobs/{job_id}"
    told = ann.get(f"{path}/experiment").get_json()
    assert (told["status"], told["plan"]["seed"]) == ("waiting", job_id)
    assert told["plan"]["planned_units"] == 119_608
    assert [each["label"] for each in told["plan"]["variants"]] == ["A", "B"]
    assert send(ann, job_id, an_outcome("e", "u")).status_code == 409
    # The same plan once more is the one that it has.
    assert ann.open(f"{path}/experiment", "PUT", json=body["experiment"]).status_code == 200
    # And a new job of its request has one of its own, which divides viewers anew.
    end_job(redis_client, job_id)
    again = ann.post(f"{path}/retry").get_json()["id"]
    assert ann.get(f"/v1/jobs/{again}/experiment").get_json()["plan"]["seed"] == again


def test_an_experiment_whose_videos_never_came_is_over(
    ann: Visitor, redis_client: redis.Redis, services
):
    # Given a job that has ended without one of its variants
    job_id = ann.post("/v1/jobs", json={**JOB, "experiment": PLAN}).get_json()["id"]
    end_job(redis_client, job_id, without="B")
    # When the row of its experiment is worked on
    row, now_ms = f"experiment:{job_id}", services.clock.now_ms()
    redis_client.zadd("cab:due", {row: now_ms})
    claim = services.commands.claim(row, owner="w", now_ms=now_ms, now_s=0)
    look_at_experiment(claim, services)
    # Then it is over, and who sends or asks is told so
    path = f"/v1/jobs/{job_id}"
    told = ann.get(f"{path}/experiment").get_json()
    assert (told["status"], told["verdict"]) == ("dropped", None)
    for reply in (
        send(ann, job_id, an_outcome("e", "u")),
        ann.get(f"{path}/verdict"),
        ann.get(f"{path}/verdict/snapshot"),
        ann.get(f"{path}/assignment?unit_id=u"),
    ):
        problem = reply.get_json()
        assert (reply.status_code, problem["experiment_status"]) == (409, "dropped")
        assert "never began" in problem["detail"]


@pytest.mark.parametrize("query", ["", "?dry_run=true"])
def test_faults_of_its_plan_are_faults_of_the_job(ann: Visitor, query: str):
    wrong = {**PLAN, "variants": [{"label": "A"}, {"label": "H"}], "assume": {"value": "5 %"}}
    reply = ann.post(f"/v1/jobs{query}", json={**JOB, "experiment": wrong})
    assert reply.status_code == 422
    pointers = {each["pointer"] for each in reply.get_json()["errors"]}
    assert pointers == {"#/experiment/variants/1/label", "#/experiment/assume/value"}
    # Together with what else is wrong with the job
    reply = ann.post("/v1/jobs", json={**JOB, "experiment": {}, "variants": THREE[:1]})
    assert {each["pointer"] for each in reply.get_json()["errors"]} == {"#/experiment/variants"}


def test_a_dry_run_of_a_job_sizes_its_experiment(ann: Visitor):
    upload = ann.upload().get_json()["id"]
    body = {**JOB, "clips": [{"upload_id": upload}], "experiment": {**PLAN, "assume": ASSUME}}
    told = ann.post("/v1/jobs?dry_run=true", json=body).get_json()
    assert told["sizing"]["any_look"]["units"] == 119_608
    # The request with its defaults makes the same job when it is sent.
    plan = told["request"]["experiment"]
    assert (plan["planned_units"], "seed" in plan, "assume" in plan) == (119_608, False, False)
    job_id = ann.post("/v1/jobs", json=told["request"]).get_json()["id"]
    made = ann.get(f"/v1/jobs/{job_id}/experiment").get_json()["plan"]
    assert made == {**plan, "seed": job_id}
    assert (
        ann.post("/v1/jobs?dry_run=true", json={**body, "experiment": PLAN}).get_json()["sizing"]
        is None
    )
