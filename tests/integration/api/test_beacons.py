"""Outcomes from browsers, over a socket: what counts, and that what is forged changes no sum."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import redis
import requests
from flask import Flask

from api.app import create_app
from service.jobs.context import Services
from service.unit_tokens import Stage, write_unit_token
from tests.integration.api.audience import SHOP, Audience, an_audience
from tests.integration.api.conftest import Visitor
from tests.integration.api.viewers import listening

ELSEWHERE = "https://elsewhere.example.com"


@dataclass
class Street:
    """A browser's way to an experiment, over a real socket."""

    url: str
    audience: Audience
    client: redis.Redis
    session: requests.Session = field(default_factory=requests.Session)

    def assign(self, unit_id: str) -> dict[str, Any]:
        path = f"{self.url}{self.audience.base}/assignment"
        query = {"unit_id": unit_id, "key": self.audience.key["key"]}
        reply = self.session.get(path, params=query, headers={"Origin": SHOP}, timeout=20)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def post(
        self, *items: Any, key: str | None = None, origin: str | None = SHOP, base: str = "",
        **headers: str,
    ) -> requests.Response:  # fmt: skip
        """What `sendBeacon` sends: text, with the key in the address."""
        sent = {"Content-Type": "text/plain;charset=UTF-8", **headers}
        if origin is not None:
            sent["Origin"] = origin
        query = {"key": self.audience.key["key"] if key is None else key}
        path = f"{self.url}{base or self.audience.base}/outcomes"
        body = json.dumps({"outcomes": list(items)}).encode()
        return self.session.post(path, params=query, data=body, headers=sent, timeout=20)

    def send(self, *items: Any, **options: Any) -> list[str]:
        """What became of each item: its status, or why it was rejected."""
        reply = self.post(*items, **options)
        assert reply.status_code == 200, reply.text
        return [each.get("reason", each["status"]) for each in reply.json()["results"]]

    def books(self) -> dict[str, Any]:
        """All that is counted and remembered of all experiments."""
        found = {}
        for name in sorted(self.client.keys("cab:*:experiment*")):
            kind = self.client.type(name)
            found[name] = self.client.hgetall(name) if kind == "hash" else self.client.dump(name)
        assert found
        return found


@pytest.fixture
def street(
    app: Flask, ann: Visitor, services: Services, redis_client: redis.Redis, socket_enabled
) -> Iterator[Street]:
    audience = an_audience(ann, services, redis_client, overrides={"tester": "A"})
    with listening(app) as url:
        yield Street(url, audience, redis_client)


def a_beacon(told: dict[str, Any], event: str = "e1", **more: Any) -> dict[str, Any]:
    """An outcome of a viewer who was assigned."""
    names = ("unit_id", "variant", "token")
    return {"event_id": event, **{name: told[name] for name in names}, **more}


def test_an_impression_and_watch_time_are_counted(street: Street):
    told = street.assign("观众 🎬")
    said = street.send(
        a_beacon(told, "e1", metric="watch", count=1),
        a_beacon(told, "e2", metric="watch", seconds=2.5),
        a_beacon(told, "e3", metric="watch", seconds=1.25),
        a_beacon(told, "e4", metric="clicks"),
    )
    assert said == ["accepted"] * 4
    book, arm = street.audience.book(), "AB".index(told["variant"])
    sums = {name: book.count(f"sum:{arm}:0:{name}") for name in ("sx", "sy", "sxx", "sxy")}
    assert sums == {"sx": 375, "sy": 1, "sxx": 375**2, "sxy": 375}
    assert (book.count(f"units:{arm}"), book.count(f"sum:{arm}:1:s")) == (1, 1)
    assert book.count(f"units:{1 - arm}") == 0


def test_without_a_pepper_tokens_are_signed_all_the_same(street: Street):
    # Given an installation that names no pepper
    services = street.audience.services
    bare = replace(services, settings=replace(services.settings, key_pepper=""))
    with listening(create_app(bare)) as url:
        there = Street(url, street.audience, street.client)
        told = there.assign("viewer-1")
        assert told["token"] != street.assign("viewer-1")["token"]
        assert there.send(a_beacon(told)) == ["accepted"]
        assert there.send(a_beacon(street.assign("viewer-2"))) == ["token_wrong"]


