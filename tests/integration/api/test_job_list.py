"""The list of jobs as a page: filters, pages, verdicts, without a script."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
import redis
from flask import Flask

from api.app import create_app
from api.schemas import PAGE
from cli.children import free_port
from service.settings import Settings
from service.wiring import build_services
from tests.integration.api.conftest import JOB, Visitor
from tests.integration.api.looks import Browser, browser
from tests.integration.api.test_jobs import set_status
from tests.integration.api.test_listing import make
from tests.integration.api.viewers import PLAN, end_job, ended_job
from tests.outcomes import a_batch


@pytest.fixture
def hers(app: Flask, ann: Visitor) -> Browser:
    return browser(app, ann)


def shown(page) -> list[str]:
    assert page.status_code == 200
    return re.findall(r'<a href="/jobs/(job_[0-9a-z]{26})">', page.text)


def test_a_tenant_sees_its_jobs_and_no_others(hers: Browser, ann: Visitor, bob: Visitor):
    assert "There is no job yet." in hers.get("/jobs").text
    made = [make(ann) for _ in range(3)]
    make(bob)
    assert shown(hers.get("/jobs")) == made[::-1]


def test_the_list_calls_what_the_comparison_says_legibility(hers: Browser, ann: Visitor):
    # It is no verdict of viewers, which the same job may have besides
    make(ann)
    names = re.findall(r'<th scope="col">([^<]+)</th>', hers.get("/jobs").text)
    assert names == ["Job", "Status", "Legibility", "Experiment", "Created (UTC)", "Took"]


def test_the_list_goes_on_page_by_page(hers: Browser, ann: Visitor, redis_client: redis.Redis):
    made = [make(ann, name="x") for _ in range(PAGE + 3)]
    first = hers.get("/jobs?name=x")
    (older,) = re.findall(r'rel="next" href="([^"]+)"', first.text)
    assert "name=x" in older
    second = hers.get(older.replace("&amp;", "&"))
    assert shown(first) + shown(second) == made[::-1]
    assert 'rel="next"' not in second.text
    assert '<a href="/jobs?name=x">Newest</a>' in second.text


def test_a_list_can_be_filtered(hers: Browser, ann: Visitor, redis_client: redis.Redis):
    # Given jobs of different statuses, names and metadata
    spring = make(ann, name="Spring", metadata={"campaign": "spring"})
    autumn = make(ann, name="Autumn", metadata={"campaign": "autumn"})
    set_status(redis_client, autumn, "failed")
    # Then each filter shows what fits, and the form shows what was asked for
    assert shown(hers.get("/jobs?status=failed")) == [autumn]
    assert shown(hers.get("/jobs?name=Spr")) == [spring]
    assert shown(hers.get("/jobs?metadata=campaign%3Dautumn")) == [autumn]
    page = hers.get("/jobs?status=failed&metadata=campaign%3Dspring")
    assert shown(page) == []
    assert "No job is like that." in page.text
    assert '<option value="failed" selected>' in page.text
    assert 'value="campaign=spring"' in page.text


def test_a_day_is_whole(hers: Browser, ann: Visitor, redis_client: redis.Redis):
    # Given jobs of the evening of one day, of the next day, and of the morning after
    made = [make(ann) for _ in range(3)]
    days = (1_795_564_799_999, 1_795_564_800_000, 1_795_651_200_000)
    for job_id, at_ms in zip(made, days, strict=True):
        redis_client.hset(f"cab:job:{job_id}", "created", at_ms)
        redis_client.zadd(f"cab:tenant:{ann.tenant_id}:jobs", {job_id: at_ms})
    assert shown(hers.get("/jobs?from=2026-11-25&to=2026-11-25")) == [made[1]]
    assert shown(hers.get("/jobs?from=2026-11-25")) == [made[2], made[1]]
    assert shown(hers.get("/jobs?to=2026-11-24")) == [made[0]]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("from=yesterday", "A day is written as"),
        ("to=2026-13-01", "A day is written as"),
        ("to=9999-12-31", "A day is written as"),
        ("status=good", "There is no such status."),
        ("metadata=campaign", "Metadata is written as"),
        ("metadata==x", "Metadata is written as"),
    ],
)
def test_what_cannot_be_read_is_told_and_passed_over(
    hers: Browser, ann: Visitor, query: str, told: str
):
    job = make(ann)
    page = hers.get(f"/jobs?{query}")
    assert told in page.text
    assert shown(page) == [job]


@pytest.mark.parametrize("cursor", ["x", "%00", "1.job_x", "A" * 200])
def test_a_cursor_that_was_cut_begins_anew(hers: Browser, ann: Visitor, cursor: str):
    job = make(ann)
    assert shown(hers.get(f"/jobs?cursor={cursor}")) == [job]


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"verdict": {"result": "better", "better": "B", "over": "A"}}, "B reads better"),
        ({"verdict": {"result": "tie"}}, "a tie"),
        ({"verdict": {"result": "mixed"}}, "mixed"),
        ({"verdict": {"result": "unknown"}}, "not clear"),
        ({"status": "unavailable"}, "–"),
        ({}, "–"),
    ],
)
def test_the_verdict_is_told_in_a_word(
    hers: Browser, ann: Visitor, redis_client: redis.Redis, result, words: str
):
    job = make(ann)
    found = redis_client.hget(f"cab:job:{job}", "created")
    ended = {"status": "succeeded", "ended": int(found) + 200_000, "result": json.dumps(result)}
    redis_client.hset(f"cab:job:{job}", mapping=ended)
    page = hers.get("/jobs").text
    assert f"<td>{words}</td>" in page
    assert "<td>3 min 20 s</td>" in page


def test_words_of_a_tenant_are_words(hers: Browser, ann: Visitor):
    make(ann, name="<img src=x onerror=alert(1)>")
    page = hers.get('/jobs?name="><script>alert(2)</script>').text
    assert "<script>" not in page
    assert "<img" not in hers.get("/jobs").text
    assert "&lt;img src=x" in hers.get("/jobs").text


def test_a_list_of_nobody_is_a_form(app: Flask):
    page = browser(app).get("/jobs?status=failed")
    assert page.status_code == 401
    assert 'action="/jobs/sign-in"' in page.text
    assert JOB["clips"][0]["url"] not in page.text


def experiments_in(text: str) -> list[str]:
    """The column of experiments, the newest job first."""
    (body,) = re.findall(r"<tbody>(.*)</tbody>", text, re.DOTALL)
    return [re.findall(r"<td>(.*?)</td>", row, re.DOTALL)[2] for row in body.split("</tr>")[:-1]]


def plan(visitor: Visitor, job_id: str) -> None:
    assert visitor.open(f"/v1/jobs/{job_id}/experiment", "PUT", json=PLAN).status_code == 201


def test_the_list_tells_how_far_each_experiment_is(
    hers: Browser, ann: Visitor, redis_client: redis.Redis
):
    # Given a job without an experiment, one that waits, one that runs, and one that B has won
    make(ann)
    waits, runs, won = make(ann), ended_job(ann, redis_client), ended_job(ann, redis_client)
    for each in (waits, runs, won):
        plan(ann, each)
    batches = [
        a_batch(each, 10_000, each, per="viewer", metrics={"clicks": {"s": count}})
        for each, count in (("A", 500), ("B", 700))
    ]
    for each in (runs, won):
        sent = ann.post(f"/v1/jobs/{each}/outcomes", json={"outcomes": batches})
        assert sent.get_json()["accepted"] == 2
    ann.get(f"/v1/jobs/{won}/verdict")
    # Then each says so; the list itself looks at none, which would end it
    assert experiments_in(hers.get("/jobs").text) == ["Winner: B", "Running", "Waiting", "–"]
    assert experiments_in(hers.get("/jobs").text)[1] == "Running"
    # And a job that has ended without its videos waits no longer
    end_job(redis_client, waits, without="B")
    assert experiments_in(hers.get("/jobs").text)[2] == "Not begun"


def test_the_list_is_there_while_counting_is_away(
    settings: Settings, ann: Visitor, redis_client: redis.Redis
):
    # Given an experiment that is counted in a Redis which does not answer
    plan(ann, ended_job(ann, redis_client))
    away = replace(settings, experiments_redis_url=f"redis://127.0.0.1:{free_port()}/0")
    parts = build_services(away, name="away", connections=4)
    page = browser(create_app(parts), ann).get("/jobs")
    # Then the list is there without it
    assert page.status_code == 200
    assert experiments_in(page.text) == ["–"]
    parts.connection.client.connection_pool.disconnect()
