"""tus 1.0 over HTTP: discovery, creation, offsets, refusals, removal."""

from __future__ import annotations

import hashlib
import io
import itertools

import pytest

from tests.integration.api.conftest import JOB, MP4, Visitor
from tests.integration.api.tus import (
    ADDRESS,
    BYTES,
    CONTENT,
    TUS,
    begin,
    files_of,
    named,
    offset_of,
    send,
    upload_id,
)


def test_a_file_in_three_pieces_is_an_upload_like_any_other(ann: Visitor, services):
    # Given an upload that was begun
    path = begin(ann)
    # When it comes in pieces, each where the one before has ended
    for start, end in ((0, 10), (10, 5000), (5000, len(CONTENT))):
        assert offset_of(ann, path) == start
        reply = send(ann, path, start, CONTENT[start:end])
        assert (reply.status_code, reply.headers["Upload-Offset"]) == (204, str(end))
        assert reply.headers["Upload-Expires"].endswith(" GMT")
    # Then it is found, hashed and used as if it had come at once, and no part is left
    found = ann.get(f"/v1/uploads/{upload_id(path)}").get_json()
    assert found["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert (found["size"], found["kind"], found["filename"]) == (len(CONTENT), "video", "clip.mp4")
    assert found["expires_at"]
    assert b"".join(services.files.open_range(f"uploads/{found['id']}")) == CONTENT
    assert files_of(services, "parts") == []
    assert offset_of(ann, path) == len(CONTENT)
    job = ann.post("/v1/jobs", json={**JOB, "clips": [{"upload_id": found["id"]}]})
    assert job.status_code == 202


def test_the_first_bytes_may_come_with_the_creation(ann: Visitor):
    headers = {**BYTES, "Upload-Length": str(len(CONTENT)), **named("a.mp4")}
    reply = ann.post(ADDRESS, headers=headers, data=CONTENT[:4000])
    assert (reply.status_code, reply.headers["Upload-Offset"]) == (201, "4000")
    whole = ann.post(ADDRESS, headers=headers, data=CONTENT)
    assert whole.headers["Upload-Offset"] == str(len(CONTENT))
    assert ann.get(f"/v1/uploads/{upload_id(whole.headers['Location'])}").status_code == 200


def test_an_upload_on_its_way_is_no_upload_yet(ann: Visitor):
    path = begin(ann)
    send(ann, path, 0, CONTENT[:5000])
    assert ann.get(f"/v1/uploads/{upload_id(path)}").status_code == 404
    job = ann.post("/v1/jobs", json={**JOB, "clips": [{"upload_id": upload_id(path)}]})
    assert job.status_code == 422


def test_discovery_needs_no_key_and_nothing_else_does_without(ann: Visitor):
    reply = ann.client.open(ADDRESS, method="OPTIONS")
    assert reply.status_code == 204
    assert reply.headers["Tus-Version"] == reply.headers["Tus-Resumable"] == "1.0.0"
    extensions = reply.headers["Tus-Extension"]
    assert extensions == "creation,creation-with-upload,termination,expiration"
    assert reply.headers["Tus-Max-Size"] == "2000000"
    path = begin(ann)
    for method, where in (
        ("POST", ADDRESS),
        ("HEAD", path),
        ("PATCH", path),
        ("DELETE", path),
        ("POST", path),
        ("OPTIONS", path),
    ):
        assert ann.client.open(where, method=method, headers=TUS).status_code == 401


@pytest.mark.parametrize("version", [None, "0.2.2", "2.0.0"])
@pytest.mark.parametrize("method", ["POST", "HEAD", "PATCH", "DELETE"])
def test_another_version_is_refused_and_changes_nothing(ann: Visitor, method: str, version):
    path = begin(ann)
    headers = {**BYTES, "Upload-Offset": "0", "Upload-Length": "5"}
    headers.pop("Tus-Resumable")
    headers |= {"Tus-Resumable": version} if version else {}
    reply = ann.open(ADDRESS if method == "POST" else path, method, headers=headers)
    assert (reply.status_code, reply.headers["Tus-Version"]) == (412, "1.0.0")
    assert offset_of(ann, path) == 0


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"Upload-Length": "0"}, 422, "invalid_request"),
        ({"Upload-Length": "many"}, 422, "invalid_request"),
        ({"Upload-Length": "-1"}, 422, "invalid_request"),
        ({"Upload-Length": None}, 422, "invalid_request"),
        ({"Upload-Length": "2000001"}, 413, "file_too_large"),
        ({"Upload-Metadata": "filename ???"}, 422, "invalid_request"),
        ({"Upload-Metadata": "filename /w=="}, 422, "invalid_request"),
        ({"Upload-Concat": "partial"}, 422, "invalid_request"),
        ({"Upload-Defer-Length": "1"}, 422, "invalid_request"),
    ],
)
def test_a_beginning_that_cannot_be_kept_is_refused(
    ann: Visitor, services, change: dict[str, str | None], status: int, code: str
):
    headers = {**TUS, "Upload-Length": "10", **change}
    reply = ann.post(ADDRESS, headers={k: v for k, v in headers.items() if v is not None})
    assert (reply.status_code, reply.get_json()["code"]) == (status, code)
    assert services.connection.client.keys("cab:arrival:*") == []


