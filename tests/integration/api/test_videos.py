"""Finished videos: whole, by range, and only for their owner."""

from __future__ import annotations

import hashlib
import random

import pytest
import redis

from service.model.cut import CutDoc, Failure, MediaInfo, ResultFile
from service.model.documents import write_document
from tests.integration.api.conftest import JOB, Visitor

VIDEO = random.Random(7).randbytes(600_000)
SHA256 = hashlib.sha256(VIDEO).hexdigest()


@pytest.fixture
def path(ann: Visitor, services, redis_client: redis.Redis) -> str:
    """The address of variant A's video, as a worker leaves it; B has none yet."""
    job_id = ann.post("/v1/jobs", json=JOB).get_json()["id"]
    stored = services.files.put(f"jobs/{job_id}/A-1.mp4", [VIDEO], max_bytes=10**6)
    media = MediaInfo(2.0, 320, 180, 25, 1, "h264", "aac", "mp4")
    doc = CutDoc(0, "A", result=ResultFile(stored.key, stored.size, stored.sha256, media))
    write_cut(redis_client, job_id, "A", "succeeded", doc)
    return f"/v1/jobs/{job_id}/variants/A/video"


def write_cut(client: redis.Redis, job_id: str, label: str, state: str, doc: CutDoc) -> None:
    row = {"state": state, "doc": write_document(doc)}
    client.hset(f"cab:row:cut:{job_id}.0.{label}.1", mapping=row)


def test_the_whole_video(ann: Visitor, path: str):
    reply = ann.get(path)
    assert reply.status_code == 200
    assert reply.data == VIDEO
    assert reply.headers["Content-Type"] == "video/mp4"
    assert reply.headers["Accept-Ranges"] == "bytes"
    assert reply.headers["Content-Length"] == str(len(VIDEO))
    assert reply.headers["ETag"] == f'"{SHA256}"'
    assert "Content-Disposition" not in reply.headers


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-1023", 0, 1024),
        ("bytes=300000-", 300_000, 600_000),
        ("bytes=-500", 599_500, 600_000),
        ("bytes=599999-700000", 599_999, 600_000),
        ("bytes=-700000", 0, 600_000),
        ("bytes=10-19,30-39", 10, 20),
    ],
)
def test_a_range_of_it(ann: Visitor, path: str, asked: str, start: int, end: int):
    reply = ann.get(path, headers={"Range": asked})
    assert reply.status_code == 206
    assert reply.data == VIDEO[start:end]
    assert reply.headers["Content-Range"] == f"bytes {start}-{end - 1}/600000"
    assert reply.headers["Content-Length"] == str(end - start)


@pytest.mark.parametrize("asked", ["bytes=600000-", "bytes=600000-600001"])
def test_a_range_that_is_not_there(ann: Visitor, path: str, asked: str):
    reply = ann.get(path, headers={"Range": asked})
    assert reply.status_code == 416
    assert reply.headers["Content-Range"] == "bytes */600000"
    assert reply.content_type == "application/problem+json"


@pytest.mark.parametrize("asked", ["lines=0-5", "bytes=x-y", "bytes=9-3", "bytes"])
def test_a_range_that_means_nothing_is_no_range(ann: Visitor, path: str, asked: str):
    reply = ann.get(path, headers={"Range": asked})
    assert (reply.status_code, len(reply.data)) == (200, 600_000)


def test_a_range_of_another_version_is_answered_whole(ann: Visitor, path: str):
    old = ann.get(path, headers={"Range": "bytes=0-9", "If-Range": '"other"'})
    same = ann.get(path, headers={"Range": "bytes=0-9", "If-Range": f'"{SHA256}"'})
    assert (old.status_code, same.status_code) == (200, 206)


def test_what_is_known_is_not_sent_again(ann: Visitor, path: str):
    reply = ann.get(path, headers={"If-None-Match": f'"{SHA256}"'})
    assert (reply.status_code, reply.data) == (304, b"")


def test_a_head_tells_the_size(ann: Visitor, path: str):
    reply = ann.open(path, "HEAD")
    assert (reply.status_code, reply.data) == (200, b"")
    assert reply.headers["Content-Length"] == "600000"


def test_a_browser_can_save_it(ann: Visitor, path: str):
    disposition = ann.get(f"{path}?download=1").headers["Content-Disposition"]
    assert disposition.startswith('attachment; filename="job_')
    assert disposition.endswith('-A-1.mp4"')


def test_the_job_tells_of_the_video(ann: Visitor, path: str):
    job_id = path.split("/")[3]
    cut = ann.get(f"/v1/jobs/{job_id}").get_json()["variants"][0]["cuts"][0]
    assert cut["status"] == "succeeded"
    assert cut["video"] == {
        "url": f"https://ab.example.com{path}?clip=0&revision=1",
        "size": 600_000,
        "sha256": SHA256,
        "width": 320,
        "height": 180,
        "duration_s": 2.0,
        "audio": True,
    }


def test_another_tenant_cannot_watch_it(bob: Visitor, path: str):
    assert bob.get(path).status_code == 404


@pytest.mark.parametrize("tail", ["/C/video", "/A/video?clip=1", "/AB/video"])
def test_what_the_job_has_not(ann: Visitor, path: str, tail: str):
    assert ann.get(path.removesuffix("/A/video") + tail).status_code == 404


def test_a_video_that_is_not_there_yet_says_how_far_it_is(ann: Visitor, path: str):
    reply = ann.get(path.replace("/A/", "/B/"))
    assert reply.status_code == 404
    assert "queued" in reply.get_json()["detail"]


def test_a_cut_that_failed_says_why(ann: Visitor, path: str, redis_client: redis.Redis):
    failure = Failure("render_failed", "The render failed.", "Try again.", stage="rendering")
    job_id = path.split("/")[3]
    write_cut(redis_client, job_id, "B", "failed", CutDoc(0, "B", failure=failure))
    reply = ann.get(path.replace("/A/", "/B/"))
    assert reply.status_code == 410
    assert "The render failed." in reply.get_json()["detail"]
    job = ann.get(f"/v1/jobs/{job_id}").get_json()
    assert job["variants"][1]["cuts"][0]["error"]["code"] == "render_failed"
