"""Tries that somebody asks for: tests, replays of one, replays of all that failed since a time."""

from __future__ import annotations

import pytest

from service.errors import Conflict
from service.jobs.advance import advance
from service.model.delivery import OLD_REPLY_CHARS, REPLY_CHARS
from service.webhooks.endpoints import Replayed, replay_since
from tests.builders import TENANT
from tests.integration.store.invariants import keys_that_stay
from tests.receiver import Receiver, Reply

ONE_TRY = {"webhook_schedule_s": (0.0,)}


def replay(post, endpoint: str, row: str) -> bool:
    return post.services.deliveries.replay(TENANT, endpoint, row, now_ms=post.clock.now_ms())


def triggers(delivery) -> list[str]:
    return [each.trigger.value for each in delivery.doc.attempts]


class TestTesting:
    def test_it_goes_to_that_endpoint_alone_whatever_it_listens_to(self, make_post):
        with Receiver() as receiver, Receiver() as other:
            post = make_post(receiver, other)
            endpoint = post.endpoint(receiver, "cut.failed")
            post.endpoint(other, "*")
            post.test(endpoint)
            post.send()
            [got] = receiver.received
            assert other.received == []
            assert got.verify(post.secrets[endpoint], check_time=False)
            assert got.event["type"] == "webhook.test"
            assert got.event["data"] == {"endpoint_id": endpoint}
            [shown] = post.deliveries(endpoint)
            assert (shown.state, triggers(shown)) == ("delivered", ["manual"])

    def test_one_that_fails_is_tried_once_and_counts_against_nobody(self, make_post):
        with Receiver(replies=[500]) as receiver:
            post = make_post(receiver)
            endpoint = post.endpoint(receiver)
            row = post.test(endpoint)
            post.send()
            post.pass_hours(3)
            assert len(receiver.received) == 1
            assert post.states(endpoint) == ["failed"]
            shown = post.read(endpoint)
            assert (shown.failing_since_ms, shown.last_error) == (0, "HTTP 500")
            # It belongs to no job, and does not stay for ever.
            assert post.client.pttl(f"cab:row:{row}") > 0
            assert keys_that_stay(post.client) == set()

    @pytest.mark.parametrize("sent", [True, False])
    def test_however_many_there_are_no_more_stay_than_the_list_has(self, make_post, sent):
        with Receiver() as receiver:
            post = make_post(receiver, webhook_log=3)
            endpoint = post.endpoint(receiver)
            rows = []
            for _ in range(6):
                rows.append(post.test(endpoint))
                post.clock.advance(0.001)
                if sent:
                    post.send()
            # What has left the list has left the store too, sent or not,
            there = [row for row in rows if post.client.exists(f"cab:row:{row}")]
            assert there == rows[-3:]
            # and the rest goes its way.
            post.send()
            assert post.states(endpoint) == ["delivered"] * 3
            assert len(receiver.received) == (6 if sent else 3)

    def test_an_endpoint_that_is_off_is_not_tested(self, make_post):
        with Receiver() as receiver:
            post = make_post(receiver)
            endpoint = post.endpoint(receiver, enabled=False)
            with pytest.raises(Conflict):
                post.test(endpoint)


class TestOne:
    def test_a_failed_one_is_tried_once_more_with_the_same_bytes(self, make_post):
        with Receiver(replies=[500, 500]) as receiver:
            post = make_post(receiver, **ONE_TRY)
            endpoint = post.endpoint(receiver)
            post.accept()
            post.send()
            [failed] = post.deliveries(endpoint)
            assert failed.state == "failed"
            # When it is asked for, it is tried and not again by itself,
            assert replay(post, endpoint, failed.row)
            post.send()
            post.pass_hours(3)
            assert post.states(endpoint) == ["failed"]
            # and when it is asked for once more it arrives.
            replay(post, endpoint, failed.row)
            post.send()
            [shown] = post.deliveries(endpoint)
            assert (shown.state, triggers(shown)) == (
                "delivered",
                ["scheduled", "manual", "manual"],
            )
            assert len({each.body for each in receiver.received}) == 1
            assert len({each.headers["webhook-id"] for each in receiver.received}) == 1

    def test_one_that_waits_keeps_its_schedule(self, make_post):
        with Receiver(replies=[500, 500, 500]) as receiver:
            post = make_post(receiver, webhook_jitter=0.0, webhook_schedule_s=(0.0, 600.0, 600.0))
            endpoint = post.endpoint(receiver)
            post.accept()
            post.send()
            [waiting] = post.deliveries(endpoint)
            # When it is asked for while it waits, twice,
            post.clock.advance(60)
            assert replay(post, endpoint, waiting.row)
            assert not replay(post, endpoint, waiting.row)
            post.send()
            # Then one try was made, and the next comes when it was due before,
            [shown] = post.deliveries(endpoint)
            assert (triggers(shown), shown.next_ms) == (["scheduled", "manual"], waiting.next_ms)
            # and the schedule has as many tries as ever.
            post.pass_hours(2, of=0.1)
            [shown] = post.deliveries(endpoint)
            assert triggers(shown) == ["scheduled", "manual", "scheduled", "scheduled"]
            assert shown.state == "delivered"

    def test_one_that_arrives_by_hand_is_not_sent_again(self, make_post):
        with Receiver(replies=[500]) as receiver:
            post = make_post(receiver)
            endpoint = post.endpoint(receiver)
            post.accept()
            post.send()
            [waiting] = post.deliveries(endpoint)
            replay(post, endpoint, waiting.row)
            post.send()
            post.pass_hours(3)
            assert len(receiver.received) == 2
            assert post.states(endpoint) == ["delivered"]

    def test_an_endpoint_that_was_switched_on_again_is_sent_what_is_asked_for(self, make_post):
        with Receiver(replies=[500]) as receiver:
            post = make_post(receiver)
            endpoint = post.endpoint(receiver)
            post.accept()
            post.send()
            post.change(endpoint, enabled=False)
            post.send()
            [ended] = post.deliveries(endpoint)
            with pytest.raises(Conflict):
                replay(post, endpoint, ended.row)
            # When it is on again nothing comes by itself; a replay sends it.
            post.change(endpoint, enabled=True)
            post.pass_hours(3)
            assert len(receiver.received) == 1
            replay(post, endpoint, ended.row)
            post.send()
            assert post.states(endpoint) == ["delivered"]


