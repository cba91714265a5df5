"""resume and retry over the API."""

from __future__ import annotations

import pytest
import redis

from tests.integration.api.conftest import JOB, Visitor


@pytest.fixture
def job(ann: Visitor) -> str:
    return ann.post("/v1/jobs", json=JOB).get_json()["id"]


def pause(client: redis.Redis, job: str) -> None:
    """Both cuts wait for a person, as a worker leaves them."""
    for label in "AB":
        client.hset(f"cab:row:cut:{job}.0.{label}.1", "state", "action_required")
    client.hset(f"cab:job:{job}", mapping={"status": "action_required", "paused": 2})


def end(client: redis.Redis, job: str, status: str = "failed") -> None:
    client.hset(f"cab:job:{job}", "status", status)


def types(visitor: Visitor, job: str) -> list[str]:
    return [event["type"] for event in visitor.get(f"/v1/jobs/{job}/events").get_json()["data"]]


def test_resume_is_idempotent(ann: Visitor, job: str, redis_client: redis.Redis):
    pause(redis_client, job)
    for _ in range(2):
        reply = ann.post(f"/v1/jobs/{job}/resume")
        assert (reply.status_code, reply.get_json()["id"]) == (202, job)
    assert types(ann, job) == ["job.created", "job.resumed"]


def test_an_ended_job_cannot_go_on(ann: Visitor, job: str, redis_client: redis.Redis):
    end(redis_client, job)
    reply = ann.post(f"/v1/jobs/{job}/resume")
    assert (reply.status_code, reply.get_json()["code"]) == (409, "conflict")
    assert "retry" in reply.get_json()["hint"]


def test_under_another_account_the_cost_of_a_retry_is_told(
    ann: Visitor, job: str, redis_client: redis.Redis
):
    pause(redis_client, job)
    redis_client.hset(f"cab:tenant:{ann.tenant_id}", "account", "acc_other")
    reply = ann.post(f"/v1/jobs/{job}/resume")
    problem = reply.get_json()
    assert (reply.status_code, problem["code"]) == (409, "account_changed")
    assert problem["retry_credits"] == 100
    assert types(ann, job) == ["job.created"]


@pytest.mark.parametrize("action", ["resume", "retry"])
def test_another_tenants_job_is_not_there(ann: Visitor, bob: Visitor, job: str, action: str):
    assert bob.post(f"/v1/jobs/{job}/{action}").status_code == 404


def test_a_retry_is_a_new_job_of_the_same_request(
    ann: Visitor, job: str, redis_client: redis.Redis
):
    # Given an ended job, and another account since,
    end(redis_client, job)
    redis_client.hset(f"cab:tenant:{ann.tenant_id}", "account", "acc_other")
    # When it is tried again,
    reply = ann.post(f"/v1/jobs/{job}/retry")
    again = reply.get_json()
    # Then the new one says what it is one of, and works on the account in use now.
    assert reply.status_code == 202
    assert reply.headers["Location"] == f"https://ab.example.com/v1/jobs/{again['id']}"
    assert (again["retry_of"], again["status"]) == (job, "queued")
    old = ann.get(f"/v1/jobs/{job}").get_json()
    assert again["id"] != job
    assert (old["retry_of"], old["instruction"]) == (None, again["instruction"])
    for shown in ("output", "captions", "language", "metadata"):
        assert again[shown] == old[shown]
    assert [v["style"] for v in again["variants"]] == [v["style"] for v in old["variants"]]
    assert redis_client.hget(f"cab:job:{again['id']}", "account") == "acc_other"
    assert ann.get(f"/v1/jobs/{again['id']}").get_json()["retry_of"] == job


def test_a_retry_of_a_running_job_is_refused(ann: Visitor, job: str):
    reply = ann.post(f"/v1/jobs/{job}/retry")
    assert (reply.status_code, reply.get_json()["status"]) == (409, 409)
    assert "queued" in reply.get_json()["detail"]


def test_a_retry_with_a_key_is_made_once(ann: Visitor, job: str, redis_client: redis.Redis):
    end(redis_client, job)
    key = {"Idempotency-Key": "k"}
    first = ann.post(f"/v1/jobs/{job}/retry", headers=key)
    again = ann.post(f"/v1/jobs/{job}/retry", headers=key)
    assert first.get_json()["id"] == again.get_json()["id"]
    assert again.headers["Idempotency-Replayed"] == "true"
    other = ann.post("/v1/jobs", json=JOB, headers=key)
    assert other.get_json()["code"] == "idempotency_key_reused"


def test_uploads_of_the_old_job_are_used_again(ann: Visitor, redis_client: redis.Redis):
    upload_id = ann.upload().get_json()["id"]
    asset_id = ann.upload(b"ID3" + bytes(500), "tone.mp3").get_json()["id"]
    body = {
        **JOB, "clips": [{"upload_id": upload_id, "instruction": "keep it short"}],
        "assets": [{"upload_id": asset_id, "role": "bgm"}],
    }  # fmt: skip
    job = ann.post("/v1/jobs", json=body).get_json()
    assert job["assets"] == body["assets"]
    assert job["clips"][0]["instruction"] == "keep it short"
    end(redis_client, job["id"])
    again = ann.post(f"/v1/jobs/{job['id']}/retry").get_json()
    assert again["assets"] == body["assets"]
    assert again["clips"][0]["upload_id"] == upload_id
    # and what a job uses is not removed from under it.
    assert ann.delete(f"/v1/uploads/{asset_id}").status_code == 409


@pytest.mark.parametrize(
    ("assets", "status"),
    [
        ([{"upload_id": "upl_" + "0" * 26, "role": "bgm"}], 422),
        ([{"upload_id": "upl_" + "0" * 26, "role": "video"}], 422),
        ([{"role": "bgm"}], 422),
        ([{"upload_id": "upl_" + "0" * 26, "role": "bgm"}] * 6, 422),
    ],
)
def test_assets_that_cannot_be(ann: Visitor, assets, status: int):
    assert ann.post("/v1/jobs", json={**JOB, "assets": assets}).status_code == status


def test_assets_of_another_tenant_are_not_there(ann: Visitor, bob: Visitor):
    upload_id = bob.upload(b"ID3" + bytes(500), "tone.mp3").get_json()["id"]
    body = {**JOB, "assets": [{"upload_id": upload_id, "role": "bgm"}]}
    reply = ann.post("/v1/jobs", json=body)
    assert reply.status_code == 422
    assert [each["pointer"] for each in reply.get_json()["errors"]] == ["#/assets/0/upload_id"]
