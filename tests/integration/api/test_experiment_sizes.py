"""How many viewers and days an experiment needs, told over HTTP before anything runs."""

from __future__ import annotations

import redis

from tests.integration.api.conftest import JOB, Visitor
from tests.integration.api.test_experiments import ASSUME
from tests.integration.api.viewers import PLAN, ended_job


def test_a_dry_run_tells_sizes_before_there_is_any_video(ann: Visitor):
    # Given a job that was only just accepted
    job_id = ann.post("/v1/jobs", json=JOB).get_json()["id"]
    path = f"/v1/jobs/{job_id}/experiment"
    # When its plan is tried out
    reply = ann.post(f"{path}?dry_run=true", json={**PLAN, "assume": ASSUME})
    # Then viewers and days are told, in a sentence too, and nothing was made
    body = reply.get_json()
    assert (reply.status_code, body["object"]) == (200, "experiment_plan")
    assert body["plan"]["planned_units"] == 119_608
    sizing = body["sizing"]
    assert sizing["one_look"] == {
        "units": 62_462, "by_variant": {"A": 31_231, "B": 31_231}, "days": 63,
    }  # fmt: skip
    assert sizing["any_look"]["days"] == 120
    assert sizing["shortfall"] == "max_runtime"
    assert "about 119,608 viewers, which takes 120 days at 1,000 a day" in sizing["sentence"]["en"]
    assert "119,608 位观众" in sizing["sentence"]["zh"]
    assert ann.get(path).status_code == 404
    # And without an assumption there is nothing to tell sizes from
    assert ann.post(f"{path}?dry_run=true", json=PLAN).get_json()["sizing"] is None


def test_limits_of_experiments_are_told(ann: Visitor, services):
    told, settings = ann.get("/v1/limits").get_json(), services.settings
    assert told["outcomes"] == 1000
    assert told["experiment_records"] == settings.experiment_records
    assert told["experiment_tenant_records"] == settings.experiment_tenant_records


def test_a_plan_that_is_made_is_tuned_for_the_size_that_it_needs(
    ann: Visitor, redis_client: redis.Redis
):
    job_id = ended_job(ann, redis_client)
    path = f"/v1/jobs/{job_id}/experiment"
    made = ann.open(path, "PUT", json={**PLAN, "assume": ASSUME}).get_json()
    assert made["sizing"]["any_look"]["units"] == made["plan"]["planned_units"] == 119_608
    told = ann.get(path).get_json()
    assert told["plan"] == made["plan"]
    assert "assume" not in told["plan"]
    # The same words again are the same plan; the size itself without them is too.
    assert ann.open(path, "PUT", json={**PLAN, "assume": ASSUME}).status_code == 200
    assert ann.open(path, "PUT", json={**PLAN, "planned_units": 119_608}).status_code == 200