class TestSince:
    def test_what_failed_is_sent_the_oldest_first_and_what_arrived_is_not(self, make_post):
        with Receiver(replies=[500, 500, 200, 500]) as receiver:
            post = make_post(receiver, **ONE_TRY)
            endpoint = post.endpoint(receiver)
            job = post.accept()
            post.send()
            post.clock.advance(60)
            since_ms = post.clock.now_ms()
            for _ in range(3):
                post.happen(job)
                post.send()
            assert post.states(endpoint) == ["failed", "failed", "delivered", "failed"]
            # When what failed since a time is asked for,
            assert replay_since(TENANT, endpoint, since_ms, post.services) == Replayed(2, 0)
            post.send()
            # Then those two came, in order, and what was before the time did not.
            assert [each.event["sequence"] for each in receiver.received[4:]] == [2, 4]
            assert post.states(endpoint) == ["failed", "delivered", "delivered", "delivered"]
            assert replay_since(TENANT, endpoint, since_ms, post.services) == Replayed(0, 0)

    def test_what_waits_for_its_next_try_is_sent_now_and_keeps_its_schedule(self, make_post):
        with Receiver(replies=[500, 500]) as receiver:
            post = make_post(receiver, webhook_jitter=0.0, webhook_schedule_s=(0.0, 600.0))
            endpoint = post.endpoint(receiver)
            # Given a delivery that has failed and waits
            post.accept()
            post.send()
            [waiting] = post.deliveries(endpoint)
            post.clock.advance(60)
            # When what has failed is asked for, twice, then it is tried once,
            assert replay_since(TENANT, endpoint, 0, post.services) == Replayed(1, 0)
            assert replay_since(TENANT, endpoint, 0, post.services) == Replayed(0, 0)
            post.send()
            [shown] = post.deliveries(endpoint)
            assert triggers(shown) == ["scheduled", "manual"]
            # and where that fails its next try comes when it was due.
            assert (shown.state, shown.next_ms) == ("pending", waiting.next_ms)
            assert replay_since(TENANT, endpoint, 0, post.services) == Replayed(1, 0)
            post.send()
            assert post.states(endpoint) == ["delivered"]
            assert len({each.headers["webhook-id"] for each in receiver.received}) == 1

    def test_what_is_on_its_first_try_is_not_asked_for(self, make_post):
        with Receiver() as receiver:
            post = make_post(receiver)
            endpoint = post.endpoint(receiver)
            post.accept()
            [told] = post.due_now()
            advance(told, post.services)
            assert post.states(endpoint) == ["pending"]
            assert replay_since(TENANT, endpoint, 0, post.services) == Replayed(0, 0)
            post.send()
            assert len(receiver.received) == 1

    def test_one_call_takes_so_many_and_says_how_many_are_left(self, make_post):
        with Receiver(replies=[500] * 5) as receiver:
            post = make_post(receiver, webhook_replays=3, **ONE_TRY)
            endpoint = post.endpoint(receiver)
            job = post.accept()
            for _ in range(4):
                post.happen(job)
            post.send()
            assert replay_since(TENANT, endpoint, 0, post.services) == Replayed(3, 2)
            post.send()
            assert post.states(endpoint) == ["delivered"] * 3 + ["failed"] * 2


class TestLog:
    def test_every_try_is_there_with_what_came_of_it(self, make_post):
        long = Reply(500, {"Content-Type": "text/plain"}, b"a" * 10_000)
        with Receiver(replies=[long, Reply(503, body=b"later")]) as receiver:
            post = make_post(receiver, webhook_jitter=0.0)
            endpoint = post.endpoint(receiver)
            post.accept()
            post.send()
            [shown] = post.deliveries(endpoint)
            assert len(shown.doc.attempts[0].reply) == REPLY_CHARS
            post.clock.advance(6)
            post.send()
            [shown] = post.deliveries(endpoint)
            first, second = shown.doc.attempts
            assert (first.status, len(first.reply)) == (500, OLD_REPLY_CHARS)
            assert (second.status, second.said, second.error) == (503, "later", "")
            assert second.at_ms - first.at_ms == 6000

    def test_where_nobody_answers_the_error_says_so(self, make_post):
        with Receiver() as receiver:
            post = make_post(receiver)
            endpoint = post.endpoint(receiver)
        post.accept()
        post.send()
        [shown] = post.deliveries(endpoint)
        assert (shown.doc.attempts[0].status, shown.doc.attempts[0].error) == (
            0,
            "outbound_refused",
        )
        assert post.read(endpoint).last_error == "outbound_refused"
