"""Jobs over HTTP, with a real Valkey behind."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest
import redis

from api.app import create_app
from service.errors import StoreUnavailable
from service.settings import Settings
from service.store.pool import connect
from tests.integration.api.conftest import JOB, SRT, Visitor


def set_status(client: redis.Redis, job_id: str, status: str) -> None:
    client.hset(f"cab:job:{job_id}", "status", status)


def test_a_job_is_accepted(ann: Visitor):
    # Given nothing but a clip and captions
    # When it is posted
    reply = ann.post("/v1/jobs", json=JOB)
    # Then it is accepted, says where it lives, and compares outline with boxed
    assert reply.status_code == 202
    body = reply.get_json()
    assert reply.headers["Location"] == f"https://ab.example.com/v1/jobs/{body['id']}"
    assert body["status"] == "queued"
    assert [each["style"]["preset"] for each in body["variants"]] == ["outline", "boxed"]
    assert [each["cuts"][0]["status"] for each in body["variants"]] == ["queued", "queued"]


def test_the_answer_to_the_post_is_what_a_get_shows(ann: Visitor):
    # Given a job with all there is to ask for
    asked = {
        **JOB,
        "name": "spring",
        "variants": [
            {"style": {"preset": "karaoke", "color": "#FFD700", "position": "top"}},
            {"label": "C", "instruction": "keep it short"},
        ],
        "language": "pt-BR",
        "output": {"resolution": "720p"},
        "max_credits": 200,
        "deadline_s": 900,
        "metadata": {"campaign": "spring"},
    }
    # When the 202 is compared with the job read afterwards
    accepted = ann.post("/v1/jobs", json=asked).get_json()
    read = ann.get(f"/v1/jobs/{accepted['id']}").get_json()
    # Then they are the same
    assert accepted == read
    assert [each["label"] for each in read["variants"]] == ["A", "C"]


def test_the_accept_is_one_exchange_with_redis(ann: Visitor, redis_client: redis.Redis):
    # Given a key that this process has met before
    ann.get("/v1/limits")
    # When a job is posted while every command is watched
    other = redis_client.client()
    other.echo("begin")
    with redis_client.monitor() as watched:
        reply = ann.post("/v1/jobs", json=JOB, headers={"Idempotency-Key": "one"})
        other.echo("end")
        seen = []
        for each in watched.listen():
            if each["command"] == "ECHO end":
                break
            if each["client_type"] != "lua":
                seen.append(each["command"].split()[0].upper())
    other.close()
    # Then there was one, and it was the accept
    assert reply.status_code == 202
    assert seen == ["EVALSHA"]


@pytest.mark.parametrize("second", ["key-1", '"key-1"'])
def test_a_repeated_post_returns_the_first_job(ann: Visitor, second: str):
    # Given a job accepted under a key
    first = ann.post("/v1/jobs", json=JOB, headers={"Idempotency-Key": "key-1"})
    # When the same is posted again, with the key bare or quoted
    again = ann.post("/v1/jobs", json=JOB, headers={"Idempotency-Key": second})
    # Then it is the same job, marked as replayed
    assert again.status_code == 202
    assert again.get_json()["id"] == first.get_json()["id"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers


def test_a_key_used_with_another_body_is_refused(ann: Visitor):
    ann.post("/v1/jobs", json=JOB, headers={"Idempotency-Key": "k"})
    reply = ann.post("/v1/jobs", json={**JOB, "name": "x"}, headers={"Idempotency-Key": "k"})
    assert reply.status_code == 422
    assert reply.get_json()["code"] == "idempotency_key_reused"


def test_keys_of_two_tenants_do_not_meet(ann: Visitor, bob: Visitor):
    mine = ann.post("/v1/jobs", json=JOB, headers={"Idempotency-Key": "k"})
    other = bob.post("/v1/jobs", json=JOB, headers={"Idempotency-Key": "k"})
    assert other.get_json()["id"] != mine.get_json()["id"]


def test_another_tenant_sees_nothing_of_a_job(ann: Visitor, bob: Visitor):
    # Given a job of Ann's
    job_id = ann.post("/v1/jobs", json=JOB).get_json()["id"]
    # When Bob asks for it in every way
    asked = [
        bob.get(f"/v1/jobs/{job_id}"),
        bob.get(f"/v1/jobs/{job_id}/events"),
        bob.get(f"/v1/jobs/{job_id}/variants/A/video"),
        bob.post(f"/v1/jobs/{job_id}/cancel"),
    ]
    # Then it does not exist for him, in the same words as one that never did
    assert [each.status_code for each in asked] == [404] * 4
    assert bob.get("/v1/jobs").get_json()["data"] == []
    never = bob.get("/v1/jobs/job_00000000000000000000000000").get_json()
    assert asked[0].get_json()["detail"] == never["detail"]


def test_an_upload_of_another_tenant_cannot_be_used(ann: Visitor, bob: Visitor):
    upload_id = ann.upload().get_json()["id"]
    reply = bob.post("/v1/jobs", json={**JOB, "clips": [{"upload_id": upload_id}]})
    problem = reply.get_json()
    assert (reply.status_code, problem["code"]) == (422, "upload_missing")
    assert problem["errors"] == [
        {"pointer": "#/clips/0/upload_id", "detail": f"There is no upload {upload_id}."}
    ]


def test_a_list_goes_on_by_cursor_without_gaps(ann: Visitor):
    # Given seven jobs
    made = [ann.post("/v1/jobs", json={**JOB, "name": str(n)}).get_json()["id"] for n in range(7)]
    # When they are listed three at a time by the Link header
    listed, path = [], "/v1/jobs?limit=3"
    pages = 0
    while path:
        reply = ann.get(path)
        listed += [each["id"] for each in reply.get_json()["data"]]
        link = reply.headers.get("Link", "")
        path = link[1:].partition(">")[0].removeprefix("https://ab.example.com")
        pages += 1
    # Then each comes once, newest first
    assert listed == made[::-1]
    assert pages == 3


def test_a_list_can_be_filtered_by_status(ann: Visitor, redis_client: redis.Redis):
    made = [ann.post("/v1/jobs", json=JOB).get_json()["id"] for _ in range(4)]
    set_status(redis_client, made[1], "succeeded")
    body = ann.get("/v1/jobs?status=succeeded").get_json()
    assert [each["id"] for each in body["data"]] == [made[1]]
    assert body["next_cursor"] is None


def test_an_unchanged_job_is_not_sent_again(ann: Visitor, redis_client: redis.Redis):
    # Given a job whose ETag is known
    job_id = ann.post("/v1/jobs", json=JOB).get_json()["id"]
    etag = ann.get(f"/v1/jobs/{job_id}").headers["ETag"]
    # When it is asked for again, before and after a change
    same = ann.get(f"/v1/jobs/{job_id}", headers={"If-None-Match": etag})
    set_status(redis_client, job_id, "running")
    changed = ann.get(f"/v1/jobs/{job_id}", headers={"If-None-Match": etag})
    # Then only the changed one is sent
    assert (same.status_code, same.data) == (304, b"")
    assert (changed.status_code, changed.get_json()["status"]) == (200, "running")


def test_a_get_can_wait_for_the_end(ann: Visitor, redis_client: redis.Redis):
    # Given a job that ends shortly after it is asked for
    job_id = ann.post("/v1/jobs", json=JOB).get_json()["id"]
    ending = threading.Timer(0.3, set_status, (redis_client, job_id, "succeeded"))
    ending.start()
    # When a caller prefers to wait
    begun = time.monotonic()
    reply = ann.get(f"/v1/jobs/{job_id}", headers={"Prefer": "wait=20"})
    ending.join()
    # Then the answer comes with the end, not with the limit
    assert reply.get_json()["status"] == "succeeded"
    assert reply.headers["Preference-Applied"] == "wait=20"
    assert "Retry-After" not in reply.headers
    assert 0.2 < time.monotonic() - begun < 10


def test_waiting_ends_at_its_limit(ann: Visitor):
    job_id = ann.post("/v1/jobs", json=JOB).get_json()["id"]
    begun = time.monotonic()
    reply = ann.get(f"/v1/jobs/{job_id}", headers={"Prefer": "respond-async, wait=1"})
    assert time.monotonic() - begun >= 1
    assert reply.get_json()["status"] == "queued"
    assert reply.headers["Retry-After"] == "5"


def test_a_cancel_is_idempotent(ann: Visitor, redis_client: redis.Redis):
    job_id = ann.post("/v1/jobs", json=JOB).get_json()["id"]
    first = ann.post(f"/v1/jobs/{job_id}/cancel")
    again = ann.post(f"/v1/jobs/{job_id}/cancel")
    set_status(redis_client, job_id, "canceled")
    after = ann.post(f"/v1/jobs/{job_id}/cancel")
    assert [each.status_code for each in (first, again, after)] == [202, 202, 200]
    assert first.get_json()["status"] == "canceling"
    events = ann.get(f"/v1/jobs/{job_id}/events").get_json()["data"]
    assert [each["type"] for each in events] == ["job.created", "job.canceling"]


@pytest.mark.parametrize("status", ["comparing", "succeeded", "failed", "partial", "expired"])
def test_what_has_ended_otherwise_is_not_canceled(
    ann: Visitor, redis_client: redis.Redis, status: str
):
    job_id = ann.post("/v1/jobs", json=JOB).get_json()["id"]
    set_status(redis_client, job_id, status)
    assert ann.post(f"/v1/jobs/{job_id}/cancel").status_code == 409


def test_events_go_on_after_a_sequence(ann: Visitor):
    job_id = ann.post("/v1/jobs", json=JOB).get_json()["id"]
    ann.post(f"/v1/jobs/{job_id}/cancel")
    body = ann.get(f"/v1/jobs/{job_id}/events?after=1").get_json()
    assert [each["sequence"] for each in body["data"]] == [2]
    assert body["last_sequence"] == 2
    assert ann.get(f"/v1/jobs/{job_id}/events?after=2").get_json() == {
        "data": [],
        "last_sequence": 2,
    }


def test_a_place_in_the_events_that_no_job_reaches_is_refused(ann: Visitor):
    # Found by fuzzing: Redis takes no number of more than 64 bits
    job_id = ann.post("/v1/jobs", json=JOB).get_json()["id"]
    reply = ann.get(f"/v1/jobs/{job_id}/events?after=1215193573248802958082048")
    assert (reply.status_code, reply.get_json()["errors"][0]["pointer"]) == (422, "query:/after")


def test_a_tenant_at_its_quota_is_told_to_come_back(ann: Visitor, services):
    # Given a tenant that may have one unfinished job, and has it
    small = replace(services, settings=replace(services.settings, tenant_open_jobs=1))
    visitor = replace(ann, client=create_app(small).test_client())
    visitor.post("/v1/jobs", json=JOB)
    # When it posts another
    reply = visitor.post("/v1/jobs", json=JOB)
    # Then it is refused for now
    assert reply.status_code == 429
    assert reply.get_json()["code"] == "quota_exceeded"
    assert int(reply.headers["Retry-After"]) > 0


def test_a_backend_that_cannot_transcribe_asks_for_captions(ann: Visitor, services):
    deaf = replace(services, settings=replace(services.settings, nemo_transcribes=False))
    visitor = replace(ann, client=create_app(deaf).test_client())
    reply = visitor.post("/v1/jobs", json={"clips": JOB["clips"]})
    body = reply.get_json()
    assert (reply.status_code, body["code"]) == (422, "captions_required")
    assert visitor.post("/v1/jobs", json={**JOB, **body["example"]}).status_code == 202


def test_without_redis_nothing_is_accepted(ann: Visitor, services, settings: Settings, app):
    # Given an API that has met the key, and a Redis that has gone
    ann.get("/v1/limits")
    ann.get("/v1/jobs")
    away = connect(replace(settings, redis_url="unix:///nowhere.sock"), connections=1, name="x")
    services.connection.client.connection_pool.disconnect()
    old, services.connection.client = services.connection.client, away
    # When a job is posted
    reply = ann.post("/v1/jobs", json=JOB)
    services.connection.client = old
    # Then it is not accepted, and trying again makes sense
    assert reply.status_code == 503
    body = reply.get_json()
    assert (body["code"], body["retryable"]) == (StoreUnavailable.code, True)
    assert reply.headers["Retry-After"]


def test_captions_come_back_by_format_only(ann: Visitor):
    body = ann.post("/v1/jobs", json=JOB).get_json()
    assert body["captions"] == {"format": "srt"}
    assert SRT not in str(body)
