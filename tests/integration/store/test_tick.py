"""tick: rings for due rows where workers have room or newer bells came in; one bell a row."""

from __future__ import annotations

import json

from service.model.lifecycle import Queue
from service.store.keys import queue_key
from service.store.scripts import Refusal
from tests.builders import a_new_job, a_spec


def queued(store) -> list[str]:
    """Rows rung for on `transfer`, the next one first; leaves them."""
    texts = reversed(store.client.lrange(queue_key(Queue.TRANSFER), 0, -1))
    return [json.loads(json.loads(text)["body"])[0][0] for text in texts]


def take_bell(store) -> str:
    """The row that the next bell on `transfer` names; takes it."""
    text = store.client.rpop(queue_key(Queue.TRANSFER))
    return json.loads(json.loads(text)["body"])[0][0]


def a_due_clip(store) -> str:
    new = store.accept()
    store.silence()
    return new.rows[0].row


def a_rung_clip(store) -> str:
    store.clock.advance(1)
    return store.accept().rows[0].row


def test_a_due_row_is_rung_and_put_off(store):
    row = a_due_clip(store)
    tick = store.tick(transfer=1)
    assert (tick.rung, tick.put_off) == (1, 0)
    assert store.bells("transfer") == [row]
    assert store.due_in_ms(row) == 2000


def test_it_writes_no_lease_and_no_fence(store):
    row = a_due_clip(store)
    before = store.row(row)
    store.clock.advance(1)
    store.tick(transfer=1)
    assert store.row(row) == {**before, "rings": "1", "rung": str(store.now_ms)}


def test_an_unheard_bell_is_rung_ever_more_rarely(store):
    # Given a row that nobody claims, when it is rung again and again,
    row, pauses = a_due_clip(store), []
    for _ in range(7):
        store.tick(transfer=1)
        assert store.bells("transfer") == [row]
        pauses.append(store.due_in_ms(row) / 1000)
        store.clock.advance(pauses[-1])
    # Then the pause doubles up to its maximum.
    assert pauses == [2, 4, 8, 16, 30, 30, 30]


def test_a_claim_starts_the_pauses_anew(store):
    row = a_due_clip(store)
    for _ in range(3):
        store.tick(transfer=1)
        store.silence()
        store.clock.advance(30)
    store.commit(store.claim(row))
    store.tick(transfer=9)
    assert store.due_in_ms(row) == 2000


def test_a_row_without_a_bell_is_rung_though_newer_ones_keep_the_list_full(store):
    # Given a row whose bell was lost, and newer ones whose bells fill all the room there is,
    store = store.with_settings(account_clips=100)
    late = a_due_clip(store)
    heard = []
    for _ in range(10):
        store.clock.advance(1)
        store.accept()
    # When as many come as are taken, so that the list is never shorter,
    for _ in range(20):
        store.tick(transfer=3)
        heard.append(take_bell(store))
        store.claim(heard[-1])
        store.clock.advance(1)
        store.accept()
    # Then its turn comes after those that were rung before it was missed.
    assert heard.index(late) == 10
    assert len(set(heard)) == len(heard)


def test_a_row_that_was_missed_waits_for_older_bells(store):
    # Given three rows whose bells lie in a full list, when the middle one's is lost,
    first, second, third = (a_rung_clip(store) for _ in range(3))
    key = queue_key(Queue.TRANSFER)
    store.client.lrem(key, 1, store.client.lindex(key, 1))
    store.clock.advance(10)
    store.tick(transfer=1)
    assert queued(store) == [first, third]
    # Then it is rung once all bells that were rung before its own are gone.
    take_bell(store)
    store.claim(first)
    store.tick(transfer=1)
    assert queued(store) == [third]
    store.clock.advance(2)
    store.tick(transfer=1)
    assert queued(store) == [third, second]


def test_no_row_has_two_bells_in_the_list(store):
    # Given rows whose bells nobody takes, with room and without,
    rows = [a_rung_clip(store) for _ in range(5)]
    # When ticks go on for two minutes, then each has its one bell, in the order it came.
    for second in range(120):
        store.tick(transfer=9 * (second % 2))
        store.clock.advance(1)
    assert queued(store) == rows
    # And one that was taken and lost is the only one that is rung again.
    assert take_bell(store) == rows[0]
    for _ in range(20):
        store.tick(transfer=9)
        store.clock.advance(1)
    assert queued(store) == [*rows[1:], rows[0]]


def test_a_queue_that_nobody_serves_is_not_filled(store):
    late = a_due_clip(store)
    store.tick()
    store.clock.advance(60)
    store.tick()
    assert late not in store.bells("transfer")


def test_no_more_is_rung_than_workers_have_room_for(store):
    store.accept(a_new_job(a_spec(clips=3)))
    store.silence()
    tick = store.tick(transfer=2)
    assert (tick.rung, tick.put_off) == (2, 1)
    assert len(store.bells("transfer")) == 2


def test_bells_nobody_has_taken_fill_the_room(store):
    # Given room for two, one bell that lies there, and two rows that are due later,
    for row in (a_due_clip(store), a_due_clip(store)):
        store.commit(store.claim(row), ready_ms=store.now_ms + 10_000)
    first = a_rung_clip(store)
    # When their time comes, then only one of them is rung.
    store.clock.advance(9)
    assert store.tick(transfer=2).rung == 1
    assert queued(store)[0] == first


