"""Assignments and videos over the API: the same as the pure function, for services and viewers."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from api.app import create_app
from service.experiments.assign import hash_unit
from service.jobs.context import Services
from service.unit_tokens import Stage, read_unit_token
from tests.integration.api.audience import (
    SHOP,
    Audience,
    an_audience,
    an_experiment_of,
    put_video,
)
from tests.integration.api.conftest import JOB, Visitor

UNITS = [
    "viewer-1",
    "a b/c?d&e=f#g",
    "观众一号",
    "🎬",
    "👩\u200d💻 与 🇨🇳",
    "é",
    "\x00\t",
    "x" * 200,
]
VECTORS = Path(__file__).resolve().parents[2] / "fixtures" / "statistics" / "assignments.json"


@pytest.fixture
def audience(ann: Visitor, services: Services, redis_client: redis.Redis) -> Audience:
    return an_audience(ann, services, redis_client)


@pytest.mark.parametrize("unit_id", UNITS)
def test_an_assignment_is_what_the_pure_function_says(audience: Audience, unit_id: str):
    # When a service and a browser ask about the same viewer
    query = {"unit_id": unit_id}
    told = audience.owner.get(f"{audience.base}/assignment", query_string=query).get_json()
    shown = audience.assign(unit_id)
    # Then both get what is computed without us
    place = audience.place_of(unit_id)
    assert told["unit_id"] == unit_id
    assert told["variant"] == "AB"[place]
    assert (told["in_experiment"], told["override"]) == (True, False)
    assert told["hash"] == hash_unit(audience.plan.seed, unit_id)
    assert {name: shown[name] for name in told if name != "video"} == {
        name: value for name, value in told.items() if name != "video"
    }
    # And the browser a token that tells the variant, and what is measured
    found = audience.services.plans.read(audience.job_id)
    stage = Stage(audience.job_id, found.digest, ("A", "B"))
    assert read_unit_token("a pepper", stage, unit_id, shown["token"]) == place
    assert "token" not in told
    assert shown["video_lives_s"] == 450
    assert shown["metrics"]["watch"] == {"kind": "ratio", "most": 3000}


def test_a_thousand_are_told_in_one_request(audience: Audience):
    units = [*UNITS, *(f"unit-{n}" for n in range(1000 - len(UNITS)))]
    reply = audience.owner.post(f"{audience.base}/assignments", json={"unit_ids": units})
    told = reply.get_json()["data"]
    assert [each["unit_id"] for each in told] == units
    assert [each["variant"] for each in told] == ["AB"[audience.place_of(each)] for each in units]
    counts = Counter(each["variant"] for each in told)
    assert min(counts.values()) > 400
    # And one more is refused, as is nobody
    for wrong in ([*units, "one more"], [], [""], ["x" * 201], ["\ud83c"], [7]):
        body = {"unit_ids": wrong}
        assert audience.owner.post(f"{audience.base}/assignments", json=body).status_code == 422


def test_the_api_says_what_growthbooks_sdk_says(
    ann: Visitor, services: Services, redis_client: redis.Redis
):
    # Given the committed answers of the SDK for plans as ours can be, halves of characters left out
    cases = json.loads(VECTORS.read_text("utf-8"))["cases"]
    ours = [each for each in cases if each["namespace"] is None and sum(each["weights"]) < 1.1]
    assert len(ours) >= 6
    seen = 0
    for case in ours:
        variants = [
            {"label": "ABCDEFGH"[at], "weight": weight} for at, weight in enumerate(case["weights"])
        ]
        job_id = ann.post("/v1/jobs", json={**JOB, "variants": [{} for _ in variants]}).json["id"]
        for each in variants:
            put_video(services, redis_client, job_id, each["label"], content=b"video")
        redis_client.hset(f"cab:job:{job_id}", "status", "succeeded")
        plan = {"seed": case["seed"], "variants": variants, "coverage": case["coverage"]}
        an_experiment_of(services, job_id, **plan)
        pairs = [
            (unit, None if place < 0 else "ABCDEFGH"[place])
            for unit, place in zip(case["units"], case["answer"], strict=True)
            if isinstance(unit, str)
        ]
        # When all of its units are asked for
        body = {"unit_ids": [unit for unit, _ in pairs]}
        told = ann.post(f"/v1/jobs/{job_id}/assignments", json=body).get_json()["data"]
        # Then none is elsewhere
        assert [each["variant"] for each in told] == [place for _, place in pairs]
        seen += len(pairs)
    assert seen > 350


def test_who_takes_no_part_is_told_so(ann, services, redis_client):
    audience = an_audience(ann, services, redis_client, coverage=0.5)
    (outside,), (inside,) = audience.units_in(None), audience.units_in("A")
    told = audience.assign(outside)
    assert (told["variant"], told["in_experiment"], told["video"], told["token"]) == (
        None, False, None, None,
    )  # fmt: skip
    reply = audience.ask("/play", query_string={"unit_id": outside})
    assert (reply.status_code, reply.get_json()["code"]) == (404, "not_in_experiment")
    assert "without it" in reply.get_json()["hint"]
    assert audience.assign(inside)["variant"] == "A"


def test_an_override_is_seen_and_never_counted(ann, services, redis_client):
    audience = an_audience(ann, services, redis_client, coverage=0.0, overrides={"me 🎬": "B"})
    told = audience.assign("me 🎬")
    assert (told["variant"], told["in_experiment"], told["override"]) == ("B", True, True)
    assert told["token"] is None
    assert audience.ask("/play", query_string={"unit_id": "me 🎬"}).status_code == 302


def test_an_assignment_may_be_kept_by_caches(audience: Audience):
    reply = audience.ask("/assignment", query_string={"unit_id": "viewer-1"})
    assert reply.headers["Cache-Control"] == "public, max-age=300"
    assert "Origin" in reply.headers["Vary"]
    again = {"If-None-Match": reply.headers["ETag"]}
    assert audience.ask("/assignment?unit_id=viewer-1", headers=again).status_code == 304
    # A service's own answer is nobody else's
    told = audience.owner.get(f"{audience.base}/assignment?unit_id=viewer-1")
    assert told.headers["Cache-Control"] == "private, no-cache"


def test_nothing_is_written_and_seldom_anything_read(
    audience: Audience, services: Services, redis_client: redis.Redis
):
    # Given a process that has been asked about this experiment a moment ago
    lasting = replace(services.settings, key_cache_s=600.0)
    fresh = create_app(replace(services, settings=lasting)).test_client()
    audience.owner = replace(audience.owner, client=fresh)
    audience.assign("viewer-0")
    before = redis_client.info("commandstats")
    for n in range(50):
        audience.assign(f"viewer-{n}")
        audience.ask("/play", query_string={"unit_id": f"viewer-{n}"})
    after = redis_client.info("commandstats")
    grown = {
        name.removeprefix("cmdstat_"): after[name]["calls"]
        - before.get(name, {"calls": 0})["calls"]
        for name in after
    }
    # Then it asks Redis nothing but the time, and adds requests up with other processes
    usual = {"info", "time", "incrby", "expire", "hello", "client|setinfo", "client|setname"}
    assert {name for name, calls in grown.items() if calls} <= usual
    assert grown.get("incrby", 0) < 30


@pytest.mark.parametrize("path", ["/assignment", "/play"])
@pytest.mark.parametrize("query", ["", "unit_id=", "unit_id=" + "x" * 201, "unit_id=a&other=b"])
def test_what_cannot_be_asked(audience: Audience, path: str, query: str):
    assert audience.ask(f"{path}?{query}").status_code == 422


def test_before_it_begins_nobody_sees_it(
    ann: Visitor, services: Services, redis_client: redis.Redis
):
    # Given a job that has just begun, then with a plan, then with its videos
    job_id = ann.post("/v1/jobs", json={**JOB, "variants": [{}, {}]}).get_json()["id"]
    ask = f"/v1/jobs/{job_id}/assignment?unit_id=viewer-1"
    assert ann.get(ask).status_code == 404
    an_experiment_of(services, job_id)
    waiting = ann.get(ask)
    assert (waiting.status_code, waiting.get_json()["code"]) == (409, "conflict")
    assert ann.get(ask.replace("assignment", "play")).status_code == 409
    for label in "AB":
        put_video(services, redis_client, job_id, label)
    redis_client.hset(f"cab:job:{job_id}", "status", "succeeded")
    an_experiment_of(services, job_id)
    # Then it is shown soon
    fresh = replace(ann, client=create_app(services).test_client())
    assert fresh.get(ask).status_code == 200


def test_what_others_divide_we_do_not_assign(ann, services, redis_client):
    plan = {"allocation": "observational"}
    audience = an_audience(ann, services, redis_client, key=False, **plan)
    reply = ann.get(f"{audience.base}/assignment?unit_id=viewer-1")
    assert (reply.status_code, "observational" in reply.get_json()["detail"]) == (409, True)
    key = ann.post(f"{audience.base}/experiment/keys", json={"origins": [SHOP]})
    assert key.status_code == 409


@pytest.mark.parametrize("path", ["/assignment", "/play"])
def test_a_cache_that_is_shared_keeps_answers_of_different_keys_apart(
    audience: Audience, path: str
):
    # Given an answer that caches may keep, to a browser that showed its key in a header
    query = {"unit_id": audience.units_in("A")[0]}
    reply = audience.ask(path, query_string=query)
    assert reply.headers["Cache-Control"].startswith("public")
    # Then it is not for whoever asks the same address with another key, or from another page.
    assert {each.lower() for each in reply.vary} == {"origin", "authorization"}
