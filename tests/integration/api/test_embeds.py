"""The script of the player and the page with nothing but it: who may load and frame them."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
import redis
from flask import Flask

from service.jobs.context import Services
from tests.integration.api.audience import SHOP, VIDEOS, Audience, an_audience
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
    assert len(text) < 9_300


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


def test_the_page_names_the_video_of_those_who_take_no_part(audience: Audience):
    # Given a page, whoever it is for
    (unit_id,) = audience.units_in("B")
    for query in ({}, {"unit_id": unit_id}):
        (usual,) = re.findall(r'data-usual="([^"]*)"', embed(audience, **query).text)
        # When the player shows what is shown without the experiment, then it is the control
        reply = audience.owner.client.get(unescape(usual).removeprefix(SITE))
        assert (reply.status_code, reply.data) == (200, VIDEOS["A"])


def plain_address(text: str) -> str:
    """Where the video is for a browser that runs no scripts."""
    (found,) = re.findall(r'<noscript><video [^>]*src="([^"]*)"[^>]*></video></noscript>', text)
    return unescape(found)


def test_without_scripts_the_video_can_be_seen_and_is_not_counted(audience: Audience):
    client = audience.owner.client
    counted = audience.book().fields
    for label in "AB":
        (unit_id,) = audience.units_in(label)
        # Given the page of a viewer who has an id; when their browser runs no scripts
        address = plain_address(embed(audience, unit_id=unit_id).text)
        # Then it shows their variant, by an address that is found anew whenever it is played
        assert address.startswith(f"/v1/jobs/{audience.job_id}/play?")
        lead = client.get(address)
        assert lead.status_code == 302
        assert client.get(lead.headers["Location"].removeprefix(SITE)).data == VIDEOS[label]
    # And nothing of it is counted
    assert audience.book().fields == counted


def test_without_scripts_who_takes_no_part_sees_the_control(
    ann: Visitor, services: Services, redis_client: redis.Redis
):
    # Given an experiment in which not everybody takes part
    audience = an_audience(ann, services, redis_client, coverage=0.5)
    (outside,) = audience.units_in(None)
    # When somebody comes who takes no part, or who has no id, which scripts alone would keep
    for query in ({"unit_id": outside}, {}):
        address = plain_address(embed(audience, **query).text)
        reply = audience.owner.client.get(address.removeprefix(SITE))
        # Then they see what they would see without the experiment
        assert (reply.status_code, reply.data) == (200, VIDEOS["A"])


def test_a_clip_without_a_video_has_no_plain_address(audience: Audience):
    reply = embed(audience, clip="7")
    assert reply.status_code == 200
    assert reply.text.count("<video") == 1


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
