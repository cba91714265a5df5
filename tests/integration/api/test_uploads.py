"""Uploads: raw and by form, checked, bounded, private, and never in memory."""

from __future__ import annotations

import hashlib
import io
import random
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from api.app import create_app
from tests.integration.api.conftest import JOB, MP4, Visitor


def files_below(folder: str) -> list[str]:
    return sorted(each.name for each in Path(folder, "uploads").glob("**/*") if each.is_file())


def as_form(*parts: tuple[str, str, bytes], boundary: str = "XyZ") -> tuple[bytes, str]:
    body = b""
    for name, filename, content in parts:
        extra = f'; filename="{filename}"' if filename else ""
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'
        body += head.encode() + content + b"\r\n"
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def test_a_raw_body_is_stored_as_it_came(ann: Visitor, services, small_clip: Path):
    # Given a real clip
    content = small_clip.read_bytes()
    # When it is sent as the body
    reply = ann.upload(content, "my%20clip.mp4")
    # Then the store holds these bytes, and the answer says what they are
    body = reply.get_json()
    assert reply.status_code == 201
    assert (body["size"], body["kind"], body["filename"]) == (len(content), "video", "my clip.mp4")
    assert body["sha256"] == hashlib.sha256(content).hexdigest()
    assert b"".join(services.files.open_range(f"uploads/{body['id']}")) == content
    assert ann.get(f"/v1/uploads/{body['id']}").get_json()["sha256"] == body["sha256"]


def test_a_form_is_stored_like_a_raw_body(ann: Visitor, services):
    # Given content that looks like boundaries and line ends, in a form with fields around it
    content = MP4 + random.Random(1).randbytes(700_000) + b"\r\n--XyY-not\r\nXyZ\r\n\r"
    body, kind = as_form(("title", "", b"x"), ("file", "a.mp4", content), ("more", "", b"y"))
    # When it is uploaded
    reply = ann.post("/v1/uploads", data=body, content_type=kind)
    # Then the file part alone is stored, byte for byte
    found = reply.get_json()
    assert reply.status_code == 201, found
    assert found["filename"] == "a.mp4"
    assert b"".join(services.files.open_range(f"uploads/{found['id']}")) == content


def test_the_name_may_come_in_a_header(ann: Visitor):
    headers = {"Content-Disposition": 'attachment; filename="..\\\\evil/na<me.mp4"'}
    reply = ann.post("/v1/uploads", data=MP4, headers=headers)
    assert reply.get_json()["filename"] == "name.mp4"


def test_a_lying_name_is_refused_before_the_rest_is_read(ann: Visitor, settings):
    # Given a text of 1.9 MB that says it is a video
    body = io.BytesIO(b"just some words\n" * 120_000)
    # When it is uploaded
    reply = ann.post(
        "/v1/uploads?filename=clip.mp4",
        input_stream=body,
        headers={"Content-Length": str(len(body.getvalue()))},
    )
    # Then it is refused, the formats are named, little was read and nothing kept
    found = reply.get_json()
    assert (reply.status_code, found["code"]) == (422, "unsupported_file")
    assert "mp4, mov, avi" in found["hint"]
    assert body.tell() <= 300_000
    assert files_below(settings.files) == []


@pytest.mark.rule("P-045")
@pytest.mark.parametrize("chunked", [False, True])
def test_a_file_over_the_limit_leaves_nothing(ann: Visitor, settings, chunked: bool):
    # Given a file one byte over the limit, with its length given or not
    body = MP4 + bytes(2_000_001 - len(MP4))
    options = {"data": body}
    if chunked:
        environ = {"wsgi.input_terminated": True}
        options = {"input_stream": io.BytesIO(body), "environ_overrides": environ}
    # When it is uploaded
    reply = ann.post("/v1/uploads?filename=clip.mp4", **options)
    # Then it is too large, with a hint how to make it smaller
    found = reply.get_json()
    assert (reply.status_code, found["code"]) == (413, "file_too_large")
    assert "ffmpeg" in found["hint"]
    assert files_below(settings.files) == []


def test_a_file_of_exactly_the_limit_is_taken_in_a_form_too(ann: Visitor):
    body, kind = as_form(("file", "a.mp4", MP4 + bytes(2_000_000 - len(MP4))))
    reply = ann.post("/v1/uploads", data=body, content_type=kind)
    assert reply.status_code == 201
    assert reply.get_json()["size"] == 2_000_000


def test_a_body_that_breaks_off_leaves_nothing(ann: Visitor, settings):
    # Given a client that promises more than it sends, and a server that ends the body quietly
    reply = ann.post(
        "/v1/uploads?filename=clip.mp4",
        input_stream=io.BytesIO(MP4 + bytes(400_000)),
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": "900000"},
    )
    # Then half a clip is not taken for a whole one
    assert (reply.status_code, reply.get_json()["code"]) == (400, "malformed_request")
    assert files_below(settings.files) == []


