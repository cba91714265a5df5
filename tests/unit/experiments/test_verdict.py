"""A verdict: the same bytes from the same snapshot, and a sentence that anybody understands."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.experiments.inference import multiplier
from service.experiments.metrics import Kind, Mean, Proportion
from service.experiments.plan import Better, Metric
from service.experiments.snapshot import canonical, fingerprint, read_snapshot, write_snapshot
from service.experiments.states import State
from service.experiments.verdict import decide
from service.experiments.words import SENTENCES
from tests.unit.experiments.scenes import AHEAD, ALIKE, EVEN, FIXED, GUARDED, TABLE, with_harm
from tests.unit.experiments.snapshots import RATE, a_plan, a_snapshot, of_sums

LEANS = (
    "The time of the test is over without a clear result. B is the more likely choice"
    " (best with 62.7 %), but that may be chance."
)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_the_frozen_snapshot_gives_the_same_bytes(row):
    # Given a verdict and its snapshot, written down,
    snapshot = row[1]
    verdict = decide(snapshot).as_bytes()
    frozen = canonical(write_snapshot(snapshot))
    # When the snapshot is read a year later, then its verdict has the same bytes.
    assert decide(read_snapshot(json.loads(frozen))).as_bytes() == verdict
    assert json.loads(verdict)["snapshot_sha256"] == fingerprint(snapshot)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_each_state_is_said_in_one_sentence_of_each_language(row):
    sentence = decide(row[1]).sentence
    assert not re.search(r"[{}]|None|nan", sentence.en + sentence.zh)
    assert sentence.en.endswith(".")
    assert sentence.zh.endswith("。")
    assert re.search("[\u4e00-\u9fff]", sentence.zh)
    assert "significan" not in sentence.en


def test_every_sentence_is_said_somewhere():
    said = {f"{state}/{reason}" for _, _, state, reason, _ in TABLE}
    assert set(SENTENCES) == said | {"leaning"}
    assert all(set(each) == {"en", "zh"} for each in SENTENCES.values())


@pytest.mark.parametrize(
    ("snapshot", "en", "zh"),
    [
        (
            a_snapshot(*AHEAD),
            "B wins: its click rate is 6.9 % to 54.0 % higher than that of A.",
            "B 胜出：它的点击率比 A 高 6.9% 到 54.0%。",
        ),
        (
            a_snapshot(*AHEAD, plan=a_plan(primary=replace(RATE, better=Better.LOWER))),
            "A wins: its click rate is 6.4 % to 35.1 % lower than that of B.",
            "A 胜出：它的点击率比 B 低 6.4% 到 35.1%。",
        ),
        (
            a_snapshot(*ALIKE, plan=a_plan(rope=0.025)),
            (
                "It makes no difference: the click rate of the variants differs by less than 2.5 %."
                " Choose the one that you like."
            ),
            "没有差别：各版本的点击率相差不到 2.5%。选您喜欢的即可。",
        ),
        (
            a_snapshot(*EVEN, plan=a_plan(min_runtime_s=5400), days=0.01),
            (
                "Too early to say: the test runs for at least 1.5 hours, so that one part of the"
                " day does not decide."
            ),
            "现在下结论还太早：测试至少要进行 1.5 小时，以免只由一天中的某个时段决定结果。",
        ),
        (
            a_snapshot(*EVEN, plan=a_plan(min_runtime_s=7 * 86_400)),
            (
                "Too early to say: the test runs for at least 7 days, so that one part of the day"
                " does not decide."
            ),
            "现在下结论还太早：测试至少要进行 7 天，以免只由一天中的某个时段决定结果。",
        ),
        (
            a_snapshot(*EVEN, plan=a_plan(min_runtime_s=36 * 3600), days=0.01),
            (
                "Too early to say: the test runs for at least 36 hours, so that one part of the day"
                " does not decide."
            ),
            "现在下结论还太早：测试至少要进行 36 小时，以免只由一天中的某个时段决定结果。",
        ),
        (
            a_snapshot(*EVEN, days=14),
            LEANS,
            "测试时间已到，没有明确结果。B 更有可能是较好的（62.7%），但这也可能是巧合。",
        ),
    ],
)
def test_sentences_read_well(snapshot, en, zh):
    sentence = decide(snapshot).sentence
    assert (sentence.en, sentence.zh) == (en, zh)


def test_among_several_the_winner_is_told_against_the_next_best():
    snapshot = a_snapshot((20_000, 1000), (20_000, 1400), (20_000, 1800))
    assert "than that of B, the next best." in decide(snapshot).sentence.en


def test_a_title_in_braces_does_no_harm():
    plan = a_plan(primary=replace(RATE, title="{label} {0}", title_zh=""))
    assert "{label} {0}" in decide(a_snapshot(*AHEAD, plan=plan)).sentence.zh


def test_a_reader_finds_all_that_it_rests_on():
    document = decide(a_snapshot(*AHEAD, watermark="17-0")).document
    (pair,) = document["pairs"]
    assert document["method"] == "asymp_cs_v1"
    assert document["watermark"] == "17-0"
    assert (pair["base"], pair["variant"], pair["units"]) == ("A", "B", 20_000)
    assert pair["interval"][0] > 0
    assert pair["lift"][0] > 0
    assert pair["multiplier"] == pytest.approx(3.1271, abs=1e-3)
    assert 0 < pair["p"] < 0.05
    assert [each["exposed"] for each in document["variants"]] == [10_000, 10_000]
    assert document["variants"][1]["outlook"]["best"] > 0.999
    assert 0 < document["variants"][1]["shrunk_lift"]["lift"] < 0.28


def test_the_chance_to_be_better_follows_what_is_better():
    # Given a variant with the higher rate,
    chances = {}
    for better in Better:
        plan = a_plan(primary=replace(RATE, better=better))
        row = decide(a_snapshot(*AHEAD, plan=plan)).document["variants"][1]
        chances[better] = (row["outlook"]["best"], row["shrunk_lift"]["better"])
    # Then it is likely the better one, or likely not, in both of the ways to say so.
    assert min(chances[Better.HIGHER]) > 0.999
    assert max(chances[Better.LOWER]) < 0.001


def test_each_pair_of_several_has_a_level_of_its_own():
    document = decide(a_snapshot(*EVEN, (10_000, 505))).document
    level = document["pair_alpha"]
    assert level == pytest.approx(2 * 0.05 / 3)
    expected = pytest.approx(multiplier(20_000, 2 * 0.05 / 3, 5000))
    assert [each["multiplier"] for each in document["pairs"]] == [expected] * 3
    assert [each["planned_units"] for each in document["pairs"]] == [5000] * 3


def test_a_fixed_test_shows_nothing_before_its_look():
    # Given a test planned for one look, which is yet to come,
    document = decide(a_snapshot((8000, 400), (8000, 700), plan=FIXED)).document
    # Then there is nothing in it that could be peeked at.
    assert document["pairs"] == document["against_control"] == []
    assert [each["outlook"] for each in document["variants"]] == [None, None]
    assert decide(a_snapshot(*EVEN, plan=FIXED)).document["method"] == "welch_v1"
    (pair,) = decide(a_snapshot(*EVEN, plan=FIXED)).document["pairs"]
    assert pair["planned_units"] is None


def test_secondary_metrics_are_adjusted_together():
    plan = a_plan(
        secondary=(Metric("ends", Kind.PROPORTION), Metric("watch", Kind.MEAN)),
    )
    sums = [
        {"clicks": Proportion(*EVEN[n]), "ends": Proportion(10_000, ends), "watch": watch}
        for n, ends, watch in (
            (0, 5000, Mean(10_000, 10**6, 2 * 10**8)),
            (1, 5600, Mean(10_000, 10**6 + 900, 2 * 10**8)),
        )
    ]
    rows = decide(of_sums(sums, plan)).document["secondary"]
    assert [each["metric"] for each in rows] == ["ends", "watch"]
    assert all(each["exploratory"] for each in rows)
    assert rows[0]["p_adjusted"] < 0.05 < rows[1]["p_adjusted"]


def test_variants_are_told_against_the_control_adjusted_for_being_many():
    # Given p-values of both variants against the control,
    snapshot = a_snapshot((20_000, 1000), (20_000, 1150), (20_000, 1200))
    document = decide(snapshot).document
    p = {each["variant"]: each["p"] for each in document["pairs"] if each["base"] == "A"}
    assert p["C"] < p["B"] < 0.5
    # Then by Holm the lesser is doubled, and the other is no less than that.
    expected = {"B": pytest.approx(max(p["B"], 2 * p["C"])), "C": pytest.approx(2 * p["C"])}
    assert {e["variant"]: e["p_adjusted"] for e in document["against_control"]} == expected


def test_guardrails_tell_harm():
    harmed, unharmed = (
        decide(with_harm(6000, ends, GUARDED)).document["guardrails"][0] for ends in (5500, 6050)
    )
    assert harmed["harm"] is True
    assert unharmed["harm"] is False


def test_a_bound_of_a_variance_is_told():
    plan = a_plan(primary=Metric("watch", Kind.MEAN, most=3000))
    sums = [{"watch": Mean(2000, 10**6, 3 * 10**9, bounded=True)}] * 2
    variants = decide(of_sums(sums, plan)).document["variants"]
    assert {each["metrics"]["watch"]["variance"] for each in variants} == {"upper_bound"}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(100, 3900), st.integers(100, 3900)), min_size=2, max_size=5))
def test_p_only_falls_from_look_to_look(batches):
    # Given outcomes that come in batches, and a look after each,
    n, s, earlier, told = [0, 0], [0, 0], {}, []
    for batch in batches:
        for arm in (0, 1):
            n[arm] += 4000
            s[arm] += batch[arm]
        snapshot = a_snapshot((n[0], s[0]), (n[1], s[1]), earlier=earlier)
        verdict = decide(snapshot)
        earlier = verdict.earlier
        told.append((verdict.document["pairs"][0]["p"], verdict.document["shares"]["p"]))
    # Then no p-value rises, whatever comes.
    assert told == sorted(told, reverse=True)


def test_impressions_without_units_are_told_to_be_assumed_independent():
    told = [
        decide(a_snapshot(*EVEN, independent=one)).document["assumptions"] for one in (False, True)
    ]
    assert told == [[], ["independent_impressions"]]


@pytest.mark.parametrize(
    ("lowered", "told"),
    [
        ({}, []),
        ({"min_units": 99}, ["lowered_guards"]),
        ({"min_outcomes": 24}, ["lowered_guards"]),
        ({"min_outcomes": 24, "primary": Metric("watch", Kind.MEAN, most=3000)}, []),
    ],
)
def test_a_plan_that_lets_few_decide_is_told_to(lowered, told):
    plan = a_plan(**lowered)
    nobody = Proportion() if plan.primary.kind is Kind.PROPORTION else Mean()
    snapshot = of_sums([{plan.primary.name: nobody}] * 2, plan)
    assert decide(snapshot).document["assumptions"] == told


def test_looking_again_at_the_same_changes_nothing():
    first = decide(a_snapshot(*EVEN))
    again = decide(a_snapshot(*EVEN, earlier=first.earlier))
    assert again.document["pairs"] == first.document["pairs"]
    assert again.earlier == first.earlier


def test_numbers_have_ten_digits_and_are_finite():
    text = decide(a_snapshot(*AHEAD)).as_bytes().decode()
    assert not re.search(r"NaN|Infinity|-0\.0[,}\]]", text)
    numbers = re.findall(r"-?\d+\.\d+(?:e[+-]\d+)?", text)
    assert all(float(f"{float(each):.10g}") == float(each) for each in numbers)
    assert any(float(f"{float(each):.9g}") != float(each) for each in numbers)


def test_only_final_states_are_frozen():
    assert {each for each in State if not each.is_final} == {State.NO_DATA, State.COLLECTING}


def test_counts_of_a_trillion_are_no_trouble():
    verdict = decide(a_snapshot((10**12, 5 * 10**10), (10**12, 5 * 10**10 + 10**8)))
    assert verdict.state is State.NO_DIFFERENCE


def test_a_mean_that_is_known_more_exactly_than_floats_tell_has_no_outlook():
    # Given figures of which one varies less than its neighbouring floats are apart
    exact = Mean(33_501_655_207_944, 1_358_515_986_174_941, 55_088_791_083_231_229)
    plan = a_plan(primary=Metric("watch", Kind.MEAN, most=3000))
    verdict = decide(of_sums([{"watch": exact}, {"watch": Mean(299, 36, 6)}], plan))
    # Then there is a verdict all the same
    assert [each["outlook"] for each in verdict.document["variants"]] == [None, None]


def test_rates_at_their_edges_are_judged_however_many_units_there_are():
    counts = (2**63 - 4, 2**63 - 4), (115, 115), (6_016_776, 27)
    assert decide(a_snapshot(*counts)).as_bytes()
