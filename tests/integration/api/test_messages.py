"""Messages to a variant: what they need, what they answer, and the revisions they make."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis

from api.app import create_app
from sandbox.config import SandboxConfig
from sandbox.server import RunningSandbox, start_sandbox
from service.model.cut import CutDoc, Edit, MediaInfo, ResultFile
from service.model.documents import write_document
from service.model.job import MAX_REVISIONS
from tests.integration.api.conftest import JOB, Visitor

WISH = {"text": "make the captions bigger"}
MEDIA = MediaInfo(2.0, 320, 180, 25, 1, "h264", "aac", "mp4")


@pytest.fixture
def job(ann: Visitor, services, redis_client: redis.Redis) -> str:
    """A job whose variant A has its first video, as a worker leaves it."""
    made = ann.post("/v1/jobs", json=JOB)
    job_id = made.get_json()["id"]
    put_cut(services, redis_client, job_id, 1)
    return job_id


def put_cut(services, client: redis.Redis, job_id: str, revision: int, **changes: Any) -> bytes:
    """A finished cut in the store, with a video of its own."""
    video = f"video {revision}".encode()
    stored = services.files.put(f"jobs/{job_id}/A-1-{revision}.mp4", [video], max_bytes=100)
    doc = CutDoc(
        0, "A", revision=revision, edit=Edit("Done.", fingerprint="f" * 64),
        result=ResultFile(stored.key, stored.size, stored.sha256, MEDIA), **changes,
    )  # fmt: skip
    row = f"cab:row:cut:{job_id}.0.A.{revision}"
    client.hset(row, mapping={"state": "succeeded", "doc": write_document(doc)})
    return video


def say(visitor: Visitor, job_id: str, body: Any = WISH, *, label: str = "A", key: str = "k1"):
    headers = {"Idempotency-Key": key} if key else {}
    path = f"/v1/jobs/{job_id}/variants/{label}/messages"
    return visitor.post(path, json=body, headers=headers)


@pytest.mark.rule("P-143")
@pytest.mark.parametrize(
    "text", ["hello", "what's the weather in Paris?", "generate a video of a cat", "讲个笑话"]
)
def test_what_is_not_about_the_video_is_refused_unpaid(ann: Visitor, job: str, text: str):
    # When something else is asked of the editor
    reply = say(ann, job, {"text": text})
    # Then it is refused with what to say instead, no revision is made, and the key stays free.
    found = reply.get_json()
    assert reply.status_code == 422
    assert [each["pointer"] for each in found["errors"]] == ["#/text"]
    assert "nothing was spent" in found["detail"]
    assert "captions" in found["hint"]
    assert say(ann, job).get_json()["revision"] == 2


def test_an_edit_is_accepted_as_the_next_revision(ann: Visitor, job: str):
    # When two wishes are sent,
    reply = say(ann, job)
    # Then each is a revision of its own,
    assert reply.status_code == 202
    assert reply.get_json() == {
        "object": "message", "intent": "chat", "label": "A", "clip": 0, "revision": 2,
        "cut": f"{job}.0.A.2",
    }  # fmt: skip
    assert reply.headers["Location"] == f"https://ab.example.com/v1/jobs/{job}"
    assert say(ann, job, {"text": "now smaller"}, key="k2").get_json()["revision"] == 3
    # which the job shows beside the first one, with the words that asked for it.
    cuts = ann.get(f"/v1/jobs/{job}").get_json()["variants"][0]["cuts"]
    assert [(cut["revision"], cut["status"]) for cut in cuts] == [
        (1, "succeeded"), (2, "queued"), (3, "queued")
    ]  # fmt: skip
    assert [cut.get("message") for cut in cuts] == [None, WISH["text"], "now smaller"]
    events = ann.get(f"/v1/jobs/{job}/events").get_json()["data"]
    assert [event["data"]["cut"]["revision"] for event in events[-2:]] == [2, 3]


def test_the_same_request_again_is_the_same_revision(ann: Visitor, job: str):
    first, again = say(ann, job), say(ann, job)
    assert (again.status_code, again.get_json()) == (202, first.get_json())
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    other = say(ann, job, {"text": "something else"})
    assert (other.status_code, other.get_json()["code"]) == (422, "idempotency_key_reused")


def test_without_a_key_nothing_is_accepted(ann: Visitor, job: str):
    for body in (WISH, {"text": "status"}):
        reply = say(ann, job, body, key="")
        problem = reply.get_json()
        assert (reply.status_code, problem["code"]) == (400, "idempotency_key_missing")
        assert problem["errors"][0]["pointer"] == "headers:/Idempotency-Key"
    assert len(ann.get(f"/v1/jobs/{job}").get_json()["variants"][0]["cuts"]) == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/text"),
        ({"text": ""}, "#/text"),
        ({"text": " \n "}, "#/text"),
        ({"text": "x" * 501}, "#/text"),
        ({"text": 5}, "#/text"),
        ({"text": "\ud800"}, "#/text"),
        ({**WISH, "clip": "0"}, "#/clip"),
        ({**WISH, "clip": -1}, "#/clip"),
        ({**WISH, "variant": "A"}, "#/variant"),
        ({"text": "upload"}, "#/text"),
    ],
)
def test_a_wrong_message_is_named(ann: Visitor, job: str, body: Any, pointer: str):
    reply = say(ann, job, body)
    assert reply.status_code == 422
    assert [each["pointer"] for each in reply.get_json()["errors"]] == [pointer]


def test_an_upload_by_words_is_told_where_files_go(ann: Visitor, job: str):
    assert "/v1/uploads" in say(ann, job, {"text": "upload"}).get_json()["hint"]


def test_another_tenant_and_another_variant_have_nothing_to_say(
    ann: Visitor, bob: Visitor, job: str
):
    assert say(bob, job).status_code == 404
    assert say(ann, job, label="C").status_code == 404
    assert say(ann, job, {**WISH, "clip": 1}).status_code == 404


def test_the_export_is_the_link_that_there_is(ann: Visitor, job: str):
    reply = say(ann, job, {"text": "export"})
    assert reply.status_code == 200
    url = f"https://ab.example.com/v1/jobs/{job}/variants/A/video?clip=0&revision=1"
    assert reply.get_json()["video"] == {"url": url, "revision": 1}
    missing = say(ann, job, {"text": "export"}, label="B")
    assert (missing.status_code, missing.get_json()["code"]) == (409, "conflict")


def test_every_revision_stays_downloadable(
    ann: Visitor, job: str, services, redis_client: redis.Redis
):
    # Given a second revision that is ready and a third on its way,
    for key in ("k1", "k2"):
        say(ann, job, key=key)
    second = put_cut(services, redis_client, job, 2)
    path = f"/v1/jobs/{job}/variants/A/video"
    # Then each is there under its number, and the latest that succeeded without one.
    assert ann.get(f"{path}?revision=1").data == b"video 1"
    assert ann.get(f"{path}?revision=2").data == ann.get(path).data == second
    assert ann.get(f"{path}?revision=3").status_code == 404
    assert ann.get(f"{path}?revision=4").status_code == 404
    assert ann.get(f"{path}?revision=0").status_code == 422
    # What may be replaced is not kept for good.
    assert "immutable" in ann.get(f"{path}?revision=1").headers["Cache-Control"]
    assert ann.get(path).headers["Cache-Control"] == "private, no-cache"
    etag = ann.get(path).headers["ETag"]
    assert etag == f'"{hashlib.sha256(second).hexdigest()}"'
    named = ann.get(f"{path}?revision=1&download=true").headers["Content-Disposition"]
    assert named == f'attachment; filename="{job}-A-1-r1.mp4"'


def test_revisions_are_bounded(ann: Visitor, job: str, redis_client: redis.Redis):
    redis_client.hset(f"cab:job:{job}", "revision:0.A", MAX_REVISIONS)
    reply = say(ann, job)
    assert (reply.status_code, reply.get_json()["code"]) == (429, "quota_exceeded")


def test_a_job_that_is_being_canceled_takes_none(ann: Visitor, job: str):
    ann.post(f"/v1/jobs/{job}/cancel")
    assert say(ann, job).status_code == 409


def test_an_expired_job_is_gone(ann: Visitor, bob: Visitor, job: str, redis_client: redis.Redis):
    # Given a job whose time to live has passed,
    for key in redis_client.keys(f"cab:*{job}*"):
        redis_client.delete(key)
    # Then its owner hears that it was there, and nobody else does.
    assert (say(ann, job).status_code, ann.get(f"/v1/jobs/{job}").status_code) == (410, 410)
    assert (say(bob, job).status_code, bob.get(f"/v1/jobs/{job}").status_code) == (404, 404)


class TestQuestions:
    """Those that the backend answers."""

    @pytest.fixture
    def backend(self, tmp_path: Path) -> Iterator[RunningSandbox]:
        running = start_sandbox(SandboxConfig(tmp_path / "sbx"))
        yield running
        running.stop()

    @pytest.fixture
    def settings(self, settings, backend: RunningSandbox):
        port = int(backend.url.rpartition(":")[2])
        return replace(settings, nemo_api_url=backend.url, backend_loopback_ports=(port,))

    @pytest.fixture
    def app(self, services):
        services.tokens.ensure_account()
        return create_app(services)

    def test_the_status_is_the_timeline(
        self, ann: Visitor, job: str, services, redis_client: redis.Redis
    ):
        token = services.tokens.token_for("acc_anonymous")
        session = services.nemo.create_session(token, language="en")
        put_cut(services, redis_client, job, 1, session_id=session.session_id)
        reply = say(ann, job, {"text": "status"})
        assert reply.status_code == 200
        found = {"status": "succeeded", "revision": 1, "timeline": "Timeline (empty)"}
        assert reply.get_json() == {"object": "message", "intent": "state", **found}
        timeline = ann.get(f"/v1/jobs/{job}/variants/A/timeline")
        assert timeline.get_json() == {"object": "timeline", **found}
        untouched = ann.get(f"/v1/jobs/{job}/variants/B/timeline").get_json()
        assert (untouched["status"], untouched["timeline"]) == ("queued", None)

    def test_the_credits_are_the_balance(self, ann: Visitor, job: str):
        reply = say(ann, job, {"text": "credits"})
        assert reply.status_code == 200
        assert reply.get_json()["credits"] == {"available": 100, "frozen": 0, "total": 100}

    def test_a_backend_that_is_away_is_a_problem(self, ann: Visitor, job: str, backend):
        backend.stop()
        reply = say(ann, job, {"text": "credits"})
        assert (reply.status_code, reply.get_json()["retryable"]) == (503, True)
