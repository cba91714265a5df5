"""The experiment on the page of a job: what each kind of visitor is told, from what is counted."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import redis
from flask import Flask

from api.app import create_app
from cli.children import free_port
from service.experiments.plan import Plan
from service.jobs.context import Services
from service.jobs.experiments import attach_experiment, judge_experiment, take_outcomes
from service.model.cut import CutDoc, MediaInfo, ResultFile
from service.wiring import build_services
from tests.integration.api.conftest import Visitor
from tests.integration.api.looks import (
    VIDEO,
    Browser,
    a_compared_job,
    browser,
    share,
    token_of,
    with_token,
    write_cut,
)
from tests.outcomes import a_batch, an_experiment

WINS = "B wins"
HEADING = "Which variant performs better?"


@pytest.fixture
def job(ann: Visitor, services: Services, redis_client: redis.Redis) -> str:
    """A job that has a video of both variants."""
    made = a_compared_job(ann, services, redis_client)
    stored = services.files.put(f"jobs/{made}/B-1.mp4", [VIDEO], max_bytes=10**6)
    media = MediaInfo(2.0, 320, 180, 25, 1, "h264", "aac", "mp4")
    file = ResultFile(stored.key, stored.size, stored.sha256, media)
    write_cut(redis_client, made, "B", "succeeded", CutDoc(0, "B", result=file))
    redis_client.hset(f"cab:job:{made}", "status", "succeeded")
    return made


@pytest.fixture
def hers(app: Flask, ann: Visitor) -> Browser:
    """Ann's own browser, signed in."""
    return browser(app, ann)


def attach(services: Services, job_id: str, **changes: Any) -> Plan:
    plan = an_experiment(min_runtime_s=0, **changes)
    attach_experiment(services.jobs.read(job_id), plan, services)
    return plan


def send(services: Services, ann: Visitor, job_id: str, mark: str, a: int, b: int) -> None:
    """Count 5,000 viewers of each variant, so many of whom clicked."""
    batches = [
        a_batch(f"{mark}{label}", 5000, label, metrics={"clicks": {"s": s}}, per="viewer")
        for label, s in (("A", a), ("B", b))
    ]
    results = take_outcomes(job_id, ann.tenant_id, {"outcomes": batches}, services)
    assert [each.status for each in results] == ["accepted"] * 2


def read(visitor: Browser, job_id: str, below: str = "", token: str = "") -> str:
    path = f"/jobs/{job_id}{below}"
    reply = visitor.get(with_token(path, token) if token else path)
    assert reply.status_code == 200, reply.text
    return reply.text


def test_an_owner_sees_who_leads_and_nothing_is_written_by_looking(
    ann, hers, services, job, redis_client
):
    # Given viewers who differ by too little to tell
    attach(services, job)
    send(services, ann, job, "x", 250, 262)
    before = redis_client.hgetall(f"cab:job:{job}:experiment")
    # When its owner looks twice
    pages = [read(hers, job) for _ in range(2)]
    # Then both pages say how far it is, and the counters are as they were
    assert all("No clear difference" in each and "10,000" in each for each in pages)
    assert redis_client.hgetall(f"cab:job:{job}:experiment") == before


def test_what_a_page_says_is_what_is_frozen(ann, hers, services, job):
    # Given a clear winner that nobody has looked at yet
    attach(services, job)
    send(services, ann, job, "x", 250, 500)
    # When the page is the first to look, and then outcomes come that say the contrary
    assert WINS in read(hers, job)
    send(services, ann, job, "y", 4900, 10)
    # Then page, file and API go on saying the same, and later viewers are told apart
    for below in ("", "/report.html"):
        page = read(hers, job, below)
        assert WINS in page
        assert "10,000 more, which change nothing" in page
    verdict = json.loads(judge_experiment(services.jobs.read(job), services))
    assert verdict["variant"] == "B"
    file = ann.get(f"/v1/jobs/{job}/comparison/report.html")
    assert WINS in file.text


