"""What a publishable key opens, to which pages, how often, and until when."""

from __future__ import annotations

from dataclasses import replace

import pytest
import redis
from flask import Flask

from api.addresses import warn_unbelieved
from api.app import create_app
from api.viewers import OPENED
from service.clock import FakeClock
from service.ids import new_id
from service.jobs.context import Services
from service.public_keys import write_public_key
from tests.integration.api.audience import SHOP, VIDEOS, Audience, an_audience
from tests.integration.api.conftest import Visitor
from tests.integration.api.looks import SITE, lines_of
from tests.integration.api.routes import keyed_routes, options_of
from tests.integration.api.test_keyed_routes import OWNED, never

ELSEWHERE = "https://elsewhere.example.com"
ASK = {"query_string": {"unit_id": "viewer-1"}}


@pytest.fixture
def audience(ann: Visitor, services: Services, redis_client: redis.Redis) -> Audience:
    return an_audience(ann, services, redis_client)


def test_a_publishable_key_opens_nothing_else(audience: Audience, services: Services):
    """Over all routes there are, in both ways to show a key, for its own job and others."""
    settings = replace(services.settings, viewer_requests_per_minute=0)
    app, opened, asked = create_app(replace(services, settings=settings)), set(), 0
    own = {"job_id": audience.job_id, "public_key_id": audience.key["id"]}
    for route in keyed_routes(app):
        for job_id in (audience.job_id, new_id("job", 1)):
            ids = {**{name: never(name) for name in OWNED}, **own, "job_id": job_id}
            for shown in ("header", "address"):
                options = options_of(route)
                if shown == "header":
                    options["headers"] |= {"Authorization": f"Bearer {audience.key['key']}"}
                else:
                    query = {**options.get("query_string", {}), "key": audience.key["key"]}
                    options["query_string"] = query
                options["headers"]["Origin"] = SHOP
                client = app.test_client()
                reply = client.open(route.address(ids), method=route.method, **options)
                asked += 1
                if reply.status_code in {401, 403}:
                    continue
                opened.add((route.method, route.path.replace("{job_id}", "<job_id>")))
                assert job_id == audience.job_id, f"{route} of another job: {reply.status_code}"
    assert asked > 250
    assert opened <= OPENED
    assert opened >= {each for each in OPENED if "outcomes" not in each[1]}
    # Nor does it open pages, or addresses that are not there
    for path in ("/v1", "/v1/nothing", f"{audience.base}/assignment/more"):
        reply = app.test_client().get(path, query_string={"key": audience.key["key"]})
        assert (reply.status_code, reply.get_json()["code"]) == (403, "public_key_refused")


@pytest.mark.parametrize(
    "text",
    ["cab_pub_", "cab_pub_" + "0" * 32, write_public_key(new_id("pub", 1)), "x", "",
     write_public_key(new_id("pub", 1)).upper()],
    ids=["bare", "no-sum", "never-made", "a-word", "nothing", "upper-case"],
)  # fmt: skip
def test_what_is_no_key_opens_nothing(app: Flask, audience: Audience, text: str):
    for options in (
        {"query_string": {"unit_id": "a", "key": text}},
        {"query_string": {"unit_id": "a"}, "headers": {"Authorization": f"Bearer {text}"}},
    ):
        reply = app.test_client().get(f"{audience.base}/assignment", **options)
        assert reply.status_code == 401
        assert reply.headers["WWW-Authenticate"].startswith("Bearer")


def test_an_api_key_in_an_address_opens_nothing(audience: Audience):
    query = {"unit_id": "a", "key": audience.owner.key}
    reply = audience.owner.client.get(f"{audience.base}/assignment", query_string=query)
    assert reply.status_code == 401


def test_another_experiments_key_opens_nothing(
    audience: Audience, bob: Visitor, services: Services, redis_client: redis.Redis
):
    others = an_audience(bob, services, redis_client)
    reply = audience.ask("/assignment", key=others.key["key"], **ASK)
    assert (reply.status_code, reply.get_json()["code"]) == (403, "public_key_refused")


def test_only_pages_of_its_origins_may_ask(audience: Audience):
    for origin in (ELSEWHERE, "null", f"{SHOP}:8443", SHOP.replace("https", "http"), "x"):
        reply = audience.ask("/assignment", origin=origin, **ASK)
        assert (reply.status_code, reply.get_json()["code"]) == (403, "origin_refused")
        assert "Access-Control-Allow-Origin" not in reply.headers
    for origin in (SHOP, SITE):
        reply = audience.ask("/assignment", origin=origin, **ASK)
        assert reply.headers["Access-Control-Allow-Origin"] == origin
        assert "Origin" in reply.headers["Vary"]
    # A player, which tells no origin, may look all the same
    assert audience.ask("/play", origin="", **ASK).status_code == 302


def test_refusals_can_be_read_by_the_page_too(audience: Audience):
    reply = audience.ask("/assignment")
    assert reply.status_code == 422
    assert reply.headers["Access-Control-Allow-Origin"] == SHOP


def preflight(audience: Audience, path: str, origin: str, **headers: str):
    sent = {"Origin": origin, "Access-Control-Request-Method": "GET", **headers}
    return audience.owner.client.options(audience.base + path, headers=sent)


