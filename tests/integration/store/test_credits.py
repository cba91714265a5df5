"""reserve and settle: a job's credits are set aside as a whole, and booked edit by edit."""

from __future__ import annotations

import pytest

from service.store.commands import Claim, LeaseLost
from service.store.revisions import add_cut
from tests.builders import ACCOUNT, a_new_cut, a_new_job, a_spec
from tests.integration.store.invariants import snapshot


@pytest.fixture
def claim(store) -> Claim:
    return store.claim(store.ready_job()[1][0])


def reserve(store, claim, amount=100, total=100, scope="job", mark=None) -> bool:
    seen = store.commands.read_mark(ACCOUNT) if mark is None else mark
    return store.commands.reserve(
        claim, amount=amount, total=total, mark=seen, now_ms=store.now_ms, scope=scope
    )


def settle(
    store, claim, edit="edt_1", total=50, most=50, *, confirmed=True, mark=None
) -> int | None:
    return store.commands.settle(
        claim,
        edit_id=edit,
        total=total,
        mark=store.commands.read_mark(ACCOUNT) if mark is None else mark,
        most=most,
        confirmed=confirmed,
        now_ms=store.now_ms,
    )


def set_aside(store) -> int:
    return int(store.accounts.read_account(ACCOUNT).get("reserved", 0))


@pytest.mark.rule("P-091")
def test_the_whole_job_is_set_aside(store, claim):
    assert reserve(store, claim)
    assert set_aside(store) == 100
    assert store.jobs.read(claim.job_id).reserved == 100


@pytest.mark.rule("P-091")
def test_nothing_is_set_aside_when_it_does_not_suffice(store, claim):
    before = snapshot(store.client)
    assert not reserve(store, claim, total=99)
    assert snapshot(store.client) == before


def test_a_job_is_set_aside_once(store, claim):
    # Given a job whose first cut has reserved, when its second does with nothing left, it may.
    reserve(store, claim)
    other = store.claim(claim.row.replace(".A.", ".B."))
    assert reserve(store, other, total=0)
    assert set_aside(store) == 100


def test_a_settled_job_is_not_set_aside_anew(store, claim):
    reserve(store, claim)
    settle(store, claim, "edt_1", total=50)
    settle(store, claim, "edt_2", total=0)
    assert reserve(store, claim, total=0)
    assert set_aside(store) == 0


def test_a_revision_sets_its_own_share_aside(store, claim):
    reserve(store, claim)
    assert reserve(store, claim, amount=50, total=150, scope=claim.row)
    assert set_aside(store) == 150
    assert not reserve(store, claim, amount=50, total=150, scope="another")


def test_an_ended_job_whose_events_wait_keeps_nothing_aside_for_a_revision(store):
    # Given an ended job with two revisions, whose events nobody has told yet
    new = store.comparing_job(a_new_job(a_spec(hooks=True)))
    store.finish(new.id)
    first, second = (
        add_cut(store.connection, a_new_cut(new.id, label=each, key=each), now_ms=store.now_ms)
        for each in "AB"
    )
    for row in (first.row, second.row):
        reserve(store, store.claim(row), 50, scope=row)
        store.clock.advance(75)
    # When the first ends; then what is set aside stays for the other
    store.end(first.row, "failed")
    assert set_aside(store) == 100
    # When that one ends too; then all goes back, though the events still wait
    store.end(second.row, "failed")
    assert set_aside(store) == 0
    assert store.jobs.read(new.id).expires_ms == 0


@pytest.mark.rule("P-092")
def test_of_two_jobs_that_need_all_there_is_one_gets_it(store, claim):
    other = store.claim(store.ready_job()[1][0])
    assert reserve(store, claim)
    assert not reserve(store, other)
    assert set_aside(store) == 100


def test_a_charge_is_booked_and_as_much_released(store, claim):
    reserve(store, claim)
    assert settle(store, claim, total=60) == 40
    job = store.jobs.read(claim.job_id)
    assert (job.charged, job.reserved, set_aside(store)) == (40, 60, 60)


