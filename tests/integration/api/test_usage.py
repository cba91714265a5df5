"""Usage by key and by tenant, and who may see it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.access import create_key
from service.model.scope import DEFAULT_SCOPES, Scope
from tests.integration.api.conftest import JOB, MP4, Visitor


def another_key(visitor: Visitor, services, *scopes: Scope) -> tuple[Visitor, str]:
    key, text = create_key(
        services.accounts,
        tenant_id=visitor.tenant_id,
        account_id="acc_anonymous",
        pepper=services.settings.key_pepper,
        now_ms=services.clock.now_ms(),
        scopes=scopes or DEFAULT_SCOPES,
    )
    return replace(visitor, key=text), key.id


@pytest.fixture
def admin(ann: Visitor, services) -> Visitor:
    return another_key(ann, services, Scope.ADMIN, Scope.JOBS_READ)[0]


def total(visitor: Visitor, query: str = "") -> dict[str, int]:
    body = visitor.get(f"/v1/usage{query}").get_json()
    assert body["total"] == {n: sum(d[n] for d in body["days"]) for n in body["total"]}
    return body["total"]


def test_a_key_sees_what_it_has_used(ann: Visitor, services):
    # Given a job and an upload with one key, and a job with another
    other, _ = another_key(ann, services)
    ann.upload()
    for visitor in (ann, other):
        assert visitor.post("/v1/jobs", json=JOB).status_code == 202
    # Then each sees its own
    assert total(ann) == {
        "jobs": 1, "cuts": 2, "messages": 0, "credits": 0, "uploads": 1, "upload_bytes": len(MP4)
    }  # fmt: skip
    assert total(other)["uploads"] == 0
    body = ann.get("/v1/usage?days=7").get_json()
    assert len(body["days"]) == 7
    assert body["held_credits"] == 100
    assert body["days"][0]["date"] > body["days"][1]["date"]


def test_a_replay_counts_nothing(ann: Visitor):
    for _ in range(3):
        ann.post("/v1/jobs", json=JOB, headers={"Idempotency-Key": "k"})
    assert total(ann)["jobs"] == 1


def test_a_refused_upload_counts_nothing(ann: Visitor):
    assert ann.upload(b"no video").status_code == 422
    assert total(ann)["uploads"] == 0


def test_an_admin_key_sees_all_of_its_tenant(ann: Visitor, bob: Visitor, admin, services):
    # Given jobs by two keys of Ann's, one of which is revoked, and one of Bob's
    other, key_id = another_key(ann, services)
    for visitor in (ann, other, bob):
        visitor.post("/v1/jobs", json=JOB)
    assert total(admin, f"?key_id={key_id}")["jobs"] == 1
    services.accounts.api_keys.revoke(key_id, now_ms=services.clock.now_ms())
    # Then the tenant's usage is the sum of its own
    assert total(admin, "?of=tenant")["jobs"] == 2


def test_nobody_sees_more_than_they_may(ann: Visitor, bob: Visitor, admin, services):
    _, key_id = another_key(ann, services)
    (theirs,) = services.accounts.api_keys.page(bob.tenant_id, before_ms=None, limit=9)
    assert ann.get("/v1/usage?of=tenant").status_code == 403
    assert ann.get(f"/v1/usage?key_id={key_id}").status_code == 403
    assert admin.get(f"/v1/usage?key_id={theirs.id}").status_code == 404
    assert admin.get("/v1/usage?key_id=key_" + "0" * 26).status_code == 404


def test_an_upload_in_pieces_counts_once_it_is_whole(ann: Visitor):
    # Given an upload in pieces of which nothing has come
    version = {"Tus-Resumable": "1.0.0"}
    begun = {"Upload-Length": str(len(MP4)), "Upload-Metadata": "filename Y2xpcC5tcDQ="}
    place = ann.post("/v1/uploads/tus", headers={**version, **begun}).headers["Location"]
    assert total(ann)["uploads"] == 0
    # When all of it comes
    piece = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    path = place.removeprefix("https://ab.example.com")
    assert ann.open(path, "PATCH", headers={**version, **piece}, data=MP4).status_code == 204
    # Then it is counted with its bytes
    assert (total(ann)["uploads"], total(ann)["upload_bytes"]) == (1, len(MP4))