def test_a_browser_may_find_out_whether_its_page_may_ask(audience: Audience):
    audience.new_key("https://blog.example.com")
    for origin in (SHOP, "https://blog.example.com"):
        for path in ("/assignment", "/play"):
            reply = preflight(audience, path, origin)
            assert reply.status_code == 204
            assert reply.headers["Access-Control-Allow-Origin"] == origin
            assert "Authorization" in reply.headers["Access-Control-Allow-Headers"]
            assert "Origin" in reply.headers["Vary"]
    refused = preflight(audience, "/assignment", ELSEWHERE)
    assert refused.status_code == 403
    assert "Access-Control-Allow-Origin" not in refused.headers


def test_no_other_address_answers_a_preflight(app: Flask, audience: Audience):
    own = {"job_id": audience.job_id}
    rules = {path.replace("<job_id>", "{job_id}") for _, path in OPENED}
    for route in keyed_routes(app):
        if route.path in rules:
            continue
        ids = {**{name: never(name) for name in OWNED}, **own}
        sent = {"Origin": SHOP, "Access-Control-Request-Method": "POST"}
        reply = app.test_client().options(route.address(ids), headers=sent)
        assert "Access-Control-Allow-Origin" not in reply.headers, str(route)
        assert reply.status_code in {200, 204, 401}


def test_a_revoked_key_is_refused_everywhere_soon(
    audience: Audience, services: Services, redis_client: redis.Redis
):
    # Given two processes that know a key, which trust what they know for a fifth of a second
    quick = replace(services, settings=replace(services.settings, key_cache_s=0.2))
    first, second = (replace(audience.owner, client=create_app(quick).test_client()) for _ in "ab")
    ask = {"query_string": {"unit_id": "a", "key": audience.key["key"]}}
    path = f"{audience.base}/assignment"
    assert {each.client.get(path, **ask).status_code for each in (first, second)} == {200}
    # When it is revoked at one of them
    first.delete(f"{audience.base}/experiment/keys/{audience.key['id']}")
    # Then that one refuses it at once, and the other when it asks again
    assert first.client.get(path, **ask).status_code == 401
    services.clock.sleep(0.25)
    assert second.client.get(path, **ask).status_code == 401
    # And its origins may ask no more
    assert preflight(audience, "/assignment", SHOP).status_code == 403


def test_an_address_may_ask_so_often_in_a_minute(audience: Audience, services: Services):
    few = replace(
        services,
        settings=replace(services.settings, viewer_requests_per_minute=5, trusted_proxies=1),
        clock=FakeClock(services.clock.now_ms() // 60_000 * 60_000),  # no minute ends meanwhile
    )
    client = create_app(few).test_client()
    query = {"unit_id": "a", "key": audience.key["key"]}

    def ask(address: str, path: str = f"{audience.base}/assignment"):
        headers = {"X-Forwarded-For": f"1.1.1.1, {address}", "Origin": SHOP}
        return client.get(path, query_string=query, headers=headers)

    assert [ask("203.0.113.7").status_code for _ in range(6)] == [200] * 5 + [429]
    refused = ask("203.0.113.7")
    assert refused.get_json()["violated-policies"] == ["viewers"]
    assert int(refused.headers["Retry-After"]) <= 60
    assert ask("203.0.113.7", f"{audience.base}/play").status_code == 429
    assert ask("203.0.113.7", f"/play/{audience.job_id}/A/x").status_code == 429
    # Others go on, and so does the owner
    assert ask("203.0.113.8").status_code == 200
    told = audience.owner.get(f"{audience.base}/assignment?unit_id=a")
    assert told.status_code == 200


def test_an_operator_is_told_once_that_visitors_behind_a_proxy_count_as_one(audience: Audience):
    # Given a proxy that nobody has told the API of
    warn_unbelieved.cache_clear()
    headers = {"X-Forwarded-For": "203.0.113.7"}
    # When viewers come through it
    with lines_of() as lines:
        for _ in range(3):
            audience.ask("/assignment", query_string={"unit_id": "a"}, headers=headers)
    # Then a line says what to set, and no address.
    [said] = [each for each in lines if "forwarded_not_believed" in each]
    assert "CAPTION_AB_TRUSTED_PROXIES" in said
    assert "203.0.113.7" not in said


def test_no_log_tells_who_watched(audience: Audience):
    with lines_of() as lines:
        told = audience.assign("somebody-in-particular")
        audience.owner.client.get(told["video"].removeprefix(SITE))
    text = "\n".join(lines)
    assert f"{audience.base}/assignment" in text
    for secret in ("somebody-in-particular", told["token"], audience.key["key"]):
        assert secret not in text
    assert audience.key["id"] in text  # which key was used may be told


def test_a_job_whose_time_has_passed_shows_nothing(
    audience: Audience, services: Services, redis_client: redis.Redis
):
    place = audience.ask("/play", **ASK).headers["Location"].removeprefix(SITE)
    redis_client.hset(f"cab:job:{audience.job_id}", "expires", services.clock.now_ms() - 1)
    fresh = create_app(services).test_client()
    query = {"unit_id": "a", "key": audience.key["key"]}
    assert fresh.get(place).status_code == 404
    assert fresh.get(f"{audience.base}/assignment", query_string=query).status_code == 404
    assert fresh.get(f"{audience.base}/play", query_string=query).status_code == 404


def test_videos_can_be_used_by_pages_of_any_origin_that_have_the_address(audience: Audience):
    place = audience.ask("/play", **ASK).headers["Location"].removeprefix(SITE)
    reply = audience.owner.client.get(place, headers={"Origin": ELSEWHERE})
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    assert reply.data in VIDEOS.values()