def test_without_room_a_row_is_put_off_by_the_first_pause(store):
    row = a_due_clip(store)
    for _ in range(3):
        assert store.tick(flow=9).rung == 0
        assert store.due_in_ms(row) == 2000
        store.clock.advance(2)


def test_room_of_several_workers_adds_up(store):
    store.accept(a_new_job(a_spec(clips=3)))
    store.silence()
    store.tick(worker="w1", transfer=1)
    store.silence()
    store.clock.advance(2)
    assert store.tick(worker="w2", transfer=2).rung == 3


def test_room_of_a_worker_that_is_gone_is_forgotten(store):
    # Given a worker that spoke of room five seconds ago, and then no more,
    store.tick(worker="gone", transfer=5)
    row = a_due_clip(store)
    store.clock.advance(6)
    # When another without room ticks, then nothing is rung.
    assert store.tick(worker="w2", flow=1).rung == 0
    assert store.due_in_ms(row) == 2000
    assert store.client.hkeys("cab:rooms") == ["flow|w2"]


def test_an_entry_without_a_row_is_removed(store):
    store.client.zadd("cab:due", {"cut:nobody": store.now_ms - 1})
    store.tick(flow=1)
    assert not store.is_due("cut:nobody")


def test_rows_that_are_not_due_stay_as_they_are(store):
    new = store.accept()
    store.silence()
    store.tick(flow=9)
    assert store.due_in_ms(new.rows[1].row) == 60_000
    assert store.bells("flow") == []


def test_it_tells_how_late_the_latest_row_is(store):
    a_due_clip(store)
    store.clock.advance(7.5)
    assert store.tick(transfer=1).late_ms == 7500


def test_it_looks_at_no_more_rows_than_its_batch(store):
    store.accept(a_new_job(a_spec(clips=5)))
    store.silence()
    few = store.with_settings(tick_batch=2)
    tick = few.tick(transfer=9)
    assert tick.rung + tick.put_off == 2


class TestLateness:
    """How long rows wait for a worker, by queue: what scaling and alerts go by."""

    def late_s(self, store, queue: str = "transfer", **free: int) -> float:
        return store.tick(**free).queues[Queue(queue)].late_ms / 1000

    def test_a_row_that_was_claimed_is_forgotten_behind_one_that_waits(self, store):
        # Given a row that waits in front, and one behind it that a worker has taken,
        a_due_clip(store)
        taken = a_due_clip(store)
        store.tick()
        store.claim(taken)
        # Then only the first one is remembered as late.
        assert taken not in store.client.zrange("cab:overdue:transfer", 0, -1)

    def test_a_row_without_a_worker_is_ever_later_though_it_is_put_off(self, store):
        # Given a due row and no worker of its queue, when it is looked at again and again
        a_due_clip(store)
        seen = []
        for _ in range(4):
            seen.append(self.late_s(store))
            store.clock.advance(2)
        # Then its lateness counts from when it first was due
        assert seen == [0, 2, 4, 6]

    def test_between_two_rings_it_is_as_late_as_it_is(self, store):
        # Given a row that was rung and is due again only later; then a look in between tells too
        a_due_clip(store)
        store.tick(transfer=1)
        store.clock.advance(1)
        assert self.late_s(store) == 1

    def test_a_claim_ends_it(self, store):
        row = a_due_clip(store)
        store.tick()
        store.clock.advance(5)
        store.claim(row)
        assert self.late_s(store) == 0

    def test_a_row_that_waits_for_another_is_not_late(self, store):
        # Given a cut whose clip is not ready, due for a look
        cut = store.accept().rows[1].row
        store.clock.advance(61)
        assert self.late_s(store, "flow") == 1
        # When a worker has looked, then the cut waits on and is late no more
        assert store.try_claim(cut) is Refusal.WAITING
        for row in (cut, cut.replace(".A.", ".B.")):
            store.try_claim(row)
        assert self.late_s(store, "flow") == 0

    def test_a_lease_that_ran_out_makes_a_row_late_and_its_return_ends_that(self, store):
        # Given a worker that was away for longer than its lease and the grace
        claim = store.claim(a_due_clip(store))
        store.clock.advance(75)
        assert self.late_s(store) == 5
        # When it comes back and parks the row before anybody else has claimed it
        store.commit(claim, ready_ms=store.now_ms + 30_000)
        # Then the row waits for its time, and not for a worker
        assert self.late_s(store) == 0

    def test_a_row_that_goes_on_elsewhere_is_late_there(self, store):
        # Given a row that waited five seconds, and then went on to another queue
        row = a_due_clip(store)
        store.tick()
        store.clock.advance(5)
        store.commit(store.claim(row), "probing", queue=Queue.MEDIA)
        store.clock.advance(2)
        # Then it is late there from that moment on
        assert self.late_s(store, "media") == 2
        assert self.late_s(store, "transfer") == 0

    def test_each_queue_is_told_with_its_bells_and_its_room(self, store):
        store.accept()
        looks = store.tick(transfer=3, flow=800).queues
        assert set(looks) == set(Queue)
        assert (looks[Queue.TRANSFER].length, looks[Queue.TRANSFER].room) == (1, 3)
        assert (looks[Queue.FLOW].length, looks[Queue.FLOW].room) == (0, 800)
        assert (looks[Queue.MEDIA].length, looks[Queue.MEDIA].room) == (0, 0)
