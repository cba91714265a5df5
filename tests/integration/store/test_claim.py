"""claim: the right to work on a row, or the reason why not."""

from __future__ import annotations

import pytest

from service.model.rows import cut_row
from service.store.scripts import Refusal
from tests.builders import a_new_job, a_spec, an_event


def test_a_claim_tells_all_a_step_needs(store):
    new, cuts = store.ready_job()
    claim = store.claim(cuts[0])
    assert (claim.row, claim.fence, claim.state, claim.queue) == (cuts[0], 1, "queued", "flow")
    assert (claim.job_id, claim.account_id, claim.crashes) == (new.id, new.account_id, 1)
    assert not claim.cancel_asked


def test_a_claimed_row_is_held(store):
    row = store.accept().rows[0].row
    store.claim(row, "w1")
    assert store.try_claim(row, "w2") is Refusal.HELD


def test_it_is_held_through_the_grace_and_no_longer(store):
    row = store.accept().rows[0].row
    first = store.claim(row, "w1")
    store.clock.advance(69.999)  # 60 s of lease, 10 s of grace
    assert store.try_claim(row, "w2") is Refusal.HELD
    store.clock.advance(0.001)
    assert store.claim(row, "w2").fence == first.fence + 1


def test_claims_without_a_commit_are_counted(store):
    row = store.accept().rows[0].row
    for crashes in (1, 2, 3):
        assert store.claim(row).crashes == crashes
        store.clock.advance(70)
    store.commit(store.claim(row))
    assert store.claim(row).crashes == 1


def test_a_claim_that_goes_on_counts_for_its_next_step(store):
    # Given a step that was committed under a claim which then goes on, and whose worker dies
    row = store.accept().rows[0].row
    store.commit(store.claim(row), "fetching", keep=True)
    store.clock.advance(70)
    # When it is claimed again, then that death counts
    assert store.claim(row).crashes == 2


def test_a_row_whose_time_has_not_come_is_refused(store):
    row = store.accept().rows[0].row
    store.commit(store.claim(row), ready_ms=store.now_ms + 30_000)
    assert store.try_claim(row) is Refusal.NOT_YET
    store.clock.advance(30)
    store.claim(row)


def test_an_ended_row_and_no_row_are_told_apart(store):
    row = store.accept().rows[0].row
    store.end(row, "failed")
    assert store.try_claim(row) is Refusal.ENDED
    assert store.try_claim("cut:none") is Refusal.GONE


def test_a_cut_waits_for_its_clip(store):
    new = store.accept()
    clip, cut = new.rows[0].row, new.rows[1].row
    assert store.try_claim(cut) is Refusal.WAITING
    assert store.due_in_ms(cut) == 60_000
    store.end(clip, "ready", wake=[cut])
    assert store.due_in_ms(cut) == 0
    store.claim(cut)


def test_a_cut_waits_for_the_one_before_it_in_its_session(store):
    new, cuts = store.ready_job(a_new_job(a_spec(clips=2, variants="A")))
    assert store.try_claim(cuts[1]) is Refusal.WAITING
    store.end(cuts[0], "failed", wake=[cuts[1]])
    store.claim(cuts[1])
    assert cuts[1] == cut_row(new.id, 1, "A")