@pytest.mark.parametrize(
    ("parts", "status", "pointer"),
    [
        ([("title", "", b"x")], 422, "#/file"),
        ([("file", "a.mp4", MP4), ("file", "b.mp4", MP4)], 422, "#/file"),
        ([("file", "a.mp4", b"")], 422, "#"),
    ],
    ids=["no file", "two files", "an empty file"],
)
def test_a_form_must_hold_one_file(ann: Visitor, settings, parts, status: int, pointer: str):
    body, kind = as_form(*parts)
    reply = ann.post("/v1/uploads", data=body, content_type=kind)
    assert reply.status_code == status
    assert [each["pointer"] for each in reply.get_json()["errors"]] == [pointer]
    assert files_below(settings.files) == []


@pytest.mark.parametrize(
    ("change", "boundary"),
    [
        (lambda body: body[:-30], "; boundary=XyZ"),
        (lambda body: body, ""),
        (lambda body: body, "; boundary=other"),
        (lambda _: b"--XyZ\r\n" + b"X" * 1_500_000, "; boundary=XyZ"),
        (lambda body: as_form(("a", "", bytes(100_000)))[0][:-10] + body, "; boundary=XyZ"),
    ],
    ids=["cut off", "no boundary", "another boundary", "endless headers", "a huge field"],
)
def test_a_form_that_cannot_be_read(ann: Visitor, settings, change, boundary: str):
    body = change(as_form(("file", "a.mp4", MP4))[0])
    reply = ann.post("/v1/uploads", data=body, content_type=f"multipart/form-data{boundary}")
    assert reply.status_code == 400
    assert reply.get_json()["code"] == "malformed_request"
    assert files_below(settings.files) == []


def test_an_empty_body_is_no_file(ann: Visitor):
    assert ann.upload(b"").status_code == 422


def test_another_tenant_sees_no_upload(ann: Visitor, bob: Visitor):
    upload_id = ann.upload().get_json()["id"]
    assert bob.get(f"/v1/uploads/{upload_id}").status_code == 404
    assert bob.delete(f"/v1/uploads/{upload_id}").status_code == 404
    assert ann.get(f"/v1/uploads/{upload_id}").status_code == 200


def test_a_deleted_upload_is_gone_with_its_file(ann: Visitor, settings):
    upload_id = ann.upload().get_json()["id"]
    assert files_below(settings.files) == [upload_id]
    assert ann.delete(f"/v1/uploads/{upload_id}").status_code == 204
    assert files_below(settings.files) == []
    assert ann.get(f"/v1/uploads/{upload_id}").status_code == 404
    reply = ann.post("/v1/jobs", json={**JOB, "clips": [{"upload_id": upload_id}]})
    assert (reply.status_code, reply.get_json()["code"]) == (422, "upload_missing")


def test_an_upload_that_a_job_uses_stays(ann: Visitor, settings):
    # Given an upload and a job that uses it
    upload_id = ann.upload().get_json()["id"]
    assert ann.get(f"/v1/uploads/{upload_id}").get_json()["expires_at"]
    job = ann.post("/v1/jobs", json={**JOB, "clips": [{"upload_id": upload_id}]})
    assert job.status_code == 202
    # When it is deleted
    reply = ann.delete(f"/v1/uploads/{upload_id}")
    # Then it stays, and has no end of its own any more
    assert reply.status_code == 409
    assert files_below(settings.files) == [upload_id]
    assert ann.get(f"/v1/uploads/{upload_id}").get_json()["expires_at"] is None


def test_without_redis_no_file_is_left(ann: Visitor, settings, redis_client: redis.Redis):
    # Given a Redis that takes no writes
    ann.get("/v1/limits")
    redis_client.config_set("maxmemory", "1")
    try:
        reply = ann.upload()
    finally:
        redis_client.config_set("maxmemory", "0")
    # Then the upload fails, can be tried again, and leaves no file behind
    assert reply.status_code == 503
    assert files_below(settings.files) == []


class Endless(io.RawIOBase):
    """A body of a given size that is made while it is read."""

    def __init__(self, size: int) -> None:
        self.left, self.first = size, True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        count = min(len(buffer), self.left)
        if self.first:
            buffer[: len(MP4)], self.first = MP4, False
        self.left -= count
        return count

    def tell(self) -> int:
        return 0

    def seek(self, *_: int) -> int:
        return 0


@pytest.mark.parametrize("size", [2_000_000, 200_000_000])
def test_memory_does_not_grow_with_the_file(new_visitor, services, size: int):
    # Given an API that takes large files
    roomy = replace(services, settings=replace(services.settings, upload_max_bytes=10**9))
    visitor = replace(new_visitor("cleo"), client=create_app(roomy).test_client())
    visitor.get("/v1/limits")
    visitor.upload()
    # When a large one is sent
    tracemalloc.start()
    reply = visitor.post(
        "/v1/uploads?filename=a.mp4",
        input_stream=Endless(size),
        environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": str(size)},
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Then no more than a few pieces of it were in memory at any time
    assert reply.status_code == 201
    assert reply.get_json()["size"] == size
    assert peak < 4_000_000