def test_an_edit_is_booked_once(store, claim):
    reserve(store, claim)
    assert settle(store, claim, total=50) == settle(store, claim, total=0) == 50
    assert store.jobs.read(claim.job_id).charged == 50
    assert set_aside(store) == 50


def test_no_more_is_released_than_was_set_aside(store, claim):
    # Given an edit that costs more than the whole job was expected to,
    reserve(store, claim, total=500)
    # when it settles alone, then all of it is its charge, and no more is released than there is.
    assert settle(store, claim, total=300) == 200
    assert set_aside(store) == 0
    assert store.jobs.read(claim.job_id).charged == 200


def test_an_edit_that_cost_nothing_keeps_its_share_aside(store, claim):
    # It may serve a corrective message; the end of the job releases it.
    reserve(store, claim)
    assert settle(store, claim, total=100) == 0
    job = store.jobs.read(claim.job_id)
    assert (job.charged, job.reserved) == (0, 100)


def test_of_two_edits_side_by_side_each_is_charged_its_own(store, claim):
    # Given two edits under way on one account, and the first to end
    other = store.claim(claim.row.replace(".A.", ".B."))
    reserve(store, claim)
    reserve(store, other)
    assert settle(store, claim, "edt_a", total=50) == 50
    # When the second ends, then only what has gone since is its charge.
    assert settle(store, other, "edt_b", total=0) == 50


def test_what_both_have_cost_is_shared_when_both_end_before_either_looks(store, claim):
    other = store.claim(claim.row.replace(".A.", ".B."))
    reserve(store, claim)
    reserve(store, other)
    assert settle(store, claim, "edt_a", total=0) == 50
    assert settle(store, other, "edt_b", total=0) == 50


def test_an_edit_that_nobody_saw_takes_no_charge_that_may_be_anothers(store, claim):
    # Given an edit that never arrived, and one beside it that was charged and has not settled,
    other = store.claim(claim.row.replace(".A.", ".B."))
    reserve(store, claim)
    reserve(store, other)
    # When the first settles, then it does not know; and the second is charged what it cost.
    assert settle(store, claim, "edt_a", total=50, confirmed=False) is None
    assert settle(store, claim, "edt_a", total=50, confirmed=False) is None
    assert settle(store, other, "edt_b", total=50) == 50
    assert store.jobs.read(claim.job_id).charged == 50


def test_of_two_edits_that_nobody_saw_neither_is_said_to_have_cost_what_went(store, claim):
    # Given two edits side by side, of which one was charged and neither was seen,
    other = store.claim(claim.row.replace(".A.", ".B."))
    reserve(store, claim)
    reserve(store, other)
    # when both settle, then neither knows; the job was charged all the same.
    assert settle(store, claim, "edt_a", total=50, confirmed=False) is None
    assert settle(store, other, "edt_b", total=50, confirmed=False) is None
    assert store.jobs.read(claim.job_id).charged == 50


@pytest.mark.parametrize(("confirmed", "charge"), [(False, None), (True, 50)])
def test_what_went_may_be_that_of_an_edit_that_ended_unsettled(store, claim, confirmed, charge):
    # Given two edits side by side, of which one ended and was never booked,
    other = store.claim(claim.row.replace(".A.", ".B."))
    reserve(store, claim)
    reserve(store, other)
    store.commit(claim, "failed", ended=True)
    # when the other settles, then only if it was seen is it known whose charge that was.
    assert settle(store, other, "edt_b", total=50, confirmed=confirmed) == charge
    assert store.jobs.read(claim.job_id).charged == 50


def test_a_doubt_ends_with_the_edits_it_was_about(store, claim):
    # Given a doubt that is over, since no edit is under way any more,
    other = store.claim(claim.row.replace(".A.", ".B."))
    reserve(store, claim)
    reserve(store, other)
    settle(store, claim, "edt_a", total=50, confirmed=False)
    settle(store, other, "edt_b", total=50, confirmed=False)
    # when an edit runs alone, then what went is its own although nobody saw it.
    reserve(store, claim, total=50)
    assert settle(store, claim, "edt_c", total=0, confirmed=False) == 50


