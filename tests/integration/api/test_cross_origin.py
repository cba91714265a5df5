"""What scripts of a viewer's page can read of answers that refuse: all of them, on their pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import redis
from flask.testing import FlaskClient

from api.app import create_app
from service.clock import FakeClock
from service.ids import new_id
from service.jobs.context import Services
from service.public_keys import write_public_key
from tests.integration.api.audience import SHOP, Audience, an_audience
from tests.integration.api.conftest import Visitor
from tests.integration.api.looks import SITE

ELSEWHERE = "https://elsewhere.example.com"
BLOG = "https://blog.example.com"
PREFLIGHT = {"Access-Control-Request-Method": "GET"}


@pytest.fixture
def audience(ann: Visitor, services: Services, redis_client: redis.Redis) -> Audience:
    return an_audience(ann, services, redis_client)


@pytest.fixture
def few(services: Services) -> Callable[[], FlaskClient]:
    """An API process of its own, which lets an address ask four times in a minute."""

    def start() -> FlaskClient:
        settings = replace(services.settings, viewer_requests_per_minute=4)
        clock = FakeClock(services.clock.now_ms() // 60_000 * 60_000)  # no minute ends meanwhile
        return create_app(replace(services, settings=settings, clock=clock)).test_client()

    return start


def opened_to(reply: Any) -> str | None:
    """The origin whose pages may read an answer; where there is one, they see when to retry."""
    origin = reply.headers.get("Access-Control-Allow-Origin")
    if origin is not None:
        assert "Retry-After" in reply.headers["Access-Control-Expose-Headers"]
    return origin


def ask(client: FlaskClient, audience: Audience, path: str = "/assignment", **headers: str) -> Any:
    query = {"unit_id": "a", "key": audience.key["key"]}
    return client.get(audience.base + path, query_string=query, headers=headers)


def test_who_asks_too_often_can_read_when_to_ask_again(audience: Audience, few):
    # Given a page that has asked as often as its address may
    client = few()
    assert {ask(client, audience, Origin=SHOP).status_code for _ in range(4)} == {200}
    # When it asks, in each way
    refused = [
        ask(client, audience, Origin=SHOP),
        ask(client, audience, "/play", Origin=SHOP),
        client.post(
            f"{audience.base}/outcomes",
            query_string={"key": audience.key["key"]},
            data=b'{"outcomes": []}',
            content_type="text/plain",
            headers={"Origin": SHOP},
        ),
    ]
    # Then its script can read the refusal, and this service's own page too
    for reply in [*refused, ask(client, audience, Origin=SITE)]:
        assert reply.status_code == 429
        assert 0 < int(reply.headers["Retry-After"]) <= 60
        assert "Origin" in reply.headers["Vary"]
    assert [opened_to(each) for each in refused] == [SHOP] * 3
    # And no page of another origin can
    for origin in (ELSEWHERE, "null", f"{SHOP}:8443", "x"):
        reply = ask(client, audience, Origin=origin)
        assert (reply.status_code, opened_to(reply)) == (429, None)
        assert "Origin" in reply.headers["Vary"]


def test_a_refusal_by_the_rate_asks_the_store_nothing(
    audience: Audience, few, services: Services, redis_client: redis.Redis
):
    # Given an address that has used up its minute, at a process that remembers one key
    client = few()
    for _ in range(4):
        ask(client, audience, Origin=SHOP)
    others = an_audience(audience.owner, services, redis_client)
    before = redis_client.info("commandstats")
    # When it asks for that, for what the process has never seen, and for what there is not
    assert opened_to(ask(client, audience, Origin=SHOP)) == SHOP
    assert opened_to(ask(client, others, Origin=SHOP)) is None
    for _ in range(5):
        path = f"/v1/jobs/{new_id('job', 1)}/assignment"
        query = {"unit_id": "a", "key": write_public_key(new_id("pub", 1))}
        reply = client.get(path, query_string=query, headers={"Origin": SHOP})
        assert (reply.status_code, opened_to(reply)) == (429, None)
    # Then the store was asked for nothing
    after = redis_client.info("commandstats")
    assert calls_of(after) == calls_of(before)


def test_for_what_is_no_job_the_store_is_not_asked(audience: Audience, redis_client: redis.Redis):
    # Given addresses that name no job, however long
    before = redis_client.info("commandstats")
    for name in ("x", "job_1", "x" * 3000, "*"):
        # When pages ask whether they may ask
        reply = audience.owner.client.options(
            f"/v1/jobs/{name}/assignment", headers={"Origin": SHOP, **PREFLIGHT}
        )
        assert (reply.status_code, opened_to(reply)) == (403, None)
    # Then nobody was asked for them, and nothing need be remembered
    assert calls_of(redis_client.info("commandstats")) == calls_of(before)


def calls_of(stats: dict[str, Any]) -> int:
    return sum(each["calls"] for name, each in stats.items() if name != "cmdstat_info")


def test_a_browser_that_must_ask_first_learns_of_the_rate_too(audience: Audience, few):
    # Given a page whose key is in a header, so that its browser sends preflights
    client = few()

    def preflight(origin: str) -> Any:
        headers = {"Origin": origin, **PREFLIGHT}
        return client.options(f"{audience.base}/assignment", headers=headers)

    assert [preflight(SHOP).status_code for _ in range(4)] == [204] * 4
    # When its address may ask no more
    shown = {"Authorization": f"Bearer {audience.key['key']}", "Origin": SHOP}
    late = client.get(f"{audience.base}/assignment?unit_id=a", headers=shown)
    # Then its browser may still send the request whose refusal it can read
    assert (late.status_code, opened_to(late)) == (429, SHOP)
    assert (preflight(SHOP).status_code, opened_to(preflight(SHOP))) == (204, SHOP)
    # But one of which nothing is known is refused
    assert (preflight(ELSEWHERE).status_code, opened_to(preflight(ELSEWHERE))) == (429, None)


def test_a_page_can_read_that_its_key_is_refused(
    audience: Audience, bob: Visitor, services: Services, redis_client: redis.Redis
):
    # Given an experiment with a key for the shop, one for the blog, and a revoked one of the shop
    revoked = audience.new_key()
    audience.new_key(BLOG)
    audience.owner.delete(f"{audience.base}/experiment/keys/{revoked['id']}")
    others = an_audience(bob, services, redis_client)
    asked = {"query_string": {"unit_id": "a"}}
    keys = {
        "revoked": (revoked["key"], 401),
        "never made": (write_public_key(new_id("pub", 1)), 401),
        "mistyped": (audience.key["key"][:-1] + "?", 401),
        "of another experiment": (others.key["key"], 403),
    }
    # When pages ask with one that does not work
    for what, (key, status) in keys.items():
        for origin, reads in ((SHOP, SHOP), (BLOG, BLOG), (SITE, SITE), (ELSEWHERE, None)):
            reply = audience.ask("/assignment", key=key, origin=origin, **asked)
            # Then those of the experiment's origins can read why, and no others
            assert (reply.status_code, opened_to(reply)) == (status, reads), f"{what}, {origin}"
    # And a page of the experiment can read that another key than its own names it
    reply = audience.ask("/assignment", origin=BLOG, **asked)
    assert (reply.get_json()["code"], opened_to(reply)) == ("origin_refused", BLOG)


def test_a_refusal_is_told_though_its_page_cannot_be_looked_up(
    audience: Audience, redis_client: redis.Redis
):
    # Given a store that answers what nobody understands when it is asked for an experiment's keys
    name = f"cab:job:{audience.job_id}:pubkeys"
    assert redis_client.type(name) == "set"
    redis_client.delete(name)
    redis_client.set(name, "x")
    # When a page shows a key that is none, then it is refused as any caller is
    query = {"unit_id": "a"}
    reply = audience.ask("/assignment", key="cab_pub_x", origin=SHOP, query_string=query)
    assert (reply.status_code, opened_to(reply)) == (401, None)


def test_a_page_can_read_that_it_shows_no_key(audience: Audience):
    client = audience.owner.client
    # Given a process that knows the experiment's origins
    client.options(f"{audience.base}/assignment", headers={"Origin": SHOP, **PREFLIGHT})
    for origin, reads in ((SHOP, SHOP), (ELSEWHERE, None)):
        for headers in ({}, {"Authorization": "Bearer x"}):
            told = {"Origin": origin, **headers}
            reply = client.get(f"{audience.base}/assignment?unit_id=a", headers=told)
            assert (reply.status_code, opened_to(reply)) == (401, reads)


def test_an_api_key_opens_nothing_to_pages(audience: Audience):
    # Given an API key, which no browser should have, in a page of the key's origin
    headers = {"Authorization": f"Bearer {audience.owner.key}", "Origin": SHOP}
    client = audience.owner.client
    client.options(f"{audience.base}/assignment", headers={"Origin": SHOP, **PREFLIGHT})
    for query, status in (("?unit_id=a", 200), ("", 422)):
        reply = client.get(f"{audience.base}/assignment{query}", headers=headers)
        assert (reply.status_code, opened_to(reply)) == (status, None)


def test_refusals_of_a_video_can_be_read_as_the_video_can(audience: Audience, few):
    client = few()
    lead = ask(client, audience, "/play", Origin=SHOP).headers["Location"].removeprefix(SITE)
    place, _, token = lead.rpartition("/")
    wrong = f"{place}/x{token[1:]}"
    replies = [client.get(each, headers={"Origin": ELSEWHERE}) for each in (lead, wrong, wrong)]
    replies.append(client.get(lead, headers={"Origin": ELSEWHERE}))
    assert [each.status_code for each in replies] == [200, 404, 404, 429]
    assert [opened_to(each) for each in replies] == ["*"] * 4
