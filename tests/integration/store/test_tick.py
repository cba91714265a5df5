"""tick: rings for due rows where workers have room; a lost bell is rung again."""

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


def a_due_clip(store) -> str:
    new = store.accept()
    store.silence()
    return new.rows[0].row


def test_a_due_row_is_rung_and_put_off(store):
    row = a_due_clip(store)
    tick = store.tick(transfer=1)
    assert (tick.rung, tick.put_off) == (1, 0)
    assert store.bells("transfer") == [row]
    assert store.due_in_ms(row) == 2000


def test_it_writes_no_lease_and_no_fence(store):
    row = a_due_clip(store)
    before = store.row(row)
    store.tick(transfer=1)
    assert store.row(row) == {**before, "rings": "1"}


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


def test_a_row_that_has_waited_long_is_rung_before_newer_ones(store):
    # Given a row whose bell was lost, in a queue whose list newer bells keep full,
    late = a_due_clip(store)
    newer = [store.accept().rows[0].row for _ in range(5)]
    store.tick(transfer=3)
    assert queued(store) == newer
    # When it has waited for the longest pause and newer ones still fill the list,
    store.silence()
    store.clock.advance(30)
    newest = [store.accept().rows[0].row for _ in range(5)]
    store.tick(transfer=3)
    # Then it is the next that a worker takes, one such row a look, and not again for a while.
    first, *others = queued(store)
    assert first in {late, *newer}
    assert others == newest
    for _ in range(5):
        store.clock.advance(2)
        store.tick(transfer=3)
    assert set(queued(store)[:6]) == {late, *newer}
    store.clock.advance(2)
    store.tick(transfer=3)
    assert len(queued(store)) == 11


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
    # Given room for two and one bell that lies there,
    store.accept(a_new_job(a_spec(clips=3)))
    store.silence()
    store.tick(transfer=1)
    # When a tick comes after the pause, then only one more is rung.
    store.clock.advance(2)
    assert store.tick(transfer=2).rung == 1


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