class TestSlots:
    """Cuts of one account under way at once are counted."""

    @pytest.fixture
    def one(self, store):
        return store.with_settings(account_slots=1)

    def test_beyond_the_slots_a_row_waits_and_stays_due(self, one):
        _, (a, b) = one.ready_job()
        one.claim(a)
        assert one.try_claim(b) is Refusal.WAITING
        assert one.due_in_ms(b) == 60_000

    def test_a_row_keeps_its_slot_while_it_waits_for_time(self, one):
        _, (a, b) = one.ready_job()
        one.commit(one.claim(a), "rendering", ready_ms=one.now_ms + 30_000)
        assert one.try_claim(b) is Refusal.WAITING

    def test_whoever_waited_longest_is_next(self, one):
        # Given three jobs of one account of which the first holds the slot,
        cuts = []
        for _ in range(3):
            cuts += one.ready_job(a_new_job(a_spec(variants="A")))[1]
            one.try_claim(cuts[-1])
            one.clock.advance(1)
        a, b, c = cuts
        one.silence()
        # When it ends, then the one that waited longest is rung for,
        one.commit(replace_claim(one, a), "succeeded", ended=True)
        assert one.bells("flow") == [b]
        # and the other, which asks first, still has to wait.
        assert one.try_claim(c) is Refusal.WAITING
        one.claim(b)

    def test_two_slots_freed_at_once_wake_two_rows(self, store):
        # Given two slots, both taken, and two rows that wait,
        two = store.with_settings(account_slots=2)
        (a, b, c, d) = two.ready_job(a_new_job(a_spec(variants="ABCD")))[1]
        held = [two.claim(a), two.claim(b)]
        for row in (c, d):
            assert two.try_claim(row) is Refusal.WAITING
        two.silence()
        # When both end before anybody claims, and the bells are heard,
        for claim in held:
            two.commit(claim, "succeeded", ended=True)
        rung = two.bells("flow")
        two.claim(rung[0])
        # Then the second is rung for as well, and not after a minute.
        assert {*rung, *two.bells("flow")} == {c, d}

    def test_a_slot_meant_for_a_row_that_is_canceled_goes_to_the_next(self, one):
        # Given a freed slot whose oldest waiting row has been canceled meanwhile,
        _, (a,) = one.ready_job(a_new_job(a_spec(variants="A")))
        held = one.claim(a)
        second, (b,) = one.ready_job(a_new_job(a_spec(variants="A")))
        assert one.try_claim(b) is Refusal.WAITING
        one.clock.advance(1)
        _, (c,) = one.ready_job(a_new_job(a_spec(variants="A")))
        assert one.try_claim(c) is Refusal.WAITING
        one.jobs.cancel(second.id, an_event("job.canceling"), now_ms=one.now_ms)
        one.commit(held, "succeeded", ended=True)
        one.silence()
        # When that row ends, then the next in line is rung for.
        one.end(b, "canceled")
        assert c in one.bells("flow")

    def test_a_canceled_row_waits_for_no_slot(self, one):
        new, (a, b) = one.ready_job()
        one.claim(a)
        assert one.try_claim(b) is Refusal.WAITING
        one.jobs.cancel(new.id, an_event("job.canceling"), now_ms=one.now_ms)
        claim = one.claim(b)
        assert claim.cancel_asked
        assert one.client.smembers(f"cab:account:{new.account_id}:slots") == {a}

    def test_accounts_do_not_share_slots(self, one):
        one.claim(one.ready_job()[1][0])
        one.claim(one.ready_job(a_new_job(account="acc_2"))[1][0])

    def test_a_slot_that_is_given_back_is_free(self, one):
        _, (a, b) = one.ready_job()
        one.commit(one.claim(a), "action_required", free=True, pause=1, ready_ms=one.now_ms + 9000)
        one.claim(b)


def replace_claim(store, row: str):
    """A claim of a row that is held, by its present fence."""
    from dataclasses import replace

    store.clock.advance(70)
    claim = store.claim(row)
    return replace(claim, state=store.row(row)["state"])


class TestDeadline:
    """The time a row may take counts from its first claim, not from its creation."""

    def test_it_starts_with_the_first_claim(self, store):
        _, cuts = store.ready_job(a_new_job(limit_ms=100_000))
        store.clock.advance(50)
        claim = store.claim(cuts[0])
        assert claim.deadline_ms == store.now_ms + 100_000

    def test_later_claims_do_not_move_it(self, store):
        _, cuts = store.ready_job(a_new_job(limit_ms=100_000))
        first = store.claim(cuts[0])
        store.clock.advance(75)
        assert store.claim(cuts[0]).deadline_ms == first.deadline_ms

    def test_waiting_is_cut_short_by_it(self, store):
        # Given a row with ten seconds left that must wait for a slot,
        one = store.with_settings(account_slots=1)
        _, (a, b) = one.ready_job(a_new_job(limit_ms=10_000))
        claim = one.claim(b)
        one.commit(claim, free=True)
        one.claim(a)
        # When it asks, then it is looked at again at its deadline and not a minute later,
        assert one.try_claim(b) is Refusal.WAITING
        assert one.due_in_ms(b) == 10_000
        # and from then on it waits for nobody.
        one.clock.advance(10)
        assert one.claim(b).deadline_ms == one.now_ms

    def test_a_row_without_a_limit_has_none(self, store):
        new = store.accept(a_new_job(limit_ms=0))
        assert store.claim(new.rows[0].row).deadline_ms == 0
