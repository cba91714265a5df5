"""Bounded books, fault rules, the board, and joined timelines: without a server."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.agent import Kind, plan_message
from sandbox.board import SwitchBoard
from sandbox.books import Books, RunEntry
from sandbox.cues import Cue, Word
from sandbox.draft import Source, build_draft, join_drafts, read_captions
from sandbox.faults import MAX_RULES, BadRule, Caller, Faults, Rule, read_rule
from sandbox.pages import ROWS, Rows, Tally
from sandbox.style import PRESETS
from sandbox.switches import Switches, UnknownSwitch

NOBODY = Caller()


def test_a_tally_lets_the_oldest_name_go() -> None:
    tally = Tally(limit=2)
    for name in ("a", "b", "a", "c"):
        tally.add(name)
    assert tally.copy() == {"b": 1, "c": 1}
    assert tally.let_go == 1


@given(st.integers(1, 20), st.lists(st.integers(), max_size=60))
def test_rows_keep_the_newest(limit: int, items: list[int]) -> None:
    rows = Rows(limit)
    for item in items:
        rows.add(item)
    assert rows.copy() == items[-limit:]
    assert rows.let_go == max(0, len(items) - limit)


def test_books_stay_within_their_bounds_and_say_what_they_let_go() -> None:
    books = Books()
    for number in range(ROWS + 5):
        entry = RunEntry(f"e{number}", "s", "u", "h", "", 0)
        books.open_run(entry)
        books.close_run(entry, outcome="applied", charged=0, ended_ms=1)
        books.close_stream()
    pages = books.as_dict()
    assert (len(pages["runs"]), pages["runs"][-1]["request_id"]) == (ROWS, f"e{ROWS + 4}")
    assert pages["let_go"] == {"runs": 5}


def test_new_books_still_count_an_open_stream() -> None:
    books = Books()
    books.open_run(RunEntry("e", "s", "u", "h", "", 0))
    books.reset()
    assert (books.as_dict()["streams"], books.as_dict()["runs"]) == (1, [])
    books.close_stream()
    assert books.as_dict()["streams"] == 0


@given(st.sets(st.integers(1, 30), min_size=1), st.integers(0, 5), st.integers(1, 30))
def test_nth_and_times_decide_exactly(nth: set[int], times: int, calls: int) -> None:
    faults = Faults(1)
    faults.add([Rule("state", nth=tuple(nth), times=times, status=500)])
    struck = [n for n in range(1, calls + 1) if faults.strike("state", NOBODY)]
    due = sorted(n for n in nth if n <= calls)
    assert struck == (due[:times] if times else due)


def test_the_first_rule_that_strikes_decides_and_all_are_counted() -> None:
    faults = Faults(1)
    first, second = faults.add([Rule("state", nth=(2,), status=500), Rule("*", status=502)])
    hits = [faults.strike("state", NOBODY) for _ in range(2)]
    assert [hit[0] for hit in hits if hit] == [second, first]
    assert [row["seen"] for row in faults.rows()] == [2, 2]


def test_another_seed_strikes_others() -> None:
    def struck(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.add([Rule("state", probability=0.5, status=500)])
        return [faults.strike("state", NOBODY) is not None for _ in range(40)]

    assert struck(1) == struck(1)
    assert struck(1) != struck(2)


def test_there_is_a_limit_to_rules() -> None:
    faults = Faults(1)
    with pytest.raises(BadRule):
        faults.add([Rule("state", status=500)] * (MAX_RULES + 1))
    assert faults.rows() == []


JSON = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
FIELDS = st.sampled_from([*Rule.__dataclass_fields__, "other"])


@given(st.dictionaries(FIELDS, JSON | st.lists(JSON, max_size=3), max_size=6))
def test_any_rule_is_read_or_refused(row: dict[str, Any]) -> None:
    faults = Faults(1)
    with contextlib.suppress(BadRule):
        faults.add([read_rule(row)])
    # what was accepted can be carried out and shown
    for rule in faults.rows():
        struck = faults.strike(rule["endpoint"], Caller(frozenset({rule["session"]})))
        assert json.dumps(rule, allow_nan=False)
        assert struck is None or struck[1].delay_s >= 0


def test_the_nearest_switch_wins() -> None:
    board = SwitchBoard(Switches())
    board.note_client("anon_1", "client-1")
    board.note_session("55", 1, "anon_1")
    assert board.of("55").edit_s == 1.0
    for value, where in (
        (2.0, {}),
        (3.0, {"account": "client-1"}),
        (4.0, {"account": "anon_1"}),
        (5.0, {"session_id": "#1"}),
        (6.0, {"session_id": "55"}),
    ):
        board.set({"edit_s": value}, **where)  # type: ignore[arg-type]
        assert board.of("55").edit_s == value
    assert (board.of().edit_s, board.of(user_id="anon_1").edit_s) == (2.0, 4.0)
    board.reset()
    assert board.of("55") == Switches()


@pytest.mark.parametrize("where", [{"session_id": "5"}, {"account": "a"}])
def test_one_session_has_no_clock_of_its_own(where: dict[str, str]) -> None:
    with pytest.raises(UnknownSwitch):
        SwitchBoard(Switches()).set({"clock": "manual"}, **where)  # type: ignore[arg-type]


def test_joined_timelines_read_back_one_after_the_other() -> None:
    cue = Cue(100, 900, "a b", (Word("a", 100, 500), Word("b", 500, 900)))
    drafts = [
        build_draft(Source(f"asset_{n}", f"{n}.mp4", 1000, 320, 180, True), [cue], PRESETS["pop"],
                    title="t")
        for n in range(3)
    ]  # fmt: skip
    joined = join_drafts(drafts)
    assert joined["d"] == 3000
    cues = [each for each, _ in read_captions(joined)]
    assert [(c.start_ms, c.end_ms, c.words[1].start_ms) for c in cues] == [
        (100, 900, 500), (1100, 1900, 1500), (2100, 2900, 2500),
    ]  # fmt: skip
    assert [s["src"] for s in joined["t"][0]["sg"]] == ["asset_0", "asset_1", "asset_2"]


@pytest.mark.parametrize(
    ("message", "only", "strips"),
    [
        ("Edit captions, and captions only.", True, False),
        ("Change captions only; keep the rest.", True, False),
        ("Change nothing else: no music, no sound, no titles.", True, False),
        ("只改字幕", True, False),
        ("Add captions, please.", False, False),
        ("Remove the background music you added. Captions only.", True, True),
        ("Undo everything that is not captions", False, True),
        ("去掉背景音乐", False, True),
        ("Take out the title track", False, True),
    ],
)
def test_what_must_stay_and_what_must_go_is_understood(
    message: str, only: bool, strips: bool
) -> None:
    plan = plan_message(message)
    assert (plan.captions_only, plan.strips) == (only, strips)
    assert (plan.kind is Kind.STRIP) == strips


def test_captions_that_speak_of_music_remove_none() -> None:
    plan = plan_message(
        "Add captions.\n```srt\n1\n00:00:00,000 --> 00:00:01,000\nRemove the music\n```"
    )
    assert (plan.kind, plan.strips) == (Kind.CAPTION, False)
