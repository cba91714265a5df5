"""The states of an experiment and the order in which they are looked for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.experiments.look import Look
from service.experiments.metrics import COUNTER_MAX, Kind, Mean, Proportion, Ratio
from service.experiments.plan import Better, Metric
from service.experiments.power import Traffic, need_units
from service.experiments.ruling import rule
from service.experiments.snapshot import Snapshot
from service.experiments.states import Reason, Ruling, State
from tests.unit.experiments.scenes import (
    AHEAD,
    ALIKE,
    EVEN,
    FIXED,
    HARM,
    JUST,
    LOST,
    SKEWED,
    TABLE,
    WATCH,
    with_harm,
)
from tests.unit.experiments.snapshots import RATE, a_plan, a_snapshot, of_sums


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_each_state_has_its_reason(row):
    _, snapshot, state, reason, label = row
    assert rule(Look(snapshot)) == Ruling(state, reason, label)


#: From the first that is looked for to the last; each pair of neighbours at once.
ORDER: list[tuple[str, Snapshot, State]] = [
    (
        "spoiled before shares",
        a_snapshot(*SKEWED, multiple=900),
        State.INVALID_DATA,
    ),
    ("shares before early", a_snapshot(*SKEWED, days=0.1), State.INVALID_SRM),
    ("early before winner", a_snapshot(*AHEAD, days=0.1), State.COLLECTING),
    ("winner before the end", a_snapshot(*AHEAD, days=20), State.WINNER),
    ("no difference before the end", a_snapshot(*ALIKE, days=20), State.NO_DIFFERENCE),
]


@pytest.mark.parametrize("row", ORDER, ids=lambda row: row[0])
def test_checks_come_in_one_order(row):
    _, snapshot, state = row
    assert rule(Look(snapshot)).state is state


def test_a_sum_beyond_a_counter_is_found_without_being_told():
    sums = {"watch": Mean(500, 500, COUNTER_MAX + 1)}
    ruling = rule(Look(of_sums([sums, sums], a_plan(primary=WATCH))))
    assert ruling == Ruling(State.INVALID_DATA, Reason.COUNTER_OVERFLOW)


@pytest.mark.parametrize(
    ("counts", "lack"),
    [
        ((100, 25), None),
        ((100, 75), None),
        ((99, 50), Reason.FEW_UNITS),
        ((100, 24), Reason.FEW_OUTCOMES),
        ((100, 76), Reason.FEW_OUTCOMES),
    ],
)
def test_the_least_that_a_plan_asks_for_is_enough(counts, lack):
    assert Look(a_snapshot((500, 200), counts)).lack(RATE) is lack


@pytest.mark.parametrize(
    ("sums", "lack"),
    [
        (Mean(5000, 100 * 700, 100 * 700**2), None),
        (Mean(5000, 99 * 700, 99 * 700**2), Reason.FEW_VALUES),
        (Mean(5000, 4900 * 3000, 4900 * 3000**2), None),
        (Mean(5000, 4901 * 3000, 4901 * 3000**2), Reason.FEW_VALUES),
    ],
)
def test_a_mean_that_rests_on_few_is_not_judged(sums, lack):
    usual = Mean(5000, 3_000_000, 3_000_000_000)
    for pair in ([sums, usual], [usual, sums]):
        snapshot = of_sums([{"watch": each} for each in pair], a_plan(primary=WATCH))
        assert Look(snapshot).lack(WATCH) is lack


def test_a_ratio_of_few_viewers_is_not_judged():
    # Given 5,000 viewers of whom 99 have had an impression, all of B's twice as long,
    pace = Metric("pace", Kind.RATIO)
    sums = [{"pace": Ratio(5000, 99 * x, 99 * x * x + 99, 99, 99, 99 * x)} for x in (1000, 2000)]
    ruling = rule(Look(of_sums(sums, a_plan(primary=pace))))
    assert ruling == Ruling(State.COLLECTING, Reason.FEW_VALUES)


def test_shares_that_were_once_wrong_stay_wrong():
    snapshot = a_snapshot(*AHEAD, earlier={"srm": -9.0})
    assert rule(Look(snapshot)).state is State.INVALID_SRM


def test_shares_are_those_that_the_hash_gives():
    # Given thirds of 1 % of viewers, which are 34, 33 and 33 steps of the hash,
    plan = a_plan(1 / 3, 1 / 3, 1 / 3, coverage=0.01)
    counts = [(steps * 10_000, steps * 500) for steps in (34, 33, 33)]
    # Then a million viewers in these shares are as they should be, and others are not.
    assert rule(Look(a_snapshot(*counts, plan=plan))).state is State.COLLECTING
    wrong = rule(Look(a_snapshot(*counts[::-1], plan=plan)))
    assert wrong == Ruling(State.INVALID_SRM, Reason.SHARES)


def test_shares_do_not_matter_where_nobody_was_randomized():
    snapshot = a_snapshot((20_000, 1000), (9000, 700), plan=LOST)
    assert rule(Look(snapshot)).state is State.LEADING


def test_a_lower_value_wins_where_lower_is_better():
    plan = a_plan(primary=replace(RATE, better=Better.LOWER))
    assert rule(Look(a_snapshot(*AHEAD, plan=plan))).label == "A"


def test_a_winner_must_be_ahead_of_every_other():
    # Given three variants of which two are ahead of the third,
    snapshot = a_snapshot((20_000, 1000), (20_000, 1400), (20_000, 1410))
    # Then none is the winner, until one is ahead of both.
    assert rule(Look(snapshot)).state is State.COLLECTING
    ahead = a_snapshot((20_000, 1000), (20_000, 1400), (20_000, 1800))
    assert rule(Look(ahead)).label == "C"


def test_a_winner_that_one_other_equals_is_still_ahead_of_the_rest():
    # Given C ahead of A by far, and of B by less than the plan cares for,
    plan = a_plan(1 / 3, 1 / 3, 1 / 3, rope=0.05)
    snapshot = a_snapshot((4_000_000, 300_000), *JUST, plan=plan)
    assert rule(Look(snapshot)) == Ruling(State.WINNER, Reason.AHEAD, "C")


def test_a_ratio_decides_too():
    plan = a_plan(primary=Metric("pace", Kind.RATIO))
    sums = [{"pace": Ratio(5000, x, x * x // 2000, 15_000, 60_000, 3 * x)} for x in (9000, 12_000)]
    assert rule(Look(of_sums(sums, plan))).label == "B"


def test_a_bound_of_a_variance_may_only_delay_a_winner():
    plan = a_plan(primary=WATCH)
    known = [{"watch": Mean(2000, 10**6, 10**9)}, {"watch": Mean(2000, 1_200_000, 1_200_000_000)}]
    bound = [
        {"watch": Mean(2000, s["watch"].s1, 3000 * s["watch"].s1, bounded=True)} for s in known
    ]
    assert rule(Look(of_sums(known, plan))).label == "B"
    assert rule(Look(of_sums(bound, plan))).state is State.COLLECTING


@pytest.mark.parametrize(
    "counts", [((40_000, 4000), (40_000, 2400)), ((40_000, 2400), (40_000, 4000))]
)
def test_a_rope_does_not_depend_on_the_base(counts):
    # Given one rate that is 40 % below the other, which is 67 % above it,
    ruling = rule(Look(a_snapshot(*counts, plan=a_plan(rope=0.5))))
    # Then a range of 50 % does not make them alike from one side alone.
    assert ruling.state is State.WINNER


def test_two_of_three_that_are_alike_make_no_end():
    # Given two variants that differ by nothing and a third that is worse than both,
    plan = a_plan(1 / 3, 1 / 3, 1 / 3, rope=0.05)
    snapshot = a_snapshot(
        (4_000_000, 400_000), (4_000_000, 400_100), (4_000_000, 300_000), plan=plan
    )
    # Then neither is there a winner nor are they all the same.
    assert rule(Look(snapshot)).state is State.COLLECTING


def test_without_a_rope_nothing_is_alike():
    snapshot = a_snapshot(*ALIKE, plan=a_plan(rope=0.0))
    assert rule(Look(snapshot)).state is State.COLLECTING


def test_a_fixed_test_waits_for_its_time_too():
    snapshot = a_snapshot(*AHEAD, plan=FIXED, days=0.5)
    look = Look(snapshot)
    assert rule(look).reason is Reason.MIN_RUNTIME
    assert look.pairs == {}


def test_a_guardrail_bears_its_margin():
    plan = a_plan(guardrails=(replace(HARM, harm_margin=0.2),))
    assert rule(Look(with_harm(6000, 5500, plan))).reason is Reason.AHEAD


def test_a_guardrail_where_lower_is_better():
    plan = a_plan(guardrails=(replace(HARM, better=Better.LOWER),))
    assert rule(Look(with_harm(6000, 5500, plan))).reason is Reason.AHEAD
    assert rule(Look(with_harm(5500, 6000, plan))).reason is Reason.AHEAD_WITH_HARM


def test_a_guardrail_whose_control_may_be_0_has_no_lift_to_judge():
    # Given sales that the control can hardly be told from having, where so few viewers do,
    sales = Metric("sales", Kind.MEAN)
    plan = a_plan(guardrails=(sales,), min_units=2)
    sums = [
        {"clicks": Proportion(*count), "sales": Mean(10_000, paid * 700, paid * 700**2)}
        for count, paid in zip(AHEAD, (3, 60), strict=True)
    ]
    look = Look(of_sums(sums, plan))
    assert look.harms["sales", 1].lift is None
    # Then no share of them can be lost.
    assert rule(look).reason is Reason.AHEAD


def test_what_is_needed_is_told_from_the_control():
    # Given a control of 5 % and a variant of 10 %,
    look = Look(a_snapshot((10_000, 500), (10_000, 1000)))
    variances = [10_000 / 9999 * rate * (1 - rate) for rate in (0.05, 0.1)]
    need = need_units(variances, (0.5, 0.5), effect=0.1 * 0.05, alpha=0.05, power=0.8)
    assert look.needed_units == need.always


@pytest.mark.parametrize(("days", "left"), [(0, 14), (3, 11), (3.5, 11), (14, 0), (20, 0)])
def test_the_days_to_the_end_are_whole_and_run_out(days, left):
    assert Look(a_snapshot(*EVEN, days=days)).days_to_end == left


@pytest.mark.parametrize(("days", "reason"), [(11, Reason.UNDECIDED), (11.5, Reason.TOO_SLOW)])
def test_what_is_reached_on_the_last_day_is_not_too_slow(days, reason):
    # Given as many viewers a day as bring the rest within so many days, of which 11 are left,
    look = Look(a_snapshot(*EVEN))
    missing = look.needed_units - look.snapshot.units
    slow = a_snapshot(*EVEN, recent=Traffic(missing, days * 86_400))
    assert rule(Look(slow)).reason is reason


@pytest.mark.parametrize(
    ("sums", "primary", "needed"),
    [
        # 25 of 1 % are 2,500 viewers, of half of all who come
        ((Proportion(1000, 10), Proportion(1000, 20)), RATE, 5000),
        ((Proportion(60, 20), Proportion(60, 30)), RATE, 200),
        # 100 where half have the same and half have nothing are 200
        ((Mean(80, 40, 40), Mean(80, 40, 40)), Metric("watch", Kind.MEAN), 400),
    ],
)
def test_what_is_needed_is_no_less_than_the_guards_ask_for(sums, primary, needed):
    # Given an effect so large that few viewers would show it,
    plan = a_plan(primary=primary, mde=10.0)
    look = Look(of_sums([{primary.name: each} for each in sums], plan))
    # Then a verdict still takes what must be there before anything is said.
    assert look.needed_units == needed
    assert look.days_left == 1


@settings(deadline=None)
@given(st.data())
def test_the_names_of_variants_do_not_decide(data):
    # Given any counts of two variants,
    counts = []
    for _ in range(2):
        n = data.draw(st.integers(0, 10 ** data.draw(st.integers(1, 7))))
        counts.append((n, data.draw(st.integers(0, n))))
    # When they change places, then so does the answer.
    there = rule(Look(a_snapshot(*counts)))
    back = rule(Look(a_snapshot(*counts[::-1])))
    other = {"A": "B", "B": "A", None: None}
    # what is needed is told from the control, which is another one now
    if there.state is not State.COLLECTING:
        assert back == replace(there, label=other[there.label])
    assert back.state is there.state


def test_impressions_are_no_viewers_of_whom_shares_could_be_tested():
    # Given a tenth more impressions of B, as viewers look at it more often
    snapshot = a_snapshot((10_000, 500), (11_000, 550))
    assert rule(Look(snapshot)).state is State.INVALID_SRM
    # When they are known to be impressions, then that is no sign of how viewers were divided
    look = Look(replace(snapshot, independent=True))
    assert rule(look).state is State.COLLECTING
    assert look.log_p_shares is None
