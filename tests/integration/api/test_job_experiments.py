"""What a job tells of its experiment: alone, in a list, when it is accepted, and in its story."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from tests.integration.api.conftest import JOB, Visitor
from tests.integration.api.looks import SITE
from tests.integration.api.test_experiments import let_b_win
from tests.integration.api.viewers import PLAN, ended_job


@pytest.fixture
def job_id(ann: Visitor, redis_client: redis.Redis) -> str:
    return ended_job(ann, redis_client)


def told(visitor: Visitor, job_id: str) -> dict[str, Any] | None:
    """What a job tells of its experiment; the list and the story must tell the same."""
    alone = visitor.get(f"/v1/jobs/{job_id}").get_json()
    found, listed = alone["experiment"], visitor.get("/v1/jobs").get_json()["data"]
    assert [each["experiment"] for each in listed if each["id"] == job_id] == [found]
    story = visitor.get(f"/v1/jobs/{job_id}/story").get_json()["experiment"]
    assert story == (found and {name: found[name] for name in ("status", "state")})
    return found


def test_a_job_without_an_experiment_says_so_and_where_one_would_be(ann: Visitor, job_id: str):
    assert told(ann, job_id) is None
    # Given the address that its links name, when a plan is put there, then the job has it
    address = ann.get(f"/v1/jobs/{job_id}").get_json()["links"]["experiment"]
    assert ann.open(address.removeprefix(SITE), "PUT", json=PLAN).status_code == 201
    assert told(ann, job_id) == {"status": "running", "state": None, "url": address}


def test_a_job_tells_how_far_its_experiment_is(ann: Visitor, job_id: str):
    # Given a running experiment
    address = f"{SITE}/v1/jobs/{job_id}/experiment"
    tag = ann.get(f"/v1/jobs/{job_id}").headers["ETag"]
    ann.open(f"/v1/jobs/{job_id}/experiment", "PUT", json=PLAN)
    assert told(ann, job_id) == {"status": "running", "state": None, "url": address}
    # Then whoever has seen the job before is told that it has changed
    again = ann.get(f"/v1/jobs/{job_id}", headers={"If-None-Match": tag})
    assert again.status_code == 200
    # And when it is decided, then the job has the state of the verdict
    assert let_b_win(ann, job_id)["state"] == "winner"
    assert told(ann, job_id) == {"status": "decided", "state": "winner", "url": address}
    full = ann.get(address.removeprefix(SITE)).get_json()
    assert (full["status"], full["verdict"]["state"]) == ("decided", "winner")


def test_a_job_that_is_sent_with_a_plan_has_its_experiment_from_the_start(ann: Visitor):
    sent = ann.post("/v1/jobs", json={**JOB, "variants": [{}, {}], "experiment": PLAN}).get_json()
    address = f"{SITE}/v1/jobs/{sent['id']}/experiment"
    assert sent["experiment"] == {"status": "waiting", "state": None, "url": address}
    assert told(ann, sent["id"]) == sent["experiment"]
    assert sent["links"]["experiment"] == address


def test_a_list_asks_the_store_no_more_for_experiments(
    ann: Visitor, job_id: str, redis_client: redis.Redis
):
    # Given what a list asks the store for
    def exchanges() -> dict[str, int]:
        redis_client.config_resetstat()
        assert ann.get("/v1/jobs").status_code == 200
        found = redis_client.info("commandstats")
        return {name: each["calls"] for name, each in found.items() if "config" not in name}

    before = exchanges()
    # When the job has an experiment, then it is the same
    ann.open(f"/v1/jobs/{job_id}/experiment", "PUT", json=PLAN)
    assert exchanges() == before
