"""Rates of a key: what headers say, when 429 comes and ends, and what happens without Redis."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import redis

from api.app import create_app
from service.clock import FakeClock
from service.store.connection import Connection
from service.throttle import REST_S, Throttle
from tests.integration.api.conftest import JOB, Visitor

_LIMIT = re.compile(r'"default";r=(\d+);t=(\d+)')


@pytest.fixture
def clock(services) -> FakeClock:
    """At the beginning of a minute."""
    return FakeClock(services.clock.now_ms() // 60_000 * 60_000)


def a_throttle(services, clock: FakeClock, limit: int) -> Throttle:
    settings = replace(services.settings, key_requests_per_minute=limit)
    return Throttle(services.connection, settings, clock)


def allowed(throttle: Throttle, times: int, key: str = "key_1") -> int:
    return sum(throttle.take(key).allowed for _ in range(times))


class TestHeaders:
    def test_every_keyed_answer_says_what_is_left(self, ann: Visitor):
        replies = [ann.get("/v1/limits") for _ in range(3)] + [ann.get("/v1/nothing")]
        for reply in replies:
            assert reply.headers["RateLimit-Policy"] == '"default";q=600;w=60'
            assert "Retry-After" not in reply.headers
        left = [int(_LIMIT.fullmatch(each.headers["RateLimit"]).group(1)) for each in replies]
        assert left == sorted(left, reverse=True)

    def test_an_answer_without_a_key_says_nothing(self, ann: Visitor):
        for path in ("/livez", "/v1/jobs"):
            assert "RateLimit" not in ann.client.get(path).headers

    def test_the_request_too_many_is_told_when_to_come_again(self, ann: Visitor, services):
        # Given a key that may send three requests in a minute
        few = replace(services.settings, key_requests_per_minute=3)
        ann = replace(ann, client=create_app(replace(services, settings=few)).test_client())
        replies = [ann.get("/v1/limits") for _ in range(9)]
        # Then the rest is refused, and Retry-After is the end of the minute, never before it
        refused = [each for each in replies if each.status_code == 429]
        assert len(refused) >= 3  # a minute may have ended in between
        for reply in refused:
            left, until_s = _LIMIT.fullmatch(reply.headers["RateLimit"]).groups()
            assert (left, reply.headers["Retry-After"]) == ("0", until_s)
            assert 1 <= int(until_s) <= 60
            body = reply.get_json()
            assert (body["code"], body["violated-policies"]) == ("rate_exceeded", ["default"])
            assert body["retryable"] is True

    def test_too_many_jobs_name_the_limit_they_meet(self, ann: Visitor, services):
        few = replace(services.settings, key_jobs_per_minute=1)
        ann = replace(ann, client=create_app(replace(services, settings=few)).test_client())
        assert ann.post("/v1/jobs", json=JOB).status_code == 202
        reply = ann.post("/v1/jobs", json=JOB)
        body, wait_s = reply.get_json(), reply.headers["Retry-After"]
        assert (reply.status_code, body["violated-policies"]) == (429, ["jobs"])
        assert reply.headers["RateLimit"] == f'"jobs";r=0;t={wait_s}'
        assert 50 <= int(wait_s) <= 60


class TestQuotas:
    def test_credits_of_the_month_are_refused_with_403(self, ann: Visitor, services):
        few = replace(services.settings, key_month_credits=150)
        ann = replace(ann, client=create_app(replace(services, settings=few)).test_client())
        assert ann.post("/v1/jobs", json=JOB).status_code == 202  # expected to cost 100
        reply = ann.post("/v1/jobs", json=JOB)
        body = reply.get_json()
        assert (reply.status_code, body["code"]) == (403, "credit_quota_exceeded")
        assert (body["credits"], body["month_credits"], body["taken_credits"]) == (100, 150, 100)
        assert body["violated-policies"] == ["key-month-credits"]
        assert "Retry-After" not in reply.headers

    def test_the_limits_of_a_key_are_shown_to_it(self, ann: Visitor):
        body = ann.get("/v1/limits").get_json()
        assert body["requests_per_minute"] == 600
        assert body["key"] == {"jobs_per_minute": 60, "open_jobs": 0, "month_credits": 0}


class TestCounting:
    def test_a_key_passes_as_often_as_it_may_in_each_minute(self, services, clock):
        throttle = a_throttle(services, clock, 50)
        assert allowed(throttle, 80) == 50
        clock.advance(59.9)
        assert allowed(throttle, 10) == 0
        clock.advance(0.1)
        assert allowed(throttle, 80) == 50

    def test_another_key_is_counted_apart(self, services, clock):
        throttle = a_throttle(services, clock, 10)
        assert allowed(throttle, 20) == allowed(throttle, 20, "key_2") == 10

    def test_two_processes_count_together(self, services, clock):
        # Given two processes that take requests of one key in turn
        first, second = (a_throttle(services, clock, 1000) for _ in range(2))
        passed = sum(allowed(each, 1) for _ in range(800) for each in (first, second))
        # Then a hundredth of the limit more may pass for each at most
        assert 1000 <= passed <= 1020

    def test_redis_is_asked_once_in_a_hundredth_of_the_limit(
        self, services, clock, redis_client: redis.Redis
    ):
        # Given a key that sends 100 of its 600 requests, and one that sends five
        throttle = a_throttle(services, clock, 600)
        redis_client.config_resetstat()
        allowed(throttle, 100)
        allowed(throttle, 5, "key_2")
        # Then the counts are written 16 times, and end by themselves
        calls = redis_client.info("commandstats")["cmdstat_incrby"]["calls"]
        assert calls == 16
        (name,) = redis_client.keys("cab:requests:*")
        assert 0 < redis_client.ttl(name) <= 120

    def test_no_limit_counts_nothing(self, services, clock):
        assert a_throttle(services, clock, 0).take("key_1") is None

    def test_without_redis_each_process_goes_on_alone(self, services, clock, tmp_path):
        # Given a Redis that is away
        away = redis.Redis(unix_socket_path=str(tmp_path / "none"))
        settings = replace(services.settings, key_requests_per_minute=20)
        connection = Connection(away, settings, clock)
        throttle = Throttle(connection, settings, clock)
        # Then requests pass as they may, and Redis is not asked for each of them
        assert allowed(throttle, 30) == 20
        assert connection.outages == 1
        clock.advance(60 + REST_S)
        assert allowed(throttle, 30) == 20
        assert connection.outages == 2
