"""The umpire of experiments complains of each thing that can be wrong, and of nothing else."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.crowd import Answered, Taste
from tests.chaos.experiments import Counts, Experiment, Findings, Kept, Told
from tests.chaos.umpire import expected_sums, judge_experiments

START_MS, TAKEN_MS, CLOSED_MS = 1_800_000_000_000, 1_800_000_009_000, 1_800_000_010_000
KEEP_MS = 3_600_000


def seen(unit: str, variant: str = "A") -> dict[str, Any]:
    return {"event_id": f"{unit}.seen", "unit_id": unit, "variant": variant}


def watched(unit: str, value: int, variant: str = "A") -> dict[str, Any]:
    more = {"event_id": f"{unit}.watch.{value}", "metric": "watch", "value": value}
    return {**seen(unit, variant), **more}


def clicked(unit: str, variant: str = "A") -> dict[str, Any]:
    return {**seen(unit, variant), "event_id": f"{unit}.click", "metric": "clicks"}


def figures(revision: int, units: int) -> dict[str, Any]:
    metrics = {"clicks": {"s": units // 10}}
    given = {"source": "board", "revision": revision, "variant": "B"}
    return {**given, "units": units, "metrics": metrics}


ITEMS = [seen("u1"), clicked("u1"), watched("u1", 700), seen("u2", "B"), figures(1, 10)]
SNAPSHOT = {
    "taken_at_ms": TAKEN_MS,
    "tallies": [
        {"exposed": 1, "sums": {"clicks": {"s": 1}, "watch": {"s1": 700}}},
        {"exposed": 11, "sums": {"clicks": {"s": 1}, "watch": {"s1": 0}}},
    ],
}
SNAPSHOT_TEXT = json.dumps(SNAPSHOT)
VERDICT_TEXT = json.dumps({"state": "winner", "variant": "B"})
BOOK = {
    "units:0": "1", "units:1": "1", "bulk:1": "10", "sum:0:0:s": "1", "sum:1:0:s": "1",
    "sum:1:0:n": "10", "sum:0:1:s1": "700", "sum:0:1:s2": "490000", "records": "7",
    "verdict": VERDICT_TEXT, "snapshot": SNAPSHOT_TEXT,
}  # fmt: skip
EVENT: dict[str, Any] = {
    "id": "evt_1",
    "type": "experiment.decided",
    "data": {
        "state": "winner",
        "reason": "ahead",
        "snapshot_sha256": hashlib.sha256(SNAPSHOT_TEXT.encode()).hexdigest(),
    },
}
SOUND = Experiment(
    job_id="job_1",
    taste=Taste.CLEAR,
    missing=[],
    answered=[Answered(each, "accepted", START_MS) for each in ITEMS],
    shown=frozenset({VERDICT_TEXT.encode()}),
    counts=Counts(BOOK, seen=4, units=2, sources=1),
    kept=Kept(
        row={"open": "0"},
        is_due=False,
        plan={"closed": str(CLOSED_MS), "end": "winner"},
        events=[EVENT],
        removed_ms=CLOSED_MS + KEEP_MS,
    ),
    told=[Told("msg_1", EVENT), Told("msg_1", EVENT)],
    verdict=VERDICT_TEXT.encode(),
    snapshot=SNAPSHOT_TEXT.encode(),
    made_again=VERDICT_TEXT.encode(),
)
#: It never began.
DROPPED_EVENT = {
    **EVENT, "type": "experiment.invalid", "data": {"state": None, "reason": "videos_missing"},
}  # fmt: skip
DROPPED = replace(
    SOUND,
    missing=["B"],
    answered=[],
    shown=frozenset(),
    counts=Counts({"records": "0"}, 0, 0, 0),
    kept=replace(
        SOUND.kept,
        plan={"closed": str(CLOSED_MS), "end": "videos_missing"},
        events=[DROPPED_EVENT],
    ),
    told=[Told("msg_1", DROPPED_EVENT)],
    verdict=b"",
    snapshot=b"",
    made_again=b"",
)


def judged(each: Experiment, records: int | None = None, **more: Any) -> list[str]:
    kept = each.counts.seen + each.counts.units + each.counts.sources
    taken = kept if records is None else records
    return judge_experiments(Findings([each], taken, KEEP_MS, **more))


def kept(each: Experiment = SOUND, **changes: Any) -> Experiment:
    return replace(each, kept=replace(each.kept, **changes))


def counted(**fields: str) -> Experiment:
    """With other counters; double underscores stand for colons."""
    book = BOOK | {name.replace("__", ":"): value for name, value in fields.items()}
    return replace(SOUND, counts=replace(SOUND.counts, book=book))


def told_as(**data: Any) -> Experiment:
    """With another event, of which the receiver was told all the same."""
    event = {**EVENT, "data": {**EVENT["data"], **data}}
    return replace(kept(events=[event]), told=[Told("msg_1", event)])


def test_books_that_agree_are_passed():
    assert judged(SOUND) == []
    assert judged(DROPPED) == []


@pytest.mark.parametrize(
    ("books", "complaint"),
    [
        (kept(row={"open": "1"}), "has not ended"),
        (kept(row={}), "has not ended"),
        (kept(is_due=True), "has not ended"),
        (kept(plan={"end": "winner"}), "not closed"),
        (replace(SOUND, taste=Taste.SKEWED), "its audience is skewed"),
        (kept(plan={"closed": str(CLOSED_MS), "end": "inconclusive"}), "its plan was closed as"),
        (replace(SOUND, missing=["B"]), "it has no video"),
        (kept(DROPPED, plan={"closed": str(CLOSED_MS), "end": "counts_lost"}), "it has no video"),
    ],
)
def test_its_end(books, complaint):
    assert any(complaint in each for each in judged(books))


@pytest.mark.parametrize(
    ("books", "complaint"),
    [
        (kept(events=[]), "it has 0 events"),
        (kept(events=[EVENT, EVENT]), "it has 2 events"),
        (replace(SOUND, told=[]), "knows 0 ids"),
        (replace(SOUND, told=[Told("msg_1", EVENT), Told("msg_2", EVENT)]), "knows 2 ids"),
        (replace(SOUND, told=[Told("msg_1", {**EVENT, "id": "evt_2"})]), "of another event"),
        (kept(events=[{**EVENT, "type": "experiment.invalid"}]), "experiment.invalid tells"),
        (told_as(state="inconclusive"), "tells 'inconclusive'"),
        (told_as(snapshot_sha256="0"), "names another snapshot"),
    ],
)
def test_its_telling(books, complaint):
    assert any(complaint in each for each in judged(books))


@pytest.mark.parametrize(
    ("books", "complaint"),
    [
        (counted(units__0="2"), "units:0 is 2, not 1"),
        (counted(units__1="0"), "units:1 is None, not 1"),
        (counted(bulk__1="20"), "bulk:1 is 20, not 10"),
        (counted(sum__0__1__s2="980000"), "sum:0:1:s2 is 980000, not 490000"),
        (counted(multiple="1"), "in two variants"),
        (counted(overflowed="1"), "counter was full"),
        (counted(records="8"), "keeps 7 records and says 8"),
        (
            replace(SOUND, answered=[*SOUND.answered, Answered(seen("u3"), "invalid", START_MS)]),
            "outcomes were refused: {'invalid': 1}",
        ),
        (
            replace(SOUND, answered=[*SOUND.answered, Answered(seen("u3"), "accepted", CLOSED_MS)]),
            "units:0 is 1, not 2",
        ),
    ],
)
def test_its_sums(books, complaint):
    assert any(complaint in each for each in judged(books))


@pytest.mark.parametrize(
    ("books", "complaint"),
    [
        (replace(SOUND, verdict=b"{}"), "the API shows another"),
        (replace(SOUND, snapshot=b"{}"), "the API shows another"),
        (replace(SOUND, made_again=b""), "makes another verdict"),
        (replace(SOUND, shown=frozenset({b"{}"})), "final verdicts were shown"),
    ],
)
def test_its_freeze(books, complaint):
    assert any(complaint in each for each in judged(books))


def test_its_snapshot_has_what_was_answered_before_it():
    # Given a viewer who was counted, but is not in the snapshot that was taken
    more = counted(units__0="2", records="9")
    more = replace(more, counts=replace(more.counts, seen=5, units=3))

    def answered(at_ms: int) -> list[str]:
        return judged(
            replace(more, answered=[*SOUND.answered, Answered(seen("u3"), "accepted", at_ms)])
        )

    # Then it is told where the answer came before, and not where it came after.
    assert answered(TAKEN_MS + 1) == []
    assert any("1 viewers of A, not 2 to 2" in each for each in answered(TAKEN_MS - 5000))


def test_its_snapshot_has_nothing_that_was_never_counted():
    tallies = [{**SNAPSHOT["tallies"][0], "exposed": 3}, SNAPSHOT["tallies"][1]]
    text = json.dumps({**SNAPSHOT, "tallies": tallies})
    assert any("3 viewers of A, not 1 to 1" in each for each in judged(counted(snapshot=text)))


def test_its_job_is_kept_for_a_while():
    for gone_ms in (0, CLOSED_MS, CLOSED_MS + KEEP_MS - 1):
        assert any("its job goes" in each for each in judged(kept(removed_ms=gone_ms)))


def test_what_was_seen_while_it_ran():
    assert judged(SOUND, ownerless=["experiment:job_1"]) != []
    assert judged(SOUND, unheld=["job_1"]) != []


def test_the_room_of_a_tenant():
    assert judged(SOUND, records=8) == ["its tenant has taken 8 records, its books 7"]


def test_sums_that_are_expected_count_an_outcome_once_and_the_last_figures_alone():
    # Given outcomes that were answered twice, one that was refused, and three revisions
    said = [
        ("accepted", watched("u1", 2000)),
        ("duplicate", watched("u1", 2000)),
        ("accepted", watched("u1", 1500)),
        ("invalid", seen("u9")),
        ("accepted", figures(1, 10)),
        ("accepted", figures(3, 50)),
        ("duplicate", figures(3, 50)),
        ("accepted", figures(2, 30)),
    ]
    found = expected_sums(Answered(item, word, START_MS) for word, item in said)
    # Then each counts once, a viewer for no more than one may, and the latest figures alone.
    assert found == {
        "units:0": 1,
        "sum:0:1:s1": 3000,
        "sum:0:1:s2": 9_000_000,
        "bulk:1": 50,
        "sum:1:0:n": 50,
        "sum:1:0:s": 5,
    }
