"""How an endpoint is switched off, and what becomes of what is on its way to it."""

from __future__ import annotations

import pytest

from tests.builders import TENANT
from tests.receiver import Receiver, Reply

FAILS = [500] * 2000


def test_gone_switches_it_off_at_once_and_the_others_are_told(make_post):
    with Receiver(replies=[500, 410]) as receiver, Receiver() as other:
        post = make_post(receiver, other)
        endpoint = post.endpoint(receiver)
        listener = post.endpoint(other, "endpoint.*")
        # Given a delivery that waits for its next try, when the next one is answered 410,
        job = post.accept()
        post.send()
        post.happen(job)
        post.send()
        # Then it is off and says so, both deliveries have ended, and nothing more is sent.
        shown = post.read(endpoint)
        assert (shown.enabled, shown.disabled_reason, shown.last_error) == (
            False,
            "gone",
            "HTTP 410",
        )
        assert post.states(endpoint) == ["disabled", "disabled"]
        post.happen(job)
        post.pass_hours(24, of=1)
        assert len(receiver.received) == 2
        # And the tenant's other endpoint was told, once.
        [told] = other.received
        assert told.verify(post.secrets[listener], check_time=False)
        assert (told.event["type"], told.event["sequence"]) == ("endpoint.disabled", 0)
        assert told.event["data"]["endpoint_id"] == endpoint
        assert told.event["data"]["reason"] == "gone"


def test_days_of_failures_switch_it_off_and_the_others_are_told(make_post):
    with Receiver(replies=FAILS) as receiver, Receiver() as other:
        post = make_post(receiver, other, webhook_jitter=0.0)
        endpoint = post.endpoint(receiver)
        post.endpoint(other, "endpoint.disabled")
        # When something happens twice a day and every try fails,
        started_ms = post.clock.now_ms()
        job = post.accept()
        post.send()
        for _ in range(9):
            post.pass_hours(12, of=1)
            post.happen(job)
            post.send()
        # Then for five days it is tried,
        assert post.read(endpoint).enabled
        assert other.received == []
        post.pass_hours(12, of=0.5)
        post.happen(job)
        post.send()
        # and then no more.
        shown = post.read(endpoint)
        assert (shown.enabled, shown.disabled_reason) == (False, "failing")
        assert shown.disabled_since_ms == started_ms
        assert [each.event["data"]["reason"] for each in other.received] == ["failing"]
        assert "pending" not in post.states(endpoint)
        count = len(receiver.received)
        post.happen(job)
        post.pass_hours(48, of=4)
        assert len(receiver.received) == count


def test_a_success_between_keeps_it_on(make_post):
    with Receiver() as receiver:
        post = make_post(receiver, webhook_jitter=0.0, webhook_schedule_s=(0.0,))
        endpoint = post.endpoint(receiver)
        job = post.accept()
        post.send()
        for day in range(8):
            receiver.then(200 if day == 3 else 500)
            post.clock.advance(86_400)
            post.happen(job)
            post.send()
        assert post.read(endpoint).enabled
        assert post.read(endpoint).failing_since_ms > 0


def test_what_was_seen_before_a_success_switches_nothing_off(make_post):
    # Given an endpoint that has failed for more than five days,
    with Receiver(replies=[500]) as receiver:
        post = make_post(receiver)
        endpoint = post.endpoint(receiver)
        now_ms = post.clock.now_ms()
        since = {"failing_since": now_ms - 6 * 86_400_000, "failed_last": now_ms - 1000}
        post.client.hset(f"cab:endpoint:{endpoint}", mapping=since)
        post.accept()
        # When another delivery succeeds after a worker has looked and before it writes,
        record = post.services.deliveries.record_attempt

        def late(claim, **told):
            post.client.hdel(f"cab:endpoint:{endpoint}", "failing_since")
            return record(claim, **told)

        post.services.deliveries.record_attempt = late
        post.send()
        # Then the success counts.
        assert len(receiver.received) == 1
        assert post.read(endpoint).enabled


def test_a_410_of_an_address_that_was_changed_meanwhile_does_not_count(make_post):
    with Receiver(replies=[Reply(410)]) as old, Receiver() as new:
        post = make_post(old, new)
        endpoint = post.endpoint(old)
        post.accept()
        record = post.services.deliveries.record_attempt

        def late(claim, **told):
            post.change(endpoint, url=new.url)
            return record(claim, **told)

        post.services.deliveries.record_attempt = late
        post.send()
        assert post.read(endpoint).enabled


@pytest.mark.parametrize("end", ["off", "deleted", "off and on"])
def test_what_is_on_its_way_ends_with_it(make_post, end):
    # Given a delivery that waits for its next try,
    with Receiver(replies=[500]) as receiver:
        post = make_post(receiver)
        endpoint = post.endpoint(receiver)
        post.accept()
        post.send()
        [waiting] = post.deliveries(endpoint)
        assert waiting.state == "pending"
        # When the endpoint is switched off, deleted, or switched off and on again,
        if end == "deleted":
            post.services.endpoints.drop(TENANT, endpoint, now_ms=post.clock.now_ms())
        else:
            post.change(endpoint, enabled=False)
        if end == "off and on":
            post.change(endpoint, enabled=True)
        post.send()
        # Then it has ended at once and is never sent.
        assert post.client.hget(f"cab:row:{waiting.row}", "state") == "disabled"
        post.pass_hours(4)
        assert len(receiver.received) == 1


def test_a_delivery_follows_its_endpoint_to_a_new_address(make_post):
    with Receiver(replies=[500]) as old, Receiver() as new:
        post = make_post(old, new)
        endpoint = post.endpoint(old)
        post.accept()
        post.send()
        post.change(endpoint, url=new.url)
        post.clock.advance(10)
        post.send()
        assert (len(old.received), len(new.received)) == (1, 1)
        assert post.states(endpoint) == ["delivered"]


def test_the_webhook_of_a_job_that_is_gone_leaves_endpoints_as_they_are(make_post):
    with Receiver(replies=[410]) as own, Receiver() as receiver:
        post = make_post(own, receiver)
        post.endpoint(receiver)
        job = post.accept(webhook=own.url)
        post.send()
        post.happen(job)
        post.send()
        assert (len(own.received), len(receiver.received)) == (1, 2)
