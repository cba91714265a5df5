"""Experiments over HTTP: planned, sized, attached once, judged, and reproduced from a snapshot."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import redis

from service.experiments.ledger import plan_digest
from service.experiments.snapshot import canonical
from service.jobs.context import Services
from tests.conftest import ROOT
from tests.integration.api.conftest import JOB, Visitor
from tests.integration.api.viewers import PLAN, end_job, ended_job
from tests.outcomes import a_batch, an_outcome

ASSUME = {"value": 0.05, "units_per_day": 1000}
THREE = [{"style": {"preset": each}} for each in ("outline", "boxed", "karaoke")]


@pytest.fixture
def job_id(ann: Visitor, redis_client: redis.Redis) -> str:
    return ended_job(ann, redis_client)


@pytest.fixture
def running(ann: Visitor, job_id: str) -> str:
    assert ann.open(f"/v1/jobs/{job_id}/experiment", "PUT", json=PLAN).status_code == 201
    return job_id


def send(visitor: Visitor, job_id: str, *items):
    return visitor.post(f"/v1/jobs/{job_id}/outcomes", json={"outcomes": list(items)})


def let_b_win(visitor: Visitor, job_id: str) -> dict:
    """Enough viewers for a verdict."""
    batches = [
        a_batch(each, 10_000, each, per="viewer", metrics={"clicks": {"s": count}})
        for each, count in (("A", 500), ("B", 700))
    ]
    assert send(visitor, job_id, *batches).get_json()["accepted"] == 2
    return visitor.get(f"/v1/jobs/{job_id}/verdict").get_json()


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_job_gets_its_experiment_once(ann: Visitor, job_id: str, method: str):
    # Given an ended job, when a plan is given with nothing but what decides
    path = f"/v1/jobs/{job_id}/experiment"
    reply = ann.open(path, method, json={"primary": PLAN["primary"]})
    # Then it runs at once, and every default is told
    body = reply.get_json()
    assert (reply.status_code, body["status"]) == (201, "running")
    assert reply.headers["Location"] == body["links"]["self"]
    assert body["started_at"] is not None
    assert body["variants"] == [{"label": "A", "units": 0}, {"label": "B", "units": 0}]
    assert body["plan"]["seed"] == job_id
    assert [each["weight"] for each in body["plan"]["variants"]] == [0.5, 0.5]
    assert (body["plan"]["allocation"], body["plan"]["alpha"]) == ("randomized", 0.05)
    assert body["plan"]["primary"]["unit"] == "number"
    # And asking again, in either way, changes nothing
    for again in ("PUT", "POST"):
        same = ann.open(path, again, json={"primary": PLAN["primary"]})
        assert (same.status_code, same.get_json()) == (200, body)
    read = ann.get(path).get_json()
    assert read == {name: body[name] for name in read}


@pytest.mark.parametrize(
    "change",
    [
        {"variants": [{"label": "A", "weight": 0.6}, {"label": "B", "weight": 0.4}]},
        {"alpha": 0.1},
        {"planned_units": 5000},
        {"seed": "another"},
        {"primary": {"name": "likes", "kind": "proportion"}},
    ],
)
def test_another_plan_is_refused_whether_or_not_it_has_counted(
    ann: Visitor, running: str, change: dict
):
    path = f"/v1/jobs/{running}/experiment"
    for counted in (False, True):
        reply = ann.open(path, "PUT", json={**PLAN, **change})
        problem = reply.get_json()
        assert (reply.status_code, problem["code"]) == (409, "conflict")
        assert "another plan" in problem["detail"]
        assert "never changes" in problem["hint"]
        if not counted:
            send(ann, running, an_outcome("e", "u", metric="clicks"))
    told = ann.get(path).get_json()
    assert told["plan"]["alpha"] == 0.05
    assert told["variants"][0]["units"] == 1


def test_a_plan_stays_the_same_where_a_later_release_knows_more_fields(
    ann: Visitor, job_id: str, services: Services
):
    # Given a plan as an earlier release kept it, without fields of today
    path, plan = f"/v1/jobs/{job_id}/experiment", PLAN
    dry = ann.open(f"{path}?dry_run=true", "PUT", json=plan).get_json()["plan"]
    older = {name: each for name, each in dry.items() if name not in {"min_outcomes", "overrides"}}
    older["primary"] = {name: dry["primary"][name] for name in ("name", "kind", "title")}
    text = json.dumps(older)
    services.plans.attach(
        job_id, ann.tenant_id, text, plan_digest(text), now_ms=services.clock.now_ms()
    )
    # When the body is sent that it was made of, again and again
    for _ in range(2):
        reply = ann.open(path, "PUT", json=plan)
        # Then it is the same plan, which runs
        assert (reply.status_code, reply.get_json()["status"]) == (200, "running")
        assert reply.get_json()["plan"] == dry
    assert send(ann, job_id, an_outcome("e", "u")).get_json()["accepted"] == 1
    # And another plan is another one still, also by a field that the kept one lacks
    for change in ({"min_outcomes": 30}, {"alpha": 0.1}, {"overrides": {"me": "A"}}):
        assert ann.open(path, "PUT", json={**plan, **change}).status_code == 409


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"primary": {"name": "clicks", "kind": "median"}}, "#/primary/kind"),
        ({"primary": {**PLAN["primary"], "unit": "seconds"}}, "#/primary/unit"),
        ({"primary": None}, "#/primary"),
        ({"variants": [{"label": "A"}, {"label": "C"}]}, "#/variants/1/label"),
        ({"variants": [{"label": "A", "weight": 0.5}, {"label": "B", "weight": 0.6}]},
         "#/variants"),
        ({"arms": []}, "#/arms"),
        ({"alpha": 0.5}, "#/alpha"),
        ({"alpha": "0.05"}, "#/alpha"),
        ({"secondary": [{"name": "clicks", "kind": "mean"}]}, "#/primary"),
        ({"overrides": {"me": "Z"}}, "#/overrides"),
        ({"min_runtime_s": 9_999_999}, "#/min_runtime_s"),
        ({"method": "fixed"}, "#/planned_units"),
        ({"assume": {"value": 2}}, "#/assume/value"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("query", ["", "?dry_run=true"])
def test_faults_of_a_plan_are_named_in_the_words_of_the_api(
    ann: Visitor, job_id: str, change: dict, pointer: str, query: str
):
    reply = ann.open(f"/v1/jobs/{job_id}/experiment{query}", "PUT", json={**PLAN, **change})
    assert reply.status_code == 422, reply.get_json()
    assert pointer in [each["pointer"] for each in reply.get_json()["errors"]]
    assert ann.get(f"/v1/jobs/{job_id}/experiment").status_code == 404


@pytest.mark.parametrize("body", ["[]", '"plan"', "7", "null"])
def test_what_is_no_object_is_no_plan(ann: Visitor, job_id: str, body: str):
    headers = {"Content-Type": "application/json"}
    reply = ann.post(f"/v1/jobs/{job_id}/experiment", data=body, headers=headers)
    assert reply.status_code == 422
    assert reply.get_json()["errors"][0]["pointer"] == "#"


# --- its life


def test_an_experiment_waits_for_its_videos_and_then_begins(
    ann: Visitor, redis_client: redis.Redis
):
    # Given a job under way, whose experiment is attached
    job_id = ann.post("/v1/jobs", json=JOB).get_json()["id"]
    path = f"/v1/jobs/{job_id}"
    body = ann.open(f"{path}/experiment", "PUT", json=PLAN).get_json()
    assert (body["status"], body["started_at"]) == ("waiting", None)
    # Then nothing is counted or judged yet
    for reply in (
        send(ann, job_id, an_outcome("e", "u")),
        ann.get(f"{path}/verdict"),
        ann.get(f"{path}/verdict/snapshot"),
    ):
        assert (reply.status_code, reply.get_json()["code"]) == (409, "conflict")
        assert "not begun" in reply.get_json()["detail"]
        assert "when the job has ended" in reply.get_json()["hint"]
        assert reply.get_json()["experiment_status"] == "waiting"
    # When its videos are there, then it begins
    end_job(redis_client, job_id)
    assert ann.open(f"{path}/experiment", "PUT", json=PLAN).get_json()["status"] == "running"
    assert send(ann, job_id, an_outcome("e", "u")).get_json()["accepted"] == 1


def test_a_variant_without_a_video_keeps_an_ended_job_from_an_experiment(
    ann: Visitor, redis_client: redis.Redis
):
    job_id = ann.post("/v1/jobs", json={**JOB, "variants": THREE}).get_json()["id"]
    end_job(redis_client, job_id, without="B")
    path = f"/v1/jobs/{job_id}/experiment"
    reply = ann.open(path, "PUT", json=PLAN)
    assert reply.status_code == 409
    assert "no video of B" in reply.get_json()["detail"]
    # The others may be compared.
    two = {**PLAN, "variants": [{"label": "A"}, {"label": "C"}]}
    assert ann.open(path, "PUT", json=two).get_json()["status"] == "running"


def test_a_job_without_an_experiment_has_none(ann: Visitor, job_id: str):
    for path in ("experiment", "verdict", "verdict/snapshot"):
        reply = ann.get(f"/v1/jobs/{job_id}/{path}")
        assert (reply.status_code, reply.get_json()["code"]) == (404, "not_found")
    assert send(ann, job_id, an_outcome("e", "u")).status_code == 404


def test_an_expired_job_has_no_experiment_any_more(
    ann: Visitor, running: str, redis_client: redis.Redis
):
    redis_client.hset(f"cab:job:{running}", "expires", "1")
    path = f"/v1/jobs/{running}"
    for method, below, body in (
        ("PUT", "experiment", PLAN),
        ("POST", "experiment?dry_run=true", PLAN),
        ("GET", "experiment", None),
        ("GET", "verdict", None),
        ("GET", "verdict/snapshot", None),
        ("POST", "outcomes", {"outcomes": [an_outcome("e", "u")]}),
    ):
        reply = ann.open(f"{path}/{below}", method, json=body)
        assert (reply.status_code, reply.get_json()["code"]) == (410, "gone"), below


# --- the verdict


def test_a_verdict_is_given_once_and_made_again_from_its_snapshot(
    ann: Visitor, running: str, tmp_path
):
    # Given an experiment that has its winner
    path = f"/v1/jobs/{running}"
    assert ann.get(f"{path}/verdict").get_json()["state"] == "no_data"
    verdict = let_b_win(ann, running)
    assert (verdict["state"], verdict["variant"]) == ("winner", "B")
    frozen = ann.get(f"{path}/verdict").data
    # When more comes, then it is counted and the verdict stays what it was
    late = a_batch("more", 50_000, "A", per="viewer", metrics={"clicks": {"s": 40_000}})
    assert send(ann, running, late).get_json()["accepted"] == 1
    assert ann.get(f"{path}/verdict").data == frozen
    told = ann.get(f"{path}/experiment").get_json()
    assert (told["status"], told["variants"][0]["units"]) == ("decided", 60_000)
    assert told["verdict"] == {
        name: verdict[name] for name in ("state", "reason", "variant", "sentence")
    }
    # And the snapshot gives the same bytes, without a server
    kept = tmp_path / "snapshot.json"
    kept.write_bytes(ann.get(f"{path}/verdict/snapshot").data)
    command = [sys.executable, "-m", "cli", "verdict", "--from", str(kept)]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    assert made.stdout == frozen == canonical(json.loads(frozen))


def test_an_unchanged_verdict_need_not_be_sent_again(ann: Visitor, running: str):
    let_b_win(ann, running)
    path = f"/v1/jobs/{running}/verdict"
    tag = ann.get(path).headers["ETag"]
    assert ann.get(path, headers={"If-None-Match": tag}).status_code == 304


def test_looks_are_a_history(ann: Visitor, running: str):
    path = f"/v1/jobs/{running}"
    ann.get(f"{path}/verdict")
    let_b_win(ann, running)
    assert "history" not in ann.get(f"{path}/experiment").get_json()
    first, last = ann.get(f"{path}/experiment?history=true").get_json()["history"]
    assert (first["state"], first["units"], first["pairs"]) == ("no_data", [0, 0], [])
    assert (last["state"], last["units"]) == ("winner", [10_000, 10_000])
    (pair,) = last["pairs"]
    assert (pair["base"], pair["variant"]) == ("A", "B")
    assert pair["interval"][0] > 0


def test_what_the_document_shows_as_examples_is_accepted(ann: Visitor, job_id: str):
    # Given the bodies that a collection made from the document begins with
    folders = ann.client.get("/docs/postman.json").get_json()["item"]
    (items,) = [each["item"] for each in folders if each["name"] == "experiments"]
    bodies = {
        (each["request"]["method"], each["request"]["url"]["path"][-1]): json.loads(
            each["request"]["body"]["raw"]
        )
        for each in items
        if "body" in each["request"]
    }
    # When they are sent as they are, then a plan with its sizes comes of them, and outcomes count
    path = f"/v1/jobs/{job_id}"
    for method, status in (("PUT", 201), ("POST", 200)):
        made = ann.open(f"{path}/experiment", method, json=bodies[method, "experiment"])
        assert made.status_code == status, made.get_json()
        assert made.get_json()["sizing"]["sentence"]["en"]
    said = ann.post(f"{path}/outcomes", json=bodies["POST", "outcomes"]).get_json()
    assert said["accepted"] >= 2
    assert {each.get("reason") for each in said["results"]} <= {None, "unknown_metric"}
