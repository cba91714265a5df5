"""The script of the player and the page with nothing but it: who may load and frame them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import redis
from flask import Flask

from service.jobs.context import Services
from tests.integration.api.audience import SHOP, Audience, an_audience
from tests.integration.api.conftest import Visitor
from tests.integration.api.looks import SITE


@pytest.fixture
def audience(ann: Visitor, services: Services, redis_client: redis.Redis) -> Audience:
    return an_audience(ann, services, redis_client)


def embed(audience: Audience, **query: str):
    sent = {"key": audience.key["key"], **query}
    return audience.owner.client.get(f"/embed/{audience.job_id}", query_string=sent)


def test_the_script_may_be_loaded_by_any_page(app: Flask):
    reply = app.test_client().get("/player.js")
    assert reply.status_code == 200
    assert reply.headers["Content-Type"].startswith("text/javascript")
    assert reply.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    assert reply.headers["Cache-Control"] == "public, max-age=3600"
    tag = {"If-None-Match": reply.headers["ETag"]}
    assert app.test_client().get("/player.js", headers=tag).status_code == 304


def test_the_script_needs_nothing_that_a_strict_policy_forbids():
    text = (Path(__file__).parents[3] / "api/static/player.js").read_text("utf-8")
    for word in ("eval(", "new Function", ".innerHTML", "document.write", "document.cookie",
                 ".style", "setAttribute"):  # fmt: skip
        assert word not in text
    assert len(text) < 9_000


def test_only_pages_of_the_keys_origins_may_frame_it(audience: Audience):
    audience.key = audience.new_key(SHOP, "http://localhost:3000")
    reply = embed(audience)
    policy = dict(
        each.split(" ", 1) for each in reply.headers["Content-Security-Policy"].split("; ")
    )
    assert reply.status_code == 200
    assert policy["frame-ancestors"] == f"'self' {SHOP} http://localhost:3000"
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert policy["media-src"] == f"'self' {SITE}"
    assert "X-Frame-Options" not in reply.headers
    assert reply.headers["Referrer-Policy"] == "same-origin"
    # And nothing is inline
    assert reply.text.count("<script") == reply.text.count("<script src=") == 1
    assert not re.search(r"<style| style=| on\w+=", reply.text)


def test_the_page_names_what_the_player_needs(audience: Audience):
    text = embed(audience, unit_id='a"><script>', clip="0").text
    assert f'data-caption-ab="{audience.job_id}" data-key="{audience.key["key"]}"' in text
    assert 'data-unit="a&#34;&gt;&lt;script&gt;"' in text
    assert 'data-watch="watch"' in text
    assert 'data-watch="clicks"' in embed(audience, watch="clicks").text
    assert "data-unit" not in embed(audience).text


@pytest.mark.parametrize(
    ("query", "status"),
    [({"key": "x"}, 401), ({"key": "cab_pub_" + "0" * 32}, 401), ({"other": "x"}, 422),
     ({"clip": "x"}, 422), ({"unit_id": "x" * 201}, 422)],
)  # fmt: skip
def test_what_is_no_address_of_it(audience: Audience, query: dict[str, str], status: int):
    assert embed(audience, **query).status_code == status


def test_a_key_shows_its_own_experiment_alone(audience: Audience, bob, services, redis_client):
    other = an_audience(bob, services, redis_client)
    other.key = audience.key
    reply = embed(other)
    assert (reply.status_code, reply.headers["X-Frame-Options"]) == (404, "DENY")
    assert audience.owner.client.get(f"/embed/{audience.job_id}").status_code == 422