def test_a_replayed_beacon_counts_once(street: Street):
    told = street.assign("viewer-1")
    items = [a_beacon(told, str(n), metric="watch", seconds=1, count=1) for n in range(5)]
    assert street.send(*items) == ["accepted"] * 5
    before = street.books()
    for again in (items, items[::-1], items[2:3]):
        assert street.send(*again) == ["duplicate"] * len(again)
    # Nor by leaving out what the token tells
    bare = [{name: each[name] for name in each if name != "variant"} for each in items]
    assert street.send(*bare) == ["duplicate"] * 5
    # And with another content under the same id
    assert street.send(a_beacon(told, "1", metric="watch", seconds=9)) == ["event_id_reused"]
    assert street.books() == before


def test_forged_outcomes_change_no_sum(street: Street, bob: Visitor):
    # Given a viewer who was counted, another who was assigned, and another experiment
    services, client = street.audience.services, street.client
    told, other = street.assign("viewer-1"), street.assign("viewer-2")
    assert street.send(a_beacon(told, metric="watch", seconds=2, count=1)) == ["accepted"]
    theirs = an_audience(bob, services, client)
    there = Street(street.url, theirs, client)
    foreign = there.assign("viewer-1")
    twin = Stage(street.audience.job_id, "0" * 64, ("A", "B"))
    wrong = "B" if told["variant"] == "A" else "A"
    before = street.books()
    token = told["token"]
    flipped = f"{1 - int(token[0])}{token[1:]}"
    forged = {
        "no token": ({"token": None}, "token_missing"),
        "an empty token": ({"token": ""}, "token_missing"),
        "a changed token": (
            {"token": token[:-1] + ("A" if token[-1] != "A" else "B")},
            "token_wrong",
        ),
        "a token with another variant in it": ({"token": flipped}, "token_wrong"),
        "another viewer's token": ({"token": other["token"]}, "token_wrong"),
        "another experiment's token": ({"token": foreign["token"]}, "token_wrong"),
        "a token of another plan": (
            {"token": write_unit_token("a pepper", twin, "viewer-1", 0)},
            "token_wrong",
        ),
        "a token of another installation": (
            {"token": write_unit_token("guessed", twin, "viewer-1", 0)},
            "token_wrong",
        ),
        "the wrong variant": ({"variant": wrong}, "token_wrong"),
        "an unknown variant": ({"variant": "Z"}, "token_wrong"),
        "somebody who only tests": ({"unit_id": "tester"}, "override_unit"),
        "a correction": ({"correction": True}, "not_for_viewers"),
        "less than nothing": ({"metric": "watch", "value": -5}, "negative_value"),
    }
    # When each is sent alone and beside the others
    for what, (change, reason) in forged.items():
        assert street.send({**a_beacon(told, what), **change}) == [reason], what
    alike = [
        {**a_beacon(told, what), **change}
        for what, (change, _) in forged.items()
        if "unit_id" not in change
    ]
    assert set(street.send(*alike)) <= {reason for _, reason in forged.values()}
    # Figures of many as well
    for more in (
        {"batch_id": "b"},
        {"source": "s", "revision": 1},
        {"event_id": "e", **a_beacon(told)},
    ):
        figures = {"variant": "A", "units": 1000, "metrics": {"clicks": {"s": 900}}, **more}
        assert street.send(figures)[0] in {"invalid", "not_for_viewers"}
    # Then nothing at all has changed
    assert street.books() == before


