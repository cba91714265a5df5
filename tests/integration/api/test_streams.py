"""Events of a job as a stream, in this process: where it begins, ends and is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import redis

from api.app import create_app
from api.state import ApiState
from service.access import digest
from tests.integration.api.conftest import JOB, Visitor
from tests.integration.api.test_jobs import set_status

STREAM = {"Accept": "text/event-stream"}


def listen(visitor: Visitor, job_id: str, query: str = "", **headers: str):
    path = f"/v1/jobs/{job_id}/events{query}"
    return visitor.get(path, headers={**STREAM, **headers}, buffered=False)


def told(text: str) -> list[int]:
    return [int(line[4:]) for line in text.splitlines() if line.startswith("id: ")]


@pytest.fixture
def job(ann: Visitor, redis_client: redis.Redis) -> str:
    """A job with three events that has ended."""
    job_id = ann.post("/v1/jobs", json=JOB).get_json()["id"]
    ann.post(f"/v1/jobs/{job_id}/cancel")
    body = {"sequence": 3, "type": "job.canceled", "data": {"job_id": job_id}}
    redis_client.rpush(f"cab:job:{job_id}:events", json.dumps(body))
    redis_client.hset(f"cab:job:{job_id}", mapping={"status": "canceled", "sequence": 3})
    return job_id


def test_an_ended_job_is_told_and_the_stream_ends(ann: Visitor, job: str):
    # When a stream of an ended job is read to its end
    reply = listen(ann, job)
    text = reply.get_data(as_text=True)
    # Then it was told from the first event to the last, in the bytes of the list
    assert (reply.status_code, reply.content_type) == (200, "text/event-stream; charset=utf-8")
    assert told(text) == [1, 2, 3]
    datas = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
    assert datas == ann.get(f"/v1/jobs/{job}/events").get_json()["data"]
    assert "event: job.canceling\n" in text
    assert reply.headers["Cache-Control"] == "private, no-store, no-transform"
    assert reply.headers["X-Accel-Buffering"] == "no"
    assert "ETag" not in reply.headers


@pytest.mark.parametrize(
    ("query", "last", "sequences"),
    [("?after=1", None, [2, 3]), ("", "2", [3]), ("?after=1", "2", [3]), ("?after=2", "1", [3])],
)
def test_it_goes_on_where_it_broke_off(ann: Visitor, job: str, query, last, sequences):
    headers = {"Last-Event-ID": last} if last else {}
    assert told(listen(ann, job, query, **headers).get_data(as_text=True)) == sequences


def test_who_has_all_of_it_is_told_to_stay_away(ann: Visitor, job: str):
    reply = listen(ann, job, **{"Last-Event-ID": "3"})
    assert (reply.status_code, reply.data) == (204, b"")


@pytest.mark.parametrize("wrong", ["x", "-1", "1.0", "9999999999", "１"])
def test_an_id_that_is_none_is_refused(ann: Visitor, job: str, wrong: str):
    reply = listen(ann, job, **{"Last-Event-ID": wrong})
    assert reply.status_code == 422
    assert reply.get_json()["errors"][0]["pointer"] == "headers:/Last-Event-ID"


@pytest.mark.parametrize(
    "accept", ["*/*", "application/json", "application/json, text/event-stream"]
)
def test_who_does_not_ask_for_a_stream_gets_the_list(ann: Visitor, job: str, accept: str):
    reply = ann.get(f"/v1/jobs/{job}/events", headers={"Accept": accept})
    assert reply.get_json()["last_sequence"] == 3


def test_head_opens_none(ann: Visitor, app, job: str):
    reply = ann.open(f"/v1/jobs/{job}/events", "HEAD", headers=STREAM)
    assert (reply.status_code, reply.mimetype) == (200, "text/event-stream")
    assert not _state(app).listeners._all


def test_another_tenants_job_cannot_be_listened_to(bob: Visitor, job: str):
    assert listen(bob, job).status_code == 404


def test_there_are_only_so_many_for_a_key_and_for_a_process(ann: Visitor, bob: Visitor, services):
    # Given an API of at most three streams, two of them for one key
    settings = replace(services.settings, listeners=3, listeners_per_key=2)
    app = create_app(replace(services, settings=settings))
    ann, bob = (replace(each, client=app.test_client()) for each in (ann, bob))
    running = [each.post("/v1/jobs", json=JOB).get_json()["id"] for each in (ann, bob)]
    opened = [listen(ann, running[0]), listen(ann, running[0])]
    # When Ann asks for a third, then it is her limit
    third = listen(ann, running[0])
    assert (third.status_code, third.get_json()["code"]) == (429, "quota_exceeded")
    # When Bob takes the last place and asks for one more, then it is the process's
    opened.append(listen(bob, running[1]))
    fourth = listen(bob, running[1])
    assert (fourth.status_code, fourth.get_json()["code"]) == (503, "too_many_streams")
    assert fourth.headers["Retry-After"]
    # When one is closed, then there is a place
    opened.pop().close()
    opened.append(listen(bob, running[1]))
    assert opened[-1].status_code == 200
    # and a process that is about to end closes all, and takes none
    _state(app).listeners.stop()
    assert all(b"retry:" in each.get_data() for each in opened)
    assert listen(bob, running[1]).status_code == 503


def test_a_job_that_goes_away_ends_its_stream(ann: Visitor, redis_client: redis.Redis):
    job_id = ann.post("/v1/jobs", json=JOB).get_json()["id"]
    reply = listen(ann, job_id)
    frames = reply.iter_encoded()
    while b"id: 1" not in next(frames):
        continue
    redis_client.delete(f"cab:job:{job_id}")
    assert b"".join(frames) == b""


@pytest.mark.parametrize("end", ["revoke", "expire"])
def test_a_key_that_ends_ends_its_streams(
    ann: Visitor, services, redis_client: redis.Redis, end: str
):
    # Given a stream of a running job, and an API that asks for each key again at once
    settings = replace(services.settings, key_cache_s=0.0, heartbeat_s=0.05)
    app = create_app(replace(services, settings=settings))
    ann = replace(ann, client=app.test_client())
    job_id = ann.post("/v1/jobs", json=JOB).get_json()["id"]
    reply = listen(ann, job_id)
    frames = reply.iter_encoded()
    while b"id: 1" not in next(frames):
        continue
    # When its key is ended and the job goes on
    name = f"cab:key:{digest(ann.key, settings.key_pepper)}"
    if end == "revoke":
        redis_client.delete(name)
    else:
        redis_client.hset(name, "expires", 1)
    body = {"sequence": 2, "type": "job.running", "data": {"job_id": job_id}}
    redis_client.rpush(f"cab:job:{job_id}:events", json.dumps(body))
    redis_client.hset(f"cab:job:{job_id}", mapping={"status": "canceled", "sequence": 2})
    # Then the stream ends without telling of it, and its place is free.
    assert b"id: 2" not in b"".join(frames)
    reply.close()
    assert not _state(app).listeners._all
    assert not _state(app).listeners._all


def test_two_who_came_at_different_times_hear_each_event_once(
    ann: Visitor, redis_client: redis.Redis
):
    # Given one listener from the beginning and one from behind the first event
    job_id = ann.post("/v1/jobs", json=JOB).get_json()["id"]
    early, late = listen(ann, job_id), listen(ann, job_id, "?after=1")
    # When the job goes on and ends
    ann.post(f"/v1/jobs/{job_id}/cancel")
    set_status(redis_client, job_id, "canceled")
    # Then both have heard all that was theirs
    assert told(early.get_data(as_text=True)) == [1, 2]
    assert told(late.get_data(as_text=True)) == [2]


def _state(app) -> ApiState:
    return app.extensions["caption_ab"]
