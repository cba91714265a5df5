"""Deleting jobs, and how long they are kept, over HTTP."""

from __future__ import annotations

import pytest
import redis

from service.audit import Act, read_entries
from service.jobs.retention import sweep
from service.store.retention import Retention
from tests.integration.api.conftest import JOB, Visitor
from tests.integration.api.test_jobs import set_status


@pytest.fixture
def ended(ann: Visitor, services, redis_client: redis.Redis) -> str:
    """A job of Ann's that has ended, with a file."""
    job_id = ann.post("/v1/jobs", json=JOB, headers={"Idempotency-Key": "k"}).get_json()["id"]
    for row in redis_client.smembers(f"cab:job:{job_id}:rows"):
        redis_client.hset(f"cab:row:{row}", mapping={"open": "0", "state": "succeeded"})
        redis_client.zrem("cab:due", row)
    set_status(redis_client, job_id, "succeeded")
    services.files.put(f"jobs/{job_id}/A.mp4", [b"x"], max_bytes=9)
    return job_id


def test_a_deleted_job_is_gone_everywhere(ann: Visitor, services, ended: str):
    # When an ended job is deleted
    reply = ann.delete(f"/v1/jobs/{ended}")
    assert (reply.status_code, reply.data) == (204, b"")
    # Then every address of it says so, and so does the key of its request
    for path in ("", "/events", "/story", "/variants/A/video", "/variants/A/timeline"):
        gone = ann.get(f"/v1/jobs/{ended}{path}")
        assert (gone.status_code, gone.get_json()["code"]) == (410, "gone")
    for path in ("/cancel", "/resume", "/retry"):
        assert ann.post(f"/v1/jobs/{ended}{path}").status_code == 410
    assert ann.get("/v1/jobs").get_json()["data"] == []
    again = ann.post("/v1/jobs", json=JOB, headers={"Idempotency-Key": "k"})
    assert again.status_code == 410
    # and the next sweep takes its files
    sweep(
        Retention(services.connection),
        services.files,
        services.experiments,
        services.settings,
        services.clock,
    )
    assert not list(services.files.find_all("jobs"))


def test_deleting_again_changes_nothing(ann: Visitor, ended: str):
    assert [ann.delete(f"/v1/jobs/{ended}").status_code for _ in range(3)] == [204] * 3


def test_who_deleted_it_stays_in_the_audit_log(ann: Visitor, ended: str, services):
    ann.delete(f"/v1/jobs/{ended}")
    ann.delete(f"/v1/jobs/{ended}")
    kept = read_entries(services.connection, tenant_id=ann.tenant_id, before="", limit=10)
    deleted = [each for each in kept if each.act == Act.JOB_DELETED]
    assert [(each.object_id, each.actor[:4]) for each in deleted] == [(ended, "key_")]


@pytest.mark.parametrize(
    ("status", "hint"),
    [("queued", "Cancel it first"), ("action_required", "Cancel it"), ("canceling", "by itself")],
)
def test_a_running_job_is_to_be_canceled_first(
    ann: Visitor, redis_client: redis.Redis, status: str, hint: str
):
    job_id = ann.post("/v1/jobs", json=JOB).get_json()["id"]
    set_status(redis_client, job_id, status)
    reply = ann.delete(f"/v1/jobs/{job_id}")
    body = reply.get_json()
    assert (reply.status_code, body["code"], body["job_status"]) == (409, "conflict", status)
    assert hint in body["hint"]
    assert ann.get(f"/v1/jobs/{job_id}").status_code == 200


def test_a_job_of_nobody_or_of_another_is_not_there(ann: Visitor, bob: Visitor, ended: str):
    for job_id in (ended, "job_00000000000000000000000000", "x"):
        assert bob.delete(f"/v1/jobs/{job_id}").status_code == 404
    ann.delete(f"/v1/jobs/{ended}")
    assert bob.delete(f"/v1/jobs/{ended}").status_code == 404


def test_a_tenant_may_keep_jobs_for_a_shorter_time(ann: Visitor, bob: Visitor, redis_client):
    # Given Ann, who wants an hour
    assert ann.get("/v1/retention").get_json()["own_job_ttl_s"] is None
    body = ann.open("/v1/retention", "PUT", json={"job_ttl_s": 3600}).get_json()
    assert (body["job_ttl_s"], body["own_job_ttl_s"], body["max_job_ttl_s"]) == (3600, 3600, 604800)
    # Then her new jobs have it, and Bob's do not
    for visitor, ttl_ms in ((ann, 3_600_000), (bob, 604_800_000)):
        job_id = visitor.post("/v1/jobs", json=JOB).get_json()["id"]
        assert int(redis_client.hget(f"cab:job:{job_id}", "ttl")) == ttl_ms
    # When she takes it back, then the installation's time holds again
    body = ann.open("/v1/retention", "PUT", json={"job_ttl_s": None}).get_json()
    assert (body["job_ttl_s"], body["own_job_ttl_s"]) == (604800, None)


@pytest.mark.parametrize("wrong", [0, 59, -1, 604_801, "3600", 1e300])
def test_a_time_out_of_bounds_is_refused(ann: Visitor, wrong):
    reply = ann.open("/v1/retention", "PUT", json={"job_ttl_s": wrong})
    assert reply.status_code == 422
    assert reply.get_json()["errors"][0]["pointer"] == "#/job_ttl_s"
