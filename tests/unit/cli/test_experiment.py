"""How an experiment is told on the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cli.experiment import read_plan_file, tell, tell_sizing
from cli.main import main
from cli.outcome_rows import Row, read_rows
from service.experiments.metrics import Mean
from service.experiments.plan import Unit, write_plan
from service.experiments.proposal import read_proposal
from service.experiments.snapshot import Snapshot
from service.experiments.verdict import decide
from tests.unit.experiments.scenes import WATCH, with_harm
from tests.unit.experiments.snapshots import a_plan, a_snapshot, of_sums

EXAMPLES = Path(__file__).parents[3] / "docs/examples"


def told(snapshot: Snapshot, *, decided: bool = False) -> list[str]:
    """What is printed of an experiment with this snapshot."""
    experiment = {
        "job_id": "job_1",
        "started_at": "2026-11-25T10:00:00.000Z",
        "decided_at": "2026-11-26T10:00:00.000Z" if decided else None,
        "plan": write_plan(snapshot.plan),
    }
    return list(tell(experiment, decide(snapshot).document))


def test_a_winner_is_told_with_its_sentence_counts_and_interval():
    lines = told(a_snapshot((10_000, 500), (10_000, 640)), decided=True)
    assert lines[0] == "job_1  decided 2026-11-26T10:00:00.000Z"
    assert lines[1].startswith("winner: B wins: its click rate is ")
    assert lines[2] == "By click rate:"
    assert lines[3].split() == ["A", "10,000", "viewers", "5.00", "%"]
    assert lines[4].split() == ["B", "10,000", "viewers", "6.40", "%"]
    assert lines[5].startswith("  B against A: +1.40 points, between +0.")
    assert "; that is +" in lines[5]


def test_of_spoiled_data_no_difference_is_told():
    lines = told(a_snapshot((10_000, 500), (8_000, 640)), decided=True)
    assert lines[1].startswith("invalid_srm: ")
    assert lines[3].split()[:2] == ["A", "10,000"]
    assert not any("against" in line for line in lines[2:])


def test_a_running_one_says_how_long_it_may_take():
    lines = told(a_snapshot((10_000, 500), (10_000, 510)))
    assert lines[0] == "job_1  running since 2026-11-25T10:00:00.000Z"
    assert lines[-1].startswith("  about ")
    assert lines[-1].endswith("it ends in 11 days")


@pytest.mark.parametrize(
    ("status", "said"),
    [("waiting", "with a video of every variant."), ("dropped", "It never began")],
)
def test_one_that_has_not_begun_says_why(status, said):
    first, second = tell({"job_id": "job_1", "status": status}, None)
    assert first == f"job_1  {status}"
    assert said in second


def test_one_without_viewers_says_so():
    lines = told(a_snapshot((0, 0), (0, 0)))
    assert lines[1] == "no_data: No viewer has been counted yet."
    assert lines[3].split() == ["A", "0", "viewers", "-"]


def test_harm_is_told():
    assert any("B does harm: its ends is worse" in line for line in told(with_harm(5000, 4000)))


def test_what_is_no_rate_has_no_percent():
    sums = [{"watch": Mean(1000, 12_000, 160_000)}, {"watch": Mean(1000, 13_000, 185_000)}]
    lines = told(of_sums(sums, a_plan(primary=replace(WATCH, title=""))))
    assert lines[2] == "By watch:"
    assert lines[3].split() == ["A", "1,000", "viewers", "12.00"]
    assert lines[5].startswith("  B against A: +1.00, between +0.")


def test_a_time_is_told_in_seconds():
    sums = [
        {"watch": Mean(1000, 780_600, 700_000_000)},
        {"watch": Mean(1000, 900_000, 900_000_000)},
    ]
    lines = told(of_sums(sums, a_plan(primary=replace(WATCH, unit=Unit.SECONDS))))
    assert lines[3].split() == ["A", "1,000", "viewers", "7.81", "s"]
    assert lines[5].startswith("  B against A: +1.19 s, between +0.")


def test_sizes_are_told_in_a_sentence_and_by_variant():
    document = {
        "primary": {"name": "clicks", "kind": "proportion"},
        "assume": {"value": 0.05, "units_per_day": 1000},
    }
    sizing = read_proposal(document, ["A", "B"], seed="job").sizing
    answer = {
        "sizing": {
            "sentence": {"en": sizing.sentence.en},
            **{
                name: {
                    "units": size.units,
                    "by_variant": dict(zip("AB", size.by_variant, strict=True)),
                    "days": size.days,
                }
                for name, size in (("one_look", sizing.one_look), ("any_look", sizing.any_look))
            },
        }
    }
    first, one, any_ = tell_sizing(answer)
    assert first == sizing.sentence.en
    assert (
        one
        == f"  one look: {sizing.one_look.units:,} viewers ("
        + ", ".join(
            f"{label} {units:,}"
            for label, units in zip("AB", sizing.one_look.by_variant, strict=True)
        )
        + f"), {sizing.one_look.days:,} days"
    )
    assert any_.startswith("  any look: ")
    assert list(tell_sizing({"sizing": None})) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "is no JSON"), ("[" * 99_999, "is no JSON"), ("[1]", "one JSON object")],
)
def test_a_file_that_is_no_plan_is_told_before_anything_is_asked(tmp_path, capsys, text, said):
    path = tmp_path / "plan.json"
    path.write_text(text)
    assert main(["experiment", "job_1", "--plan", str(path), "--key", "k", "--url", "none"]) == 1
    assert said in capsys.readouterr().err


def test_a_plan_may_have_a_mark_of_its_editor(tmp_path):
    path = tmp_path / "plan.json"
    path.write_text("\ufeff" + json.dumps({"mde": 0.1}), encoding="utf-8")
    assert read_plan_file(path) == {"mde": 0.1}


def test_a_dry_run_without_a_plan_is_refused(capsys):
    assert main(["experiment", "job_1", "--dry-run", "--key", "k", "--url", "none"]) == 1
    assert "--dry-run needs --plan" in capsys.readouterr().err


def test_the_examples_of_the_guide_are_good_and_shown_there():
    plan, table = ((EXAMPLES / name).read_text() for name in ("plan.json", "outcomes.csv"))
    assert read_proposal(json.loads(plan), ["A", "B"], seed="job").sizing
    assert all(isinstance(row, Row) for row in read_rows(table.splitlines(keepends=True)))
    guide = (EXAMPLES.parent / "guide.md").read_text(encoding="utf-8")
    assert plan in guide
    assert table in guide
