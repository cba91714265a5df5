"""The pages of a job: what they show, to its owner and to whoever has a link."""

from __future__ import annotations

import json

import pytest
import redis
from flask import Flask

from service.jobs.context import Services
from tests.integration.api.conftest import Visitor
from tests.integration.api.looks import (
    PICTURE,
    VIDEO,
    Browser,
    a_compared_job,
    browser,
    share,
    token_of,
    with_token,
)


@pytest.fixture
def job(ann: Visitor, services: Services, redis_client: redis.Redis) -> str:
    return a_compared_job(ann, services, redis_client)


@pytest.fixture
def stranger(app: Flask) -> Browser:
    return browser(app)


def test_a_viewer_sees_nothing_that_is_its_owners_alone(
    app: Flask, ann: Visitor, stranger: Browser, job: str
):
    # Given words in metadata, in a clip's address and in a failure that are the owner's
    token = token_of(share(ann, job, preferences=True))
    for below in ("", "/state", "/report.json", "/report.html", "/preferences"):
        seen = stranger.get(with_token(f"/jobs/{job}{below}", token)).get_data(as_text=True)
        # Then a viewer is told none of them, and no address that needs a key
        for word in ("owners-only", "of-the-owner", "Ask the backend", "/v1/", ann.tenant_id):
            assert word not in seen, f"{below} tells {word}"
    # And the owner is told why
    hers = browser(app, ann).get(f"/jobs/{job}/state").get_json()
    assert "owners-only" in json.dumps(hers)


def test_every_address_on_a_shared_page_carries_the_link(ann: Visitor, stranger: Browser, job: str):
    token = token_of(share(ann, job))
    page = stranger.get(with_token(f"/jobs/{job}", token)).text
    named = [each.partition('"')[0] for each in page.split('src="')[1:]]
    videos = [each for each in named if "/video/" in each]
    assert videos
    for each in videos:
        assert each.endswith(f"share={token}")
        assert stranger.get(each.replace("&amp;", "&")).data == VIDEO


def test_a_range_of_a_video(ann: Visitor, stranger: Browser, job: str):
    path = with_token(f"/jobs/{job}/video/A?clip=0&revision=1", token_of(share(ann, job)))
    reply = stranger.get(path, headers={"Range": "bytes=100-199"})
    assert (reply.status_code, reply.data) == (206, VIDEO[100:200])
    assert reply.headers["Content-Range"] == f"bytes 100-199/{len(VIDEO)}"
    again = stranger.get(path, headers={"If-None-Match": reply.headers["ETag"]})
    assert again.status_code == 304
    assert stranger.get(path, headers={"Range": "bytes=99999999-"}).status_code == 416


@pytest.mark.parametrize("query", ["clip=x", "clip=99", "revision=0", "other=1"])
def test_a_wrong_query_is_refused(app: Flask, ann: Visitor, job: str, query: str):
    assert browser(app, ann).get(f"/jobs/{job}/video/A?{query}").status_code == 422


@pytest.mark.parametrize(
    "below", ["/video/Z", "/video/B", "/pictures/0/x", "/pictures/1/poster_A", "/pictures/x/y",
              "/pictures/0/..%2fjob", "/nothing", "/state/more"],
)  # fmt: skip
def test_what_is_not_there_is_not_found(app: Flask, ann: Visitor, job: str, below: str):
    assert browser(app, ann).get(f"/jobs/{job}{below}").status_code in {404, 410}


def test_a_picture(app: Flask, ann: Visitor, job: str):
    reply = browser(app, ann).get(f"/jobs/{job}/pictures/0/poster_A")
    assert (reply.data, reply.mimetype) == (PICTURE, "image/jpeg")


def test_the_report_names_addresses_of_the_page(ann: Visitor, stranger: Browser, job: str):
    token = token_of(share(ann, job))
    report = stranger.get(with_token(f"/jobs/{job}/report.json", token)).get_json()
    (poster,) = report["clips"][0]["pictures"]["files"]
    assert poster["url"] == f"/jobs/{job}/pictures/0/poster_A?share={token}"
    assert stranger.get(poster["url"]).data == PICTURE


def test_the_state_is_told_only_when_it_is_new(
    app: Flask, ann: Visitor, redis_client: redis.Redis, job: str
):
    hers = browser(app, ann)
    first = hers.get(f"/jobs/{job}/state")
    tag = {"If-None-Match": first.headers["ETag"]}
    assert hers.get(f"/jobs/{job}/state", headers=tag).status_code == 304
    redis_client.hset(f"cab:job:{job}", "status", "comparing")
    changed = hers.get(f"/jobs/{job}/state", headers=tag)
    assert changed.status_code == 200
    assert changed.get_json()["status"] == "comparing"


def test_a_page_may_load_only_what_is_ours(ann: Visitor, app: Flask, stranger: Browser, job: str):
    token = token_of(share(ann, job))
    shared, own = stranger.get(with_token(f"/jobs/{job}", token)), browser(app, ann)
    for page in (shared, own.get(f"/jobs/{job}"), own.get("/jobs"), stranger.get("/jobs")):
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert page.headers["Cache-Control"] == "no-store"
        assert "<script>" not in page.text
        assert "style=" not in page.text
    assert shared.headers["Referrer-Policy"] == "no-referrer"
    media = stranger.get(with_token(f"/jobs/{job}/video/A", token))
    assert media.headers["Referrer-Policy"] == "no-referrer"