@pytest.mark.parametrize("offset", [0, len(CONTENT)])
def test_a_finished_upload_takes_no_more(ann: Visitor, offset: int):
    path = begin(ann)
    send(ann, path, 0, CONTENT)
    assert send(ann, path, offset, CONTENT[:5]).status_code == 409
    assert offset_of(ann, path) == len(CONTENT)


@pytest.mark.parametrize("offset", [0, 4999, 5001, 10**9])
def test_a_wrong_offset_changes_nothing(ann: Visitor, offset: int):
    path = begin(ann)
    send(ann, path, 0, CONTENT[:5000])
    reply = send(ann, path, offset, b"")
    assert (reply.status_code, reply.get_json()["code"]) == (409, "upload_offset")
    assert "5000" in reply.get_json()["detail"]
    assert offset_of(ann, path) == 5000


def test_another_content_type_is_refused(ann: Visitor):
    path = begin(ann)
    headers = {**TUS, "Upload-Offset": "0", "Content-Type": "video/mp4"}
    assert ann.open(path, "PATCH", headers=headers, data=CONTENT).status_code == 415
    assert offset_of(ann, path) == 0


@pytest.mark.parametrize("pieces", [(0, 200), (0, 1, 63, 64, 200), (0, 10, 200)])
def test_what_is_no_media_is_refused_with_its_first_bytes(ann: Visitor, services, pieces):
    # Given 2 MB that are called a video
    path = begin(ann, 2_000_000)
    # When its first bytes come, in however small pieces
    text = b"just some words\n" * 20
    replies = [send(ann, path, at, text[at:end]) for at, end in itertools.pairwise(pieces)]
    # Then the piece that brings enough to see it is refused, and nothing is kept
    refused = next(each for each in replies if each.status_code != 204)
    assert (refused.status_code, refused.get_json()["code"]) == (422, "unsupported_file")
    assert ann.open(path, "HEAD", headers=TUS).status_code == 404
    assert files_of(services, "parts") == []


def test_a_tiny_text_is_refused_with_its_last_byte(ann: Visitor, services):
    path = begin(ann, 5)
    assert send(ann, path, 0, b"word").status_code == 204
    assert send(ann, path, 4, b"s").status_code == 422
    assert ann.open(path, "HEAD", headers=TUS).status_code == 404
    assert files_of(services, "parts") == files_of(services, "uploads") == []


@pytest.mark.parametrize("chunked", [False, True])
def test_more_bytes_than_announced_are_refused(ann: Visitor, services, chunked: bool):
    # Given an upload that was announced with less than comes, its length told or not
    path = begin(ann, len(MP4))
    options = {"data": CONTENT}
    if chunked:
        environ = {"wsgi.input_terminated": True}
        options = {"input_stream": io.BytesIO(CONTENT), "environ_overrides": environ}
    headers = {**BYTES, "Upload-Offset": "0"}
    # When it comes, then it is too large, and no file of it is made
    reply = ann.open(path, "PATCH", headers=headers, **options)
    assert (reply.status_code, reply.get_json()["code"]) == (413, "file_too_large")
    assert files_of(services, "uploads") == []
    # and it may still come as it was announced.
    assert send(ann, path, offset_of(ann, path), MP4).status_code == 204


