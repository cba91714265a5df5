"""Outcomes as bad callers send them, through HTTP on a real socket: no sum is ever spoiled."""

from __future__ import annotations

import pytest

from service.experiments.outcomes import MOST_OF_UNIT
from tests.integration.api.viewers import (
    FIRST,
    running_experiment,  # noqa: F401  a fixture
    some_time_ago,
)
from tests.outcomes import a_batch, an_outcome, figures

BAD = [
    (an_outcome("x", "u", metric="watch", value=-1), "negative_value", "/value"),
    (an_outcome("x", "u", metric="watch", seconds=-0.5), "negative_value", "/seconds"),
    (an_outcome("x", "u", metric="per_view", count=-1), "negative_value", "/count"),
    (a_batch("x", -5), "negative_value", "/units"),
    (a_batch("x", 5, metrics={"clicks": {"s": -1}}), "negative_value", "/metrics/clicks/s"),
    (an_outcome("x", "u", "C"), "unknown_variant", "/variant"),
    (a_batch("x", 5, "a"), "unknown_variant", "/variant"),
    (an_outcome("x", "u", metric="likes"), "unknown_metric", "/metric"),
    (a_batch("x", 5, metrics={"likes": {"s": 1}}), "unknown_metric", "/metrics"),
    (an_outcome("x", "u", occurred_at=some_time_ago(days=-3650)), "in_future", "/occurred_at"),
    (an_outcome("x", "u", occurred_at=some_time_ago(days=-1)), "in_future", "/occurred_at"),
    (a_batch("x", 5, occurred_at="9999-12-31T23:59:59Z"), "in_future", "/occurred_at"),
    (an_outcome("x", "u", occurred_at=some_time_ago(minutes=9)), "before_start", "/occurred_at"),
    (an_outcome("x", "u", occurred_at="2026-01-01T00:00:00"), "invalid", "/occurred_at"),
    (an_outcome("x", "u", metric="spent", value=MOST_OF_UNIT + 1), "value_too_large", "/value"),
    (an_outcome("x", "u", metric="spent", value=10**40), "value_too_large", "/value"),
    (an_outcome("x", "u", metric="spent", seconds=1e6), "value_too_large", "/seconds"),
    (an_outcome("x", "u", metric="spent", seconds=1e308), "invalid", "/seconds"),
    (an_outcome("x", "u", metric="watch", value=1.5), "invalid", "/value"),
    (an_outcome("x", "u", metric="watch", value="10"), "invalid", "/value"),
    (an_outcome("x", "u", metric="watch", value=True), "invalid", "/value"),
    (an_outcome("x", "u", metric="watch"), "invalid", "/value"),
    (an_outcome("x", "u", metric="clicks", value=2), "invalid", "/value"),
    (an_outcome("x", ""), "invalid", "/unit_id"),
    (an_outcome("x", "u" * 201), "invalid", "/unit_id"),
    ({"unit_id": "u", "variant": "A"}, "invalid", "/event_id"),
    (an_outcome("x", "u", metric="clicks", note="hi"), "invalid", "/note"),
    (a_batch("x", 10**13), "invalid", "/units"),
    (a_batch("x", 5, metrics={"clicks": {"s": 6}}), "sums_contradict", "/metrics/clicks/s"),
    (a_batch("x", 5, metrics={"spent": {"sum": 9}}), "squares_missing",
     "/metrics/spent/sum_squares"),
    (a_batch("x", 5, metrics={"spent": {"sum": 2**70, "sum_squares": 1}}), "invalid",
     "/metrics/spent/sum"),
    (a_batch("x", 5, metrics={"spent": {"sum": 9, "sum_squares": 1}}), "sums_contradict",
     "/metrics/spent/sum_squares"),
    (figures(-1, 5), "invalid", "/revision"),
    ({"source": "s", "revision": 1, "units": 1}, "unknown_variant", "/variant"),
    (7, "invalid", ""),
    (None, "invalid", ""),
    ([an_outcome("x", "u")], "invalid", ""),
    ({}, "invalid", "/event_id"),
]  # fmt: skip


@pytest.mark.parametrize(("item", "reason", "below"), BAD)
def test_what_is_wrong_is_refused_with_its_reason_and_place(running, item, reason, below):
    before = running.tallies()
    # Given a bad item between two that were counted
    reply = running.ask("POST", "/outcomes", json={"outcomes": [FIRST[0], item, FIRST[1]]})
    # Then each has its own answer, and no sum has changed
    body = reply.json()
    assert reply.status_code == 200, body
    assert (body["accepted"], body["duplicates"], body["rejected"]) == (0, 2, 1)
    assert [each["status"] for each in body["results"]] == ["duplicate", "rejected", "duplicate"]
    refused = body["results"][1]
    assert (refused["reason"], refused["pointer"]) == (reason, f"#/outcomes/1{below}")
    assert refused["detail"]
    assert running.tallies() == before
    # And the same request with something good in it still counts that.
    assert running.send(item, an_outcome("good", "ua", metric="watch", value=7)) == [
        reason, "accepted",
    ]  # fmt: skip
    assert running.tallies()[0]["sums"]["watch"]["s1"] == 7


def test_clocks_of_viewers_may_differ_by_five_minutes(running):
    said = running.send(
        an_outcome("x1", "u1", occurred_at=some_time_ago(minutes=-4)),
        an_outcome("x2", "u2", occurred_at=some_time_ago(minutes=4)),
        an_outcome("x3", "u3", occurred_at=some_time_ago(minutes=-6)),
        an_outcome("x4", "u4", occurred_at=some_time_ago(minutes=6)),
    )
    assert said == ["accepted", "accepted", "in_future", "before_start"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"outcomes": []},
        {"outcomes": "many"},
        {"outcomes": {"0": FIRST[0]}},
        {"outcomes": None},
        {"outcomes": [an_outcome("x", "u")], "mode": "fast"},
        [an_outcome("x", "u")],
        an_outcome("x", "u"),
        {"outcomes": [an_outcome(f"x{n}", f"u{n}") for n in range(1001)]},
    ],
    ids=["nothing", "none", "text", "object", "null", "more", "a list", "one", "1,001"],
)
def test_what_is_no_list_of_1_to_1000_is_refused_whole(running, body):
    before = running.tallies()
    reply = running.ask("POST", "/outcomes", json=body)
    problem = reply.json()
    assert (reply.status_code, problem["code"]) == (422, "invalid_request")
    (error,) = problem["errors"]
    assert error["pointer"] == ("#/mode" if "mode" in body else "#/outcomes")
    assert error["detail"]
    assert problem["hint"]
    assert running.tallies() == before


@pytest.mark.parametrize(
    ("data", "kind", "status"),
    [
        (b'{"outcomes": [', "application/json", 400),
        (b'{"outcomes": [{"event_id": NaN}]}', "application/json", 400),
        (b"", "application/json", 400),
        (b'{"outcomes": []}', "text/csv", 415),
        (b'{"outcomes": [{"unit_id": "\\ud800"}]}', "application/json", 422),
        (b'{"outcomes": ["' + b"x" * 1_000_000 + b'"]}', "application/json", 413),
    ],
)
def test_what_cannot_be_read_is_refused(running, data, kind, status):
    before = running.tallies()
    reply = running.ask("POST", "/outcomes", data=data, headers={"Content-Type": kind})
    assert reply.status_code == status, reply.text
    assert running.tallies() == before