def test_an_edit_that_nobody_saw_was_free_when_nothing_has_gone(store, claim):
    other = store.claim(claim.row.replace(".A.", ".B."))
    reserve(store, claim)
    reserve(store, other)
    assert settle(store, claim, total=100, confirmed=False) == 0


def test_a_charge_booked_after_the_balance_was_read_is_not_counted_twice(store, claim):
    # Given a balance of 100 read before another edit of the account settled at 50,
    other = store.claim(claim.row.replace(".A.", ".B."))
    reserve(store, other)
    old_mark = store.commands.read_mark(ACCOUNT)
    assert settle(store, other, "edt_b", total=50) == 50
    # When an edit starts with what was read, and costs 50, then 50 is its charge, not 100.
    reserve(store, claim, total=100, mark=old_mark)
    assert settle(store, claim, "edt_a", total=0) == 50


def test_a_balance_that_another_edit_has_overtaken_hides_no_charge(store, claim):
    # Given two edits side by side; the first reads what is left, the second is charged after that
    other = store.claim(claim.row.replace(".A.", ".B."))
    reserve(store, claim)
    reserve(store, other)
    old_mark = store.commands.read_mark(ACCOUNT)
    # and settles before the first. When the first settles by what it had read,
    assert settle(store, other, "edt_b", total=0) == 50
    # then each has its own charge, and nothing is left over for the next.
    assert settle(store, claim, "edt_a", total=50, mark=old_mark) == 50
    assert store.jobs.read(claim.job_id).charged == 100


def test_an_overtaken_balance_is_nobody_elses_charge(store, claim):
    # Given three edits side by side, of which one reads the balance before the two others settle
    second = store.claim(claim.row.replace(".A.", ".B."))
    third = store.claim(store.ready_job()[1][0])
    for each in (claim, second, third):
        reserve(store, each, total=1000)
    old_mark = store.commands.read_mark(ACCOUNT)
    assert settle(store, second, "edt_b", total=900) == 50
    # When it settles by that, then what the third costs is still the third's alone.
    assert settle(store, claim, "edt_a", total=950, mark=old_mark) == 50
    assert settle(store, third, "edt_c", total=850) == 50


def test_an_overtaken_balance_with_nothing_left_to_book_is_not_known(store, claim):
    # Given an edit whose balance was read before another one settled all that had gone,
    other = store.claim(claim.row.replace(".A.", ".B."))
    reserve(store, claim)
    reserve(store, other)
    old_mark = store.commands.read_mark(ACCOUNT)
    assert settle(store, other, "edt_b", total=50) == 50
    # when it settles with more than was there since, then it cannot be told what it cost.
    assert settle(store, claim, "edt_a", total=100, mark=old_mark) is None
    assert store.jobs.read(claim.job_id).charged == 50


def test_what_went_while_credits_were_added_is_not_known(store, claim):
    # Given an account that was topped up while an edit ran, when it settles,
    reserve(store, claim)
    # Then nobody knows what it cost, and the next edit starts from firm ground.
    assert settle(store, claim, total=1_000) is None
    reserve(store, claim, total=1_000)
    assert settle(store, claim, "edt_2", total=950) == 50


def test_an_edit_that_ended_unsettled_leaves_the_next_a_firm_ground(store, claim):
    # Given a cut that ended without settling while the balance fell,
    reserve(store, claim)
    store.commit(claim, "failed", ended=True)
    # when another edit starts alone, then what was gone before is not its charge.
    other = store.claim(claim.row.replace(".A.", ".B."))
    reserve(store, other, total=50)
    assert settle(store, other, "edt_b", total=0) == 50


@pytest.mark.parametrize("ask", [reserve, settle])
def test_a_claim_that_was_overtaken_moves_no_credits(store, claim, ask):
    reserve(store, claim)
    store.clock.advance(70)
    store.claim(claim.row, "w2")
    before = snapshot(store.client)
    with pytest.raises(LeaseLost):
        ask(store, claim)
    assert snapshot(store.client) == before
