"""The log of deliveries over HTTP: pages, filters, one with its tries, replays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from api.app import create_app
from api.deliveries import MAX_READS
from service.jobs.advance import advance
from service.outbound.guard import Policy
from service.outbound.session import open_session
from tests.integration.api.conftest import JOB, Visitor
from tests.receiver import Receiver


@pytest.fixture
def receiver():
    with Receiver() as running:
        yield running


@pytest.fixture
def app(services, receiver):
    """An app, and workers, for which the receiver is a place to call."""
    policy = Policy("caller", allow_http=True, loopback_ports=frozenset({receiver.port}))
    session = open_session(policy, connect_s=3, read_s=5)
    return create_app(replace(services, caller_policy=policy, caller_session=session))


@pytest.fixture
def endpoint(ann, receiver) -> str:
    made = ann.post("/v1/webhook-endpoints", json={"url": receiver.url})
    assert made.status_code == 201, made.json
    return made.json["links"]["self"].removeprefix("https://ab.example.com")


@pytest.fixture
def send(services, app):
    """Send what is due, as a hooks worker does."""
    parts = app.extensions["caption_ab"].services

    def work() -> None:
        for _ in range(100):
            now_ms = services.clock.now_ms()
            due = services.connection.client.zrange("cab:due", "-inf", now_ms, byscore=True)
            rows = [row for row in due if row.startswith(("event:", "delivery:"))]
            if not rows:
                return
            for row in rows:
                advance(row, parts)

    return work


def accept(who: Visitor) -> str:
    return who.post("/v1/jobs", json=JOB).json["id"]


def listed(who: Visitor, endpoint: str, query: str = "") -> list[dict]:
    return who.get(f"{endpoint}/deliveries{query}").json["data"]


def test_a_test_event_is_shown_with_what_came_of_it(ann, endpoint, receiver, send):
    # When a test is asked for, then its delivery is on its way,
    answer = ann.post(f"{endpoint}/test")
    assert (answer.status_code, answer.json["status"]) == (202, "pending")
    assert answer.json["type"] == "webhook.test"
    where = answer.headers["Location"].removeprefix("https://ab.example.com")
    # and when it was sent, the delivery says how it went.
    send()
    shown = ann.get(where).json
    assert (shown["status"], shown["job_id"], shown["next_attempt_at"]) == ("delivered", None, None)
    [tried] = shown["attempts"]
    assert (tried["status"], tried["trigger"], tried["error"]) == (200, "manual", None)
    assert len(receiver.received) == 1


def test_pages_follow_each_other_and_filters_choose(ann, endpoint, receiver, send):
    # Given seven deliveries, three of which failed
    receiver.then(200, 500, 200, 500, 200, 500, 200)
    for _ in range(7):
        accept(ann)
        send()
    # Then they come page by page, the newest first, each once,
    seen, query = [], "?limit=3"
    while query:
        answer = ann.get(f"{endpoint}/deliveries{query}").json
        seen += [each["id"] for each in answer["data"]]
        query = f"?limit=3&cursor={answer['next_cursor']}" if answer["next_cursor"] else ""
    whole = listed(ann, endpoint)
    assert seen == [each["id"] for each in whole]
    assert len(set(seen)) == 7
    # and a filter chooses, page by page too.
    failed = [each["id"] for each in whole if each["status"] == "pending"]
    assert len(failed) == 3
    first = ann.get(f"{endpoint}/deliveries?status=pending&limit=2")
    rest = ann.get(first.headers["Link"].split(">")[0].removeprefix("<https://ab.example.com"))
    assert [each["id"] for each in (*first.json["data"], *rest.json["data"])] == failed
    # A page behind which nothing fits has no next one.
    assert rest.json["next_cursor"] is None
    full = ann.get(f"{endpoint}/deliveries?status=pending&limit=3").json
    assert (len(full["data"]), full["next_cursor"]) == (3, None)
    assert listed(ann, endpoint, "?status=failed") == []
    # A time keeps out what was made before it.
    since = whole[2]["created_at"]
    assert [each["id"] for each in listed(ann, endpoint, f"?since={since}")] == seen[:3]
    assert listed(ann, endpoint, "?since=2100-01-01T00:00:00Z") == []


def test_one_that_failed_long_ago_is_found_page_by_page(ann, endpoint, receiver, send):
    # Given a failed delivery behind more newer ones than one page of a filtered list reads
    receiver.then(500)
    ann.post(f"{endpoint}/test")
    send()
    for _ in range(2 * MAX_READS + 1):
        ann.post(f"{endpoint}/test")
    send()
    # Then a page may be empty, but says that the list goes on until the delivery is shown.
    seen, pages, query = [], 0, "?status=failed&limit=1"
    while query:
        answer = ann.get(f"{endpoint}/deliveries{query}").json
        seen += [each["status"] for each in answer["data"]]
        cursor, pages = answer["next_cursor"], pages + 1
        query = f"?status=failed&limit=1&cursor={cursor}" if cursor else ""
    assert seen == ["failed"]
    assert pages > 1


@pytest.mark.parametrize("query", ["?status=lost", "?since=yesterday", "?limit=0", "?cursor=x"])
def test_a_filter_that_is_none_is_refused(ann, endpoint, query):
    assert ann.get(f"{endpoint}/deliveries{query}").status_code == 422


def test_one_that_failed_is_sent_again_when_asked_for(ann, endpoint, receiver, send):
    # Given a delivery that failed, whose receiver said why
    receiver.then(500)
    job = accept(ann)
    send()
    [waiting] = listed(ann, endpoint)
    assert (waiting["job_id"], waiting["sequence"], waiting["status"]) == (job, 1, "pending")
    # When it is asked for, then it is sent now,
    answer = ann.post(f"{endpoint}/deliveries/{waiting['id']}/replay")
    assert (answer.status_code, answer.json["status"]) == (202, "pending")
    send()
    shown = ann.get(f"{endpoint}/deliveries/{waiting['id']}").json
    assert shown["status"] == "delivered"
    assert [each["trigger"] for each in shown["attempts"]] == ["scheduled", "manual"]
    # and once for each Idempotency-Key.
    keyed = {"Idempotency-Key": "again"}
    for _ in range(2):
        ann.post(f"{endpoint}/deliveries/{waiting['id']}/replay", headers=keyed)
        send()
    assert len(receiver.received) == 3


def test_all_that_failed_since_a_time_are_sent_again(ann, endpoint, receiver, send, services):
    receiver.then(410)
    accept(ann)
    send()
    # Given an endpoint that was switched off, nothing is sent to it;
    body = {"since": "2026-01-01T00:00:00Z"}
    refused = ann.post(f"{endpoint}/replay", json=body)
    assert (refused.status_code, refused.json["code"]) == (409, "conflict")
    shown = ann.get(endpoint).json
    assert (shown["enabled"], shown["disabled"]["reason"]) == (False, "gone")
    # when it is on again, what has failed is.
    ann.open(endpoint, "PATCH", json={"enabled": True})
    answer = ann.post(f"{endpoint}/replay", json=body)
    assert (answer.status_code, answer.json["asked"], answer.json["left"]) == (202, 1, 0)
    send()
    assert [each["status"] for each in listed(ann, endpoint)] == ["delivered"]


@pytest.mark.parametrize(
    "name", ["x", "job_x.1.job", "cut:job_1.0.A.1", "job_00000000000000000000000001.1.job"]
)
def test_a_delivery_that_is_none_is_not_found(ann, endpoint, name):
    for method, rest in (("GET", ""), ("POST", "/replay")):
        assert ann.open(f"{endpoint}/deliveries/{name}{rest}", method).status_code == 404