def test_refused_requests_change_no_sum(street: Street, bob: Visitor):
    told = street.assign("viewer-1")
    services, client = street.audience.services, street.client
    theirs = an_audience(bob, services, client)
    elsewhere = street.audience.new_key(ELSEWHERE)
    revoked = street.audience.new_key()
    street.audience.owner.delete(f"{street.audience.base}/experiment/keys/{revoked['id']}")
    before, item = street.books(), a_beacon(told, metric="watch", seconds=2, count=1)
    many = [a_beacon(told, str(n)) for n in range(21)]
    two = [item, a_beacon(street.assign("viewer-2"), "e2")]
    large = a_beacon(told, "x", more="x" * 70_000)
    refused = {
        "no key": (street.post(item, key=""), 401),
        "a key that never was": (street.post(item, key="cab_pub_" + "0" * 32), 401),
        "a revoked key": (street.post(item, key=revoked["key"]), 401),
        "another experiment's key": (street.post(item, key=theirs.key["key"]), 403),
        "another experiment": (street.post(item, base=theirs.base), 403),
        "a key of another origin": (street.post(item, key=elsewhere["key"]), 403),
        "another origin": (street.post(item, origin=ELSEWHERE), 403),
        "an origin like it": (street.post(item, origin=f"{SHOP}.evil.example"), 403),
        "a hidden origin": (street.post(item, origin="null"), 403),
        "no origin": (street.post(item, origin=None), 403),
        "an API key in the address": (street.post(item, key=street.audience.owner.key), 401),
        "a form": (street.post(item, **{"Content-Type": "text/html"}), 415),
        "too many": (street.post(*many), 422),
        "two viewers": (street.post(*two), 422),
        "too large": (street.post(large), 413),
        "nothing": (street.post(), 422),
    }
    assert {what: reply.status_code for what, (reply, _) in refused.items()} == {
        what: status for what, (_, status) in refused.items()
    }
    assert street.books() == before
    # And the same outcome as it should be sent is counted
    assert street.send(item) == ["accepted"]


def test_a_refusal_says_what_would_help(street: Street, bob: Visitor):
    theirs = an_audience(bob, street.audience.services, street.client)
    revoked = street.audience.new_key()
    street.audience.owner.delete(f"{street.audience.base}/experiment/keys/{revoked['id']}")
    item = a_beacon(street.assign("viewer-1"))
    for refused, help_ in (
        (street.post(item, key=revoked["key"]), "POST /v1/jobs/{id}/experiment/keys"),
        (street.post(item, key="cab_pub_" + "0" * 32), "the whole of it"),
        (street.post(item, key=theirs.key["key"]), "of its own experiment"),
        (street.post(item, origin=ELSEWHERE), "Make a key"),
        (street.post(item, origin="null"), "Referrer-Policy"),
        (street.post(item, origin=None), "Referrer-Policy"),
    ):
        hint = refused.json()["hint"]
        assert help_ in hint
        # Nobody is led to put an API key into a page.
        assert "keys create" not in hint


def test_a_page_may_read_what_became_of_its_outcomes(street: Street):
    item = a_beacon(street.assign("viewer-1"))
    reply = street.post(item, **{"Content-Type": "application/json"})
    assert reply.headers["Access-Control-Allow-Origin"] == SHOP
    assert reply.json()["accepted"] == 1
    asked = {"Access-Control-Request-Method": "POST", "Origin": SHOP}
    path = f"{street.url}{street.audience.base}/outcomes"
    assert requests.options(path, headers=asked, timeout=20).status_code == 204


def test_nobody_takes_the_events_of_others(street: Street):
    # Given a forger with a token of their own who guesses the ids of others' events
    forger, viewer = street.assign("forger"), street.assign("viewer-1")
    assert street.send(a_beacon(forger, "order-1")) == ["accepted"]
    # Then the viewer's own event counts, and so does the service's
    assert street.send(a_beacon(viewer, "order-1")) == ["accepted"]
    item = {"event_id": "order-1", "unit_id": "viewer-3", "variant": "A"}
    reply = street.audience.owner.post(
        f"{street.audience.base}/outcomes", json={"outcomes": [item]}
    )
    assert reply.get_json()["accepted"] == 1


def test_a_viewer_cannot_outweigh_the_others(street: Street):
    # Given one who sends as much as they can
    told = street.assign("viewer-1")
    for n in range(8):
        items = [
            a_beacon(told, f"{n}-{m}", metric="watch", value=94_906_265, count=50)
            for m in range(20)
        ]
        street.send(*items)
    # Then they count as fifty impressions of the longest watch time
    book, arm = street.audience.book(), "AB".index(told["variant"])
    assert book.count(f"units:{arm}") == 1
    assert book.count(f"sum:{arm}:0:sy") == 50
    assert book.count(f"sum:{arm}:0:sx") <= 50 * 3000


def test_a_service_cannot_count_testers_either(street: Street):
    before = street.books()
    item = {"event_id": "e", "unit_id": "tester", "variant": "A"}
    reply = street.audience.owner.post(
        f"{street.audience.base}/outcomes", json={"outcomes": [item]}
    )
    (result,) = reply.get_json()["results"]
    assert (result["reason"], result["pointer"]) == ("override_unit", "#/outcomes/0/unit_id")
    assert street.books() == before
