"""What a run shows of its time to resumed work, and when it shows nothing."""

from __future__ import annotations

import time

import pytest

from tests.chaos.calls import Call
from tests.chaos.faults import Faults
from tests.chaos.journal import Journal, Resumed
from tests.chaos.judge import judge_resumptions, judge_storm
from tests.chaos.watch import Deed, Trap, Watch, Wire
from tests.chaos.witness import Witness

BOUND_S = 5.5
OK, NONE = b"*1\r\n$1\r\n1\r\n", b"*-1\r\n"
WORKERS = ("one", "two")


def resumed(seconds=1.0, **more) -> Resumed:
    return Resumed("cut:1", 100.0, seconds, **more)


# ---- the bound


def test_a_late_resumption_is_told():
    [told] = judge_resumptions([resumed(5.4), resumed(5.6)], BOUND_S)
    assert "5.60 s" in told


def test_a_late_resumption_that_something_else_explains_is_not_told():
    late = [resumed(9.0, disturbed=("weather",)), resumed(9.0, share=0.3)]
    assert judge_resumptions([*late, resumed()], BOUND_S) == []


def test_a_run_without_a_resumption_to_judge_proves_nothing():
    assert judge_resumptions([], BOUND_S) != []
    assert judge_resumptions([resumed(disturbed=("stop one",))], BOUND_S) != []


def test_a_run_on_a_machine_that_is_mostly_too_busy_proves_nothing():
    starved = resumed(9.0, share=0.3)
    assert judge_resumptions([starved, resumed()], BOUND_S) == []
    assert judge_resumptions([starved, starved, resumed()], BOUND_S) != []


def test_a_storm_that_killed_and_cut_nobody_is_none():
    journal = Journal()
    journal.killed("one")
    assert judge_storm(journal, {"kill": 1}) == []
    [told] = judge_storm(journal, {"kill": 1, "recovery": 1})
    assert "recovery" in told


# ---- how long a fault lasts


def test_a_kill_lasts_until_the_next_process_listens():
    faults = Faults()
    faults.end(faults.begin("kill one", 10.0, deaf={"one"}), 10.0)
    assert faults.between(11.0, 12.0) == ("kill one",)
    faults.heard("two", 12.5)
    assert faults.lasting == ("kill one",)
    faults.heard("one", 13.0)
    assert faults.between(13.1, 14.0) == ()
    assert faults.between(12.9, 14.0) == ("kill one",)


def test_who_listens_while_a_fault_is_not_over_may_be_struck_by_it_again():
    faults = Faults()
    fault = faults.begin("stop valkey", 10.0, deaf=set(WORKERS))
    faults.heard("one", 10.1)
    faults.end(fault, 15.0)
    faults.heard("two", 15.1)
    assert faults.lasting == ("stop valkey",)


def test_a_fault_is_not_its_own_disturbance():
    faults = Faults()
    kill = faults.begin("kill one", 10.0)
    faults.begin("weather", 12.5)
    assert faults.between(10.0, 12.0, but=kill) == ()
    assert faults.between(10.0, 13.0, but=kill) == ("weather",)


# ---- who is watched


def watch() -> tuple[Watch, Journal]:
    """An ear that hears of its own kills, as the fleet's does."""
    journal = Journal()

    def kill(who: str) -> None:
        ear.process_died(who)

    ear = Watch(journal, kill, lambda *_: None, WORKERS)
    return ear, journal


def say(watch: Watch, who: str, call: Call, reply: bytes = OK) -> None:
    watch.asked_store(who, call)
    watch.store_answered(who, call, reply)


def test_a_row_of_the_dead_that_is_claimed_again_is_a_recovery():
    ear, journal = watch()
    say(ear, "one", Call("claim", "cut:1"))
    ear.process_died("one")
    say(ear, "two", Call("claim", "cut:1"))
    assert journal.total("recovery") == 1
    assert [each.kind(BOUND_S) for each in journal.resumed] == ["undisturbed"]


def test_what_was_done_to_others_before_a_kill_and_is_not_over_disturbs():
    ear, journal = watch()
    say(ear, "one", Call("claim", "cut:1"))
    ear.struck("stop two", "two")
    ear.process_died("one")
    say(ear, "two", Call("claim", "cut:1"))
    assert journal.resumed[0].disturbed == ("stop two",)


def test_a_row_whose_commit_was_under_way_at_the_kill_is_not_judged():
    ear, journal = watch()
    say(ear, "one", Call("claim", "cut:1"))
    ear.asked_store("one", Call("commit", "cut:1"))
    ear.process_died("one")
    say(ear, "two", Call("claim", "cut:1"))
    assert journal.resumed[0].disturbed == ("perhaps given up",)


def test_a_row_whose_commit_never_reached_the_store_is_judged():
    ear, journal = watch()
    say(ear, "one", Call("claim", "cut:1"))
    ear.arm(Trap(Wire.BEFORE, "commit", Deed.KILL))
    ear.asked_store("one", Call("commit", "cut:1"))
    say(ear, "two", Call("claim", "cut:1"))
    assert [each.kind(BOUND_S) for each in journal.resumed] == ["undisturbed"]


def test_a_trap_may_let_some_pass_before_it_springs():
    ear, _ = watch()
    trap = ear.arm(Trap(Wire.BEFORE, "record_outcomes", Deed.KILL, skips=2))
    for _ in range(2):
        assert not ear.asked_store("one", Call("record_outcomes")).cut
    assert not trap.sprung.is_set()
    assert ear.asked_store("one", Call("record_outcomes")).cut
    assert trap.sprung.is_set()


def test_the_death_of_who_counts_makes_no_worker_deaf():
    ear, _ = watch()
    ear.process_died("counting")
    assert ear.faults.lasting == ("kill counting",)
    ear.process_started("counting")
    assert ear.faults.lasting == ()


def test_a_late_answer_to_the_dead_is_not_its_successor_listening():
    ear, _ = watch()
    ear.process_died("one")
    say(ear, "one", Call("brpop"), NONE)
    assert ear.faults.lasting == ("kill one",)
    ear.process_started("one")
    say(ear, "one", Call("brpop"), NONE)
    assert ear.faults.lasting == ()


# ---- the witness


def test_a_witness_tells_what_part_of_a_processor_it_got():
    witness = Witness()
    for at_s, took_s in ((1.0, 0.01), (2.0, 0.04), (3.0, 0.01), (4.0, 0.1)):
        witness.note(at_s, 0.01, took_s)
    assert witness.share(0.5, 0.9) == pytest.approx(1.0)
    assert witness.share(1.5, 2.0) == pytest.approx(0.25)
    assert witness.share(2.5, 3.5) == pytest.approx(0.02 / 0.11), "what is under way counts"
    assert witness.share(0.0, 9.0) == pytest.approx(0.04 / 0.16)


def test_a_witness_without_a_look_excuses_nothing():
    assert Witness().share(1.0, 2.0) == 1.0


def test_a_witness_works_by_itself():
    witness = Witness()
    witness.start()
    began_s = time.monotonic()
    time.sleep(0.8)
    witness.stop()
    assert 0.0 < witness.share(began_s, began_s + 0.8) <= 1.0
    assert witness.looks >= 1
