"""tick: rings for due rows where workers have room; a lost bell is rung again."""

from __future__ import annotations

from tests.builders import a_new_job, a_spec


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
