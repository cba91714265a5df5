"""What would change a verdict, in both languages."""

from __future__ import annotations

import re

import pytest

from api.page_change import CHANGES, tell_change
from service.experiments.metrics import Kind
from service.experiments.plan import Metric
from service.experiments.verdict import decide
from service.experiments.words import Sentence
from tests.page import experiments
from tests.unit.experiments.scenes import TABLE

SNAPSHOTS = {name: snapshot for name, snapshot, *_ in TABLE}


@pytest.mark.parametrize(
    ("name", "en", "zh"),
    [
        (
            "few",
            "More viewers: each variant needs 100, and these have fewer: A has 99, B has 99.",
            "需要更多观众：每个版本需要 100 位，以下版本不足：A 有 99 位、B 有 99 位。",
        ),
        (
            "rare",
            (
                "More viewers: each variant needs 25 who did it and as many who did not. So far: "
                "24 of 900 in A, 90 of 900 in B."
            ),
            (
                "需要更多观众：每个版本需要 25 位有此行为的观众，以及同样多没有此行为的观众。目前："
                "A 的 900 位中有 24 位，B 的 900 位中有 90 位。"
            ),
        ),
        (
            "undecided",
            (
                "About 95,320 more viewers, 2 days at the traffic of late, if the difference is "
                "the planned one of 10 %. A larger one shows sooner, a smaller one may never show."
            ),
            (
                "如果差异正如计划的 10%，大约还需要 95,320 位观众，按近期的流量需要 2 天。"
                "更大的差异会更早显现，更小的可能永远看不出来。"
            ),
        ),
        (
            "full",
            (
                "Nothing any more: the test has ended and its verdict is frozen. To go on, start a "
                "new job, because a plan never changes while it runs, with a higher limit (it was "
                "to need about 115,320 viewers), or for an effect larger than 10 %."
            ),
            (
                "不会再变：测试已结束，结论已冻结。如要继续，请新建任务（计划在测试期间不会改变），"
                "并提高观众上限（原本大约需要 115,320 位观众），或只检验大于 10% 的差异。"
            ),
        ),
    ],
)
def test_it_reads_well(name: str, en: str, zh: str) -> None:
    snapshot = SNAPSHOTS[name]
    assert tell_change(snapshot.plan, decide(snapshot).document) == Sentence(en, zh)


def test_spoiled_shares_name_what_bulk_data_may_have_done() -> None:
    """Given wrong shares, the reader is told that one variant may have been sent before another."""
    snapshot = SNAPSHOTS["skewed"]
    told = tell_change(snapshot.plan, decide(snapshot).document)
    assert "sent in bulk before those of another (send them mixed)" in told.en
    assert "请混合发送" in told.zh


def test_both_languages_tell_the_same_facts() -> None:
    """Given each text, what it is filled with is the same in both, but for words of their own."""
    for name, texts in CHANGES.items():
        english, chinese = (set(re.findall(r"{(\w+)}", texts[tongue])) for tongue in ("en", "zh"))
        assert english == {each.removesuffix("_zh") for each in chinese}, name


def test_words_of_a_plan_are_no_places_to_fill() -> None:
    plan = experiments.make_plan(primary=Metric("m", Kind.MEAN, "{days} {0}"))
    told = tell_change(plan, {"state": "collecting", "reason": "no_variance"})
    assert "{days} {0}" in told.en
    assert "{days} {0}" in told.zh


def test_what_is_not_known_is_said_to_be_so() -> None:
    """Given a verdict without the figures that its text has, both languages say that they lack."""
    told = tell_change(experiments.make_plan(), {"state": "collecting", "reason": "undecided"})
    assert "an unknown number of more viewers, an unknown time" in told.en
    assert "若干位观众" in told.zh
    assert "未知的时间" in told.zh


def test_a_state_of_a_later_release_has_none() -> None:
    told = tell_change(experiments.make_plan(), {"state": "new", "reason": "new"})
    assert told == Sentence("", "")
