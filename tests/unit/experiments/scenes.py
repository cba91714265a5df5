"""A snapshot for each state of an experiment and each reason for it."""

from __future__ import annotations

from dataclasses import replace

from service.experiments.metrics import Kind, Mean, Proportion
from service.experiments.plan import Method, Metric, Plan, Split
from service.experiments.power import NO_TRAFFIC, Traffic
from service.experiments.snapshot import Snapshot
from service.experiments.states import Reason, State
from tests.unit.experiments.snapshots import a_plan, a_snapshot, of_sums

LOST = a_plan(split=Split.OBSERVATIONAL)
FIXED = a_plan(method=Method.FIXED, planned_units=20_000)
HARM = Metric("ends", Kind.PROPORTION, "completion rate", "完播率")
GUARDED = a_plan(guardrails=(HARM,))
WATCH = Metric("watch", Kind.MEAN, "watch time", "观看时长", most=3000)
PAID = Metric("paid", Kind.MEAN, "sales", "销售额")
FEW_PAY = {"paid": Mean(5000, 99 * 700, 99 * 700**2)}
ROPE = a_plan(rope=0.05)

SKEWED = ((12_000, 600), (9000, 700))
SLOW = Traffic(10, 86_400.0)
NOBODY = ((0, 0), (0, 0))
EVEN = ((10_000, 500), (10_000, 510))
AHEAD = ((10_000, 500), (10_000, 640))
ALIKE = ((9_000_000, 900_000), (9_000_000, 900_900))
JUST = ((4_000_000, 400_000), (4_000_000, 405_000))


def with_harm(base: int, other: int, plan: Plan = GUARDED) -> Snapshot:
    sums = [
        {"clicks": Proportion(*count), "ends": Proportion(10_000, ends)}
        for count, ends in zip(AHEAD, (base, other), strict=True)
    ]
    return of_sums(sums, plan)


#: What is seen, and what must be said. Every pair of a state and a reason is here.
TABLE: list[tuple[str, Snapshot, State, Reason, str | None]] = [
    ("nobody", a_snapshot(*NOBODY), State.NO_DATA, Reason.NO_UNITS, None),
    ("young", a_snapshot(*AHEAD, days=0.9), State.COLLECTING, Reason.MIN_RUNTIME, None),
    ("few", a_snapshot((99, 40), (99, 40)), State.COLLECTING, Reason.FEW_UNITS, None),
    ("rare", a_snapshot((900, 24), (900, 90)), State.COLLECTING, Reason.FEW_OUTCOMES, None),
    ("all did", a_snapshot((900, 890), (900, 400)), State.COLLECTING, Reason.FEW_OUTCOMES, None),
    (
        "of few",
        of_sums([FEW_PAY] * 2, a_plan(primary=PAID)),
        State.COLLECTING,
        Reason.FEW_VALUES,
        None,
    ),
    (
        "one value",
        of_sums([{"watch": Mean(500, 500, 500)}] * 2, a_plan(primary=WATCH)),
        State.COLLECTING,
        Reason.NO_VARIANCE,
        None,
    ),
    (
        "before its look",
        a_snapshot((8000, 400), (8000, 700), plan=FIXED),
        State.COLLECTING,
        Reason.BEFORE_PLANNED,
        None,
    ),
    (
        "undecided",
        a_snapshot(*EVEN, recent=Traffic(90_000, 86_400)),
        State.COLLECTING,
        Reason.UNDECIDED,
        None,
    ),
    (
        "slow",
        a_snapshot(*EVEN, recent=Traffic(10, 86_400)),
        State.COLLECTING,
        Reason.TOO_SLOW,
        None,
    ),
    ("dry", a_snapshot(*EVEN, recent=NO_TRAFFIC), State.COLLECTING, Reason.NO_TRAFFIC, None),
    (
        "enough",
        a_snapshot((90_000, 4500), (90_000, 4550)),
        State.COLLECTING,
        Reason.PAST_NEED,
        None,
    ),
    ("B", a_snapshot(*AHEAD), State.WINNER, Reason.AHEAD, "B"),
    ("A", a_snapshot(*AHEAD[::-1]), State.WINNER, Reason.AHEAD, "A"),
    ("harm", with_harm(6000, 5500), State.WINNER, Reason.AHEAD_WITH_HARM, "B"),
    ("elsewhere", a_snapshot(*AHEAD, plan=LOST), State.LEADING, Reason.AHEAD, "B"),
    (
        "elsewhere with harm",
        with_harm(6000, 5500, replace(GUARDED, split=Split.OBSERVATIONAL)),
        State.LEADING,
        Reason.AHEAD_WITH_HARM,
        "B",
    ),
    ("alike", a_snapshot(*ALIKE), State.NO_DIFFERENCE, Reason.WITHIN_ROPE, None),
    (
        "just ahead",
        a_snapshot(*JUST, plan=ROPE),
        State.NO_DIFFERENCE,
        Reason.AHEAD_WITHIN_ROPE,
        "B",
    ),
    ("late", a_snapshot(*EVEN, days=14), State.INCONCLUSIVE, Reason.DEADLINE, None),
    (
        "full",
        a_snapshot(*EVEN, plan=a_plan(max_units=20_000)),
        State.INCONCLUSIVE,
        Reason.MAX_UNITS,
        None,
    ),
    ("read", a_snapshot(*EVEN, plan=FIXED), State.INCONCLUSIVE, Reason.PLANNED_UNITS, None),
    (
        "late, nobody",
        a_snapshot((0, 0), (0, 0), days=14),
        State.INCONCLUSIVE,
        Reason.NO_UNITS,
        None,
    ),
    ("late, few", a_snapshot((9, 4), (9, 4), days=14), State.INCONCLUSIVE, Reason.FEW_UNITS, None),
    (
        "late, rare",
        a_snapshot((900, 4), (900, 4), days=14),
        State.INCONCLUSIVE,
        Reason.FEW_OUTCOMES,
        None,
    ),
    (
        "late, of few",
        of_sums([FEW_PAY] * 2, a_plan(primary=PAID), days=14),
        State.INCONCLUSIVE,
        Reason.FEW_VALUES,
        None,
    ),
    (
        "late, one value",
        of_sums([{"watch": Mean(500, 500, 500)}] * 2, a_plan(primary=WATCH), days=14),
        State.INCONCLUSIVE,
        Reason.NO_VARIANCE,
        None,
    ),
    (
        "late, unread",
        a_snapshot((8000, 400), (8000, 700), plan=FIXED, days=14),
        State.INCONCLUSIVE,
        Reason.BEFORE_PLANNED,
        None,
    ),
    ("skewed", a_snapshot(*SKEWED), State.INVALID_SRM, Reason.SHARES, None),
    (
        "in both",
        a_snapshot(*AHEAD, multiple=201),
        State.INVALID_DATA,
        Reason.MULTIPLE_EXPOSURE,
        None,
    ),
    (
        "too large",
        a_snapshot(*AHEAD, overflowed=True),
        State.INVALID_DATA,
        Reason.COUNTER_OVERFLOW,
        None,
    ),
]
