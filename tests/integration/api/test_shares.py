"""Share links over the API: made, listed, revoked; audited; and in no log."""

from __future__ import annotations

from dataclasses import replace

import pytest
import redis
from flask import Flask

from api.app import create_app
from service.audit import Act, read_entries
from service.jobs.context import Services
from service.shares import MOST_SHARES
from tests.integration.api.conftest import JOB, Visitor
from tests.integration.api.looks import (
    SITE,
    a_compared_job,
    browser,
    lines_of,
    share,
    token_of,
    with_token,
)

DAY_S = 86_400


@pytest.fixture
def job(ann: Visitor) -> str:
    return ann.post("/v1/jobs", json=JOB).get_json()["id"]


def test_a_link_is_shown_once(app: Flask, ann: Visitor, services: Services, job: str):
    made = share(ann, job)
    assert made["url"].startswith(f"{SITE}/jobs/{job}?share=shr_")
    assert browser(app).get(made["url"].removeprefix(SITE)).status_code == 200
    # Then it is listed without its address, and the store does not hold it either
    (listed,) = ann.get(f"/v1/jobs/{job}/shares").get_json()["data"]
    assert listed == {name: value for name, value in made.items() if name != "url"}
    kept = services.connection.client.hgetall(f"cab:job:{job}:shares")
    assert token_of(made).rpartition(".")[2] not in str(kept)


def test_a_repetition_with_its_key_is_the_same_link(ann: Visitor, job: str):
    path, headers = f"/v1/jobs/{job}/shares", {"Idempotency-Key": "one"}
    first = ann.post(path, json={}, headers=headers)
    again = ann.post(path, json={}, headers=headers)
    assert again.get_json() == first.get_json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(ann.get(path).get_json()["data"]) == 1


@pytest.mark.parametrize(
    ("wish", "life_s"),
    [
        ({}, 7 * DAY_S),
        ({"expires_in_s": 60}, 60),
        ({"expires_in_s": 90 * DAY_S}, 90 * DAY_S),
    ],
)
def test_how_long_a_link_lives(ann: Visitor, services: Services, job: str, wish, life_s: int):
    before = services.clock.now_ms()
    made = share(ann, job, **wish)
    kept = services.connection.client.hget(f"cab:job:{job}:shares", made["id"])
    created, expires = (int(each) for each in kept.split("|")[:2])
    assert expires - created == life_s * 1000
    assert before <= created <= services.clock.now_ms()


@pytest.mark.parametrize(
    "wish",
    [{"expires_in_s": 59}, {"expires_in_s": 90 * DAY_S + 1}, {"expires_in_s": "60"},
     {"expires_in_s": None}, {"preferences": 1}, {"other": 1}],
)  # fmt: skip
def test_what_cannot_be_is_refused(ann: Visitor, job: str, wish):
    assert ann.post(f"/v1/jobs/{job}/shares", json=wish).status_code == 422


def test_an_installation_may_allow_less(ann: Visitor, services: Services, job: str):
    strict = replace(services, settings=replace(services.settings, share_max_s=3600.0))
    hers = replace(ann, client=create_app(strict).test_client())
    reply = hers.post(f"/v1/jobs/{job}/shares", json={"expires_in_s": 3601})
    assert "3600" in reply.get_json()["errors"][0]["detail"]
    assert hers.post(f"/v1/jobs/{job}/shares", json={}).status_code == 201


def test_a_revoked_link_opens_nothing_at_once(app: Flask, ann: Visitor, job: str):
    made, other = share(ann, job), share(ann, job)
    assert ann.delete(f"/v1/jobs/{job}/shares/{made['id']}").status_code == 204
    assert browser(app).get(made["url"].removeprefix(SITE)).status_code == 404
    assert browser(app).get(other["url"].removeprefix(SITE)).status_code == 200
    # Again changes nothing, and both are listed as they are
    assert ann.delete(f"/v1/jobs/{job}/shares/{made['id']}").status_code == 204
    found = {each["id"]: each for each in ann.get(f"/v1/jobs/{job}/shares").get_json()["data"]}
    assert (found[made["id"]]["status"], found[other["id"]]["status"]) == ("revoked", "active")
    assert found[made["id"]]["revoked_at"]


@pytest.mark.parametrize("share_id", ["x", "shr_00000000000000000000000000"])
def test_a_link_that_never_was_cannot_be_revoked(ann: Visitor, job: str, share_id: str):
    assert ann.delete(f"/v1/jobs/{job}/shares/{share_id}").status_code == 404


def test_there_is_a_limit_and_an_ended_link_makes_room(
    ann: Visitor, redis_client: redis.Redis, job: str
):
    made = [share(ann, job)["id"] for _ in range(MOST_SHARES)]
    reply = ann.post(f"/v1/jobs/{job}/shares", json={})
    assert (reply.status_code, reply.get_json()["code"]) == (429, "quota_exceeded")
    ann.delete(f"/v1/jobs/{job}/shares/{made[3]}")
    share(ann, job)
    assert not redis_client.hexists(f"cab:job:{job}:shares", made[3])
    assert redis_client.hlen(f"cab:job:{job}:shares") == MOST_SHARES


def test_who_made_and_who_revoked_a_link_is_in_the_audit_log(
    ann: Visitor, services: Services, job: str
):
    made = share(ann, job)
    for _ in range(2):
        ann.delete(f"/v1/jobs/{job}/shares/{made['id']}")
    found = read_entries(services.connection, tenant_id=ann.tenant_id, before="", limit=9)
    assert [(each.act, each.object_id) for each in found] == [
        (Act.SHARE_REVOKED, made["id"]),
        (Act.SHARE_CREATED, made["id"]),
    ]
    assert {each.actor for each in found} == {made["made_by"]}


def test_no_log_holds_a_link_or_a_session(
    app: Flask, ann: Visitor, services: Services, redis_client: redis.Redis
):
    job = a_compared_job(ann, services, redis_client)
    with lines_of() as lines:
        token = token_of(share(ann, job, preferences=True))
        hers, someone = browser(app, ann), browser(app)
        for below in ("", "/state", "/video/A", "/nothing", "/video/A?x=1", "/report.json"):
            someone.get(with_token(f"/jobs/{job}{below}", token))
            someone.get(with_token(f"/jobs/{job}{below}", token + "x"))
            hers.get(f"/jobs/{job}{below}")
        someone.post(with_token(f"/jobs/{job}/preferences", token), {"preferred": "Z"})
        someone.post(with_token(f"/jobs/{job}/cancel", token))
        cookie = hers.client.get_cookie(
            "__Secure-caption_ab_session", domain="ab.example.com", path="/jobs"
        ).value
    text = "\n".join(lines)
    assert len(lines) > 15
    assert f"/jobs/{job}/state" in text
    for secret in (token, token.rpartition(".")[2], "share=", cookie, ann.key):
        assert secret not in text
    assert '"share": "shr_' in text  # which link was used may be told