def test_another_tenant_finds_no_upload(ann: Visitor, bob: Visitor):
    path = begin(ann)
    send(ann, path, 0, CONTENT[:5000])
    unknown = f"{ADDRESS}/upl_{'0' * 26}"
    for method in ("HEAD", "PATCH", "DELETE"):
        headers = {**BYTES, "Upload-Offset": "5000"}
        replies = [bob.open(each, method, headers=headers) for each in (path, unknown)]
        assert [each.status_code for each in replies] == [404, 404]
        if method != "HEAD":
            words = [each.get_json()["detail"] for each in replies]
            assert words[0].replace(upload_id(path), "") == words[1].replace(unknown[-30:], "")
    assert offset_of(ann, path) == 5000
    send(ann, path, 5000, CONTENT[5000:])
    assert bob.open(path, "HEAD", headers=TUS).status_code == 404
    assert bob.delete(path, headers=TUS).status_code == 404


@pytest.mark.parametrize("path", ["no-id", "upl_1", "job_" + "0" * 26])
def test_an_address_that_names_no_upload(ann: Visitor, path: str):
    assert ann.open(f"{ADDRESS}/{path}", "HEAD", headers=TUS).status_code == 404


@pytest.mark.parametrize("sent", [0, 5000, len(CONTENT)])
def test_a_removed_upload_is_gone_with_its_parts(ann: Visitor, services, sent: int):
    path = begin(ann)
    send(ann, path, 0, CONTENT[:sent])
    assert ann.delete(path, headers=TUS).status_code == 204
    assert ann.open(path, "HEAD", headers=TUS).status_code == 404
    assert files_of(services, "parts") == files_of(services, "uploads") == []
    assert services.connection.client.keys(f"cab:*{upload_id(path)}*") == []


def test_an_upload_in_use_stays(ann: Visitor):
    path = begin(ann)
    send(ann, path, 0, CONTENT)
    ann.post("/v1/jobs", json={**JOB, "clips": [{"upload_id": upload_id(path)}]})
    assert ann.delete(path, headers=TUS).status_code == 409


def test_clients_that_cannot_patch_may_post(ann: Visitor):
    path = begin(ann)
    headers = {**BYTES, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert ann.post(path, headers=headers, data=CONTENT[:5000]).status_code == 204
    reply = ann.post(path, headers={**TUS, "X-HTTP-Method-Override": "HEAD"})
    assert reply.headers["Upload-Offset"] == "5000"
    assert ann.post(path, headers={**TUS, "X-HTTP-Method-Override": "GET"}).status_code == 422
    assert ann.post(path, headers={**TUS, "X-HTTP-Method-Override": "DELETE"}).status_code == 204


def test_a_plain_upload_is_told_as_finished(ann: Visitor):
    found = ann.upload().get_json()
    assert offset_of(ann, f"{ADDRESS}/{found['id']}") == found["size"]


@pytest.mark.parametrize("method", ["OPTIONS", "POST", "HEAD", "PATCH", "DELETE"])
def test_an_unknown_parameter_is_refused(ann: Visitor, method: str):
    path = begin(ann)
    where = ADDRESS if method in {"OPTIONS", "POST"} else path
    headers = {**BYTES, "Upload-Offset": "0", "Upload-Length": "10"}
    assert ann.open(f"{where}?x=1", method, headers=headers).status_code == 422
    assert offset_of(ann, path) == 0


def test_the_document_says_which_routes_there_are_and_that_one_is_open(ann: Visitor):
    paths = ann.client.get("/openapi.json").get_json()["paths"]
    assert set(paths[ADDRESS]) == {"options", "post"}
    assert set(paths[f"{ADDRESS}/{{upload_id}}"]) >= {"head", "patch", "delete", "post"}
    assert paths[ADDRESS]["options"]["security"] == []
    sent = paths[f"{ADDRESS}/{{upload_id}}"]["patch"]["requestBody"]["content"]
    assert list(sent) == [BYTES["Content-Type"]]