def test_counts_of_before_a_verdict_are_told_as_lost(ann, hers, services, job, redis_client):
    # Given a verdict that was told, and counts that come back as they were before it
    attach(services, job)
    send(services, ann, job, "x", 250, 500)
    key = f"cab:job:{job}:experiment"
    copy = redis_client.dump(key)
    assert WINS in read(hers, job)
    redis_client.restore(key, 0, copy, replace=True)
    # When its owner looks, then no other verdict is made of them
    assert "the counts have been lost" in read(hers, job)
    assert "verdict" not in redis_client.hgetall(key)


def test_a_link_shows_the_outcome(app, ann, services, job):
    # Given a link that asks for nothing
    attach(services, job)
    send(services, ann, job, "x", 250, 500)
    token = token_of(share(ann, job))
    # Then whoever has it sees the winner, in the page and in the file, but no form for sizes
    for below in ("", "/report.html"):
        page = read(browser(app), job, below, token)
        assert WINS in page
        assert "How many viewers would it take" not in page


def test_a_link_that_asks_for_an_opinion_shows_no_outcome(app, ann, hers, services, job):
    # Given a winner, and a link whose viewers are asked which they prefer
    attach(services, job)
    send(services, ann, job, "x", 250, 500)
    assert WINS in read(hers, job)
    token = token_of(share(ann, job, preferences=True))
    stranger = browser(app)
    # When its viewer opens whatever there is
    for below in ("", "/report.html", "/report.json", "/state", "/preferences"):
        page = read(stranger, job, below, token)
        # Then nothing says who wins, how many clicked, or what the plan was
        for word in (WINS, "Winner", "clicks", "5,000", "250", "Compared with A"):
            assert word not in page, (below, word)
    assert "This link asks for your own opinion" in read(stranger, job, "", token)
    # and the owner, who may say a preference too, still sees it
    assert WINS in read(hers, job)


def test_an_experiment_that_waits_offers_its_owner_to_tell_what_it_needs(
    ann, hers, services, redis_client
):
    # Given a job that is not made yet
    waiting = a_compared_job(ann, services, redis_client)
    redis_client.hset(f"cab:job:{waiting}", "status", "running")
    attach(services, waiting)
    page = read(hers, waiting, "?value=5&effect=10&per_day=1000")
    # Then it is told that it waits, and how many viewers it takes
    assert "it does when the job has ended with a video of every variant" in page
    assert "119,608" in page


def test_a_job_without_an_experiment_says_that_none_are_counted(hers, job):
    page = read(hers, job)
    assert HEADING not in page
    assert "How many viewers would it take" in page


def test_its_owner_is_led_to_what_viewers_see(app, ann, hers, services, job):
    # Given an experiment with a publishable key
    attach(services, job, secondary=(), overrides={"me": "B"})
    wish = {"origins": ["https://shop.example.com"]}
    key = ann.post(f"/v1/jobs/{job}/experiment/keys", json=wish).get_json()
    # Then its owner has a link that opens the player, and whoever has a share link has not
    link = f"/embed/{job}?key={key['key']}&unit_id=me"
    assert f'href="{link.replace("&", "&amp;")}"' in read(hers, job)
    assert hers.get(link).status_code == 200
    assert "/embed/" not in read(browser(app), job, "", token_of(share(ann, job)))
    # When the key is revoked, then there is no such link
    ann.delete(f"/v1/jobs/{job}/experiment/keys/{key['id']}")
    assert "/embed/" not in read(hers, job)


def test_a_page_stands_without_its_counters(ann, services, settings, job):
    # Given an experiment whose Redis cannot be reached, while that of the jobs can
    attach(services, job)
    away = replace(settings, experiments_redis_url=f"redis://127.0.0.1:{free_port()}/0")
    parts = build_services(away, name="away", connections=4)
    page = read(browser(create_app(parts), ann), job)
    # Then the page is there, and says so
    assert "cannot be read just now" in page
    assert "Look for yourself" in page
    parts.connection.client.connection_pool.disconnect()
