"""Publishable keys over the API: made, listed, revoked by the owner of an experiment."""

from __future__ import annotations

import pytest
import redis

from service.audit import Act, read_entries
from service.jobs.context import Services
from service.public_keys import MOST_KEYS, read_public_key
from tests.integration.api.audience import SHOP, Audience, an_audience, an_experiment_of
from tests.integration.api.conftest import JOB, Visitor


@pytest.fixture
def audience(ann: Visitor, services: Services, redis_client: redis.Redis) -> Audience:
    return an_audience(ann, services, redis_client, key=False)


def test_a_key_is_made_and_listed_with_its_text(audience: Audience):
    made = audience.new_key(SHOP.upper(), f"{SHOP}:443", "http://localhost:3000", name="商店")
    assert read_public_key(made["key"]) == made["id"]
    assert made["origins"] == [SHOP, "http://localhost:3000"]
    assert (made["status"], made["name"], made["job_id"]) == ("active", "商店", audience.job_id)
    other = audience.new_key()
    path = f"{audience.base}/experiment/keys"
    assert audience.owner.get(path).get_json() == {"data": [other, made]}


def test_a_repetition_with_its_idempotency_key_is_the_same(audience: Audience):
    path, headers = f"{audience.base}/experiment/keys", {"Idempotency-Key": "one"}
    sent = {"json": {"origins": [SHOP]}, "headers": headers}
    first, again = (audience.owner.post(path, **sent) for _ in range(2))
    assert first.get_json() == again.get_json()
    assert len(audience.owner.get(path).get_json()["data"]) == 1


@pytest.mark.parametrize(
    "body",
    [{}, {"origins": []}, {"origins": ["*"]}, {"origins": ["null"]}, {"origins": [f"{SHOP}/a"]},
     {"origins": [SHOP] * 21}, {"origins": SHOP}, {"origins": [SHOP], "name": "x" * 101},
     {"origins": [SHOP], "scopes": []}, {"origins": [7]}],
)  # fmt: skip
def test_what_cannot_be_is_refused(audience: Audience, body):
    reply = audience.owner.post(f"{audience.base}/experiment/keys", json=body)
    assert reply.status_code == 422


def test_a_plan_without_bounds_gets_no_key(ann, services, redis_client):
    # Given metrics whose values could be anything
    audience = an_audience(
        ann,
        services,
        redis_client,
        key=False,
        primary={"name": "clicks", "kind": "proportion"},
        secondary=[{"name": "watch", "kind": "ratio"}],
        guardrails=[{"name": "a", "kind": "mean", "most": 5}, {"name": "b", "kind": "mean"}],
    )
    reply = ann.post(f"{audience.base}/experiment/keys", json={"origins": [SHOP]})
    # Then each of them is named
    assert reply.status_code == 422
    named = [each["pointer"] for each in reply.get_json()["errors"]]
    assert named == ["plan:/secondary/0/most", "plan:/guardrails/1/most"]


def test_a_job_without_an_experiment_gets_no_key(ann: Visitor, services: Services):
    job_id = ann.post("/v1/jobs", json={**JOB, "variants": [{}, {}]}).get_json()["id"]
    path = f"/v1/jobs/{job_id}/experiment/keys"
    assert ann.post(path, json={"origins": [SHOP]}).status_code == 404
    # And one whose videos are still to come does
    an_experiment_of(services, job_id)
    assert ann.post(path, json={"origins": [SHOP]}).status_code == 201


def test_revoking_is_final_and_may_be_repeated(audience: Audience):
    made, other = audience.new_key(), audience.new_key()
    path = f"{audience.base}/experiment/keys"
    for _ in range(2):
        assert audience.owner.delete(f"{path}/{made['id']}").status_code == 204
    listed = {each["id"]: each for each in audience.owner.get(path).get_json()["data"]}
    assert listed[made["id"]]["status"] == "revoked"
    assert listed[made["id"]]["revoked_at"]
    assert listed[other["id"]]["status"] == "active"
    query = {"unit_id": "viewer-1"}
    assert audience.ask("/assignment", key=made["key"], query_string=query).status_code == 401
    assert audience.ask("/assignment", key=other["key"], query_string=query).status_code == 200
    for wrong in ("x", "pub_00000000000000000000000000"):
        assert audience.owner.delete(f"{path}/{wrong}").status_code == 404


def test_there_is_a_limit_and_a_revoked_key_makes_room(audience: Audience):
    made = [audience.new_key()["id"] for _ in range(MOST_KEYS)]
    path = f"{audience.base}/experiment/keys"
    reply = audience.owner.post(path, json={"origins": [SHOP]})
    assert (reply.status_code, reply.get_json()["code"]) == (429, "quota_exceeded")
    audience.owner.delete(f"{path}/{made[4]}")
    audience.new_key()
    left = [each["id"] for each in audience.owner.get(path).get_json()["data"]]
    assert len(left) == MOST_KEYS
    assert made[4] not in left


def test_who_made_and_who_revoked_a_key_is_in_the_audit_log(audience: Audience):
    made = audience.new_key()
    for _ in range(2):
        audience.owner.delete(f"{audience.base}/experiment/keys/{made['id']}")
    found = read_entries(
        audience.services.connection, tenant_id=audience.owner.tenant_id, before="", limit=9
    )
    assert [(each.act, each.object_id) for each in found] == [
        (Act.PUBLIC_KEY_REVOKED, made["id"]),
        (Act.PUBLIC_KEY_CREATED, made["id"]),
    ]
    assert {each.actor for each in found} == {made["made_by"]}
