"""The comparison on the terminal: a verdict in words, and a table that never breaks."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from cli.comparison import show_comparison

MEASURES = {
    "score": {"value": 93.5, "confident": True},
    "contrast": {"median": 7.54, "weakest": 4.61, "below_4_5": 0.05, "below_3": 0.0},
    "text_height": {"percent": 5.42, "px": 39.0},
    "timing": {"cps_highest": 17.04, "line_chars_most": 31, "lines_most": 2},
    "cues": {"measured": 12, "invisible": 0, "flagged": 0},
    "platforms": [
        {"label": "TikTok", "right_shape": True, "fits": False},
        {"label": "Reels", "right_shape": True, "fits": True},
        {"label": "YouTube", "right_shape": False, "fits": False},
    ],
}
CLIP = {
    "clip": 0,
    "status": "done",
    "reason": None,
    "controlled": True,
    "control": {"differences": [], "shared": [], "unsure": [], "notes": []},
    "variants": ["A", "B"],
    "measures": {"A": MEASURES, "B": {**MEASURES, "score": {"value": 71.2, "confident": False}}},
}
REPORT = {
    "verdict": {"text": "A's captions are easier to read than B's.", "caveats": ["Only one clip."]},
    "clips": [CLIP],
}


def shown(report) -> str:
    console = Console(file=io.StringIO(), width=100)
    show_comparison(report, console)
    return console.file.getvalue()


def test_the_verdict_comes_first_and_the_figures_of_both_below():
    text = shown(REPORT)
    assert text.startswith("A's captions are easier to read than B's.")
    assert "Only one clip." in text
    assert "Only the captions differ." in text
    rows = {line.split("│")[1].strip(): line for line in text.splitlines() if "│" in line}
    assert "94 of 100" in rows["score"] or "93 of 100" in rows["score"]
    assert "71 of 100 ?" in rows["score"]
    assert rows["contrast, median"].count("7.5 : 1") == 2
    assert rows["buttons of platforms"].count("covered on TikTok") == 2


def test_what_else_differs_is_named():
    control = {
        "differences": [{"variants": ["B"], "detail": "the sound comes 80 ms late"}],
        "unsure": ["colours were not compared"],
    }
    text = shown({**REPORT, "clips": [{**CLIP, "controlled": False, "control": control}]})
    assert "More than the captions differs:" in text
    assert "B: the sound comes 80 ms late" in text
    assert "not sure: colours were not compared" in text


def test_a_clip_that_could_not_be_compared_says_why_and_shows_no_table():
    clip = {"clip": 0, "status": "unavailable", "reason": "its frame rate varies", "variants": []}
    text = shown({"verdict": None, "clips": [clip]})
    assert "It could not be compared: its frame rate varies" in text
    assert "│" not in text


def test_several_clips_are_told_apart():
    text = shown({**REPORT, "clips": [CLIP, {**CLIP, "clip": 1}]})
    assert "Clip 1: Only the captions differ." in text
    assert "Clip 2: Only the captions differ." in text


def test_what_one_variant_lacks_is_a_dash():
    measures = {"A": MEASURES, "B": {"contrast": None, "cues": {"measured": 0, "invisible": 2}}}
    text = shown({**REPORT, "clips": [{**CLIP, "measures": measures}]})
    row = next(line for line in text.splitlines() if "contrast, median" in line)
    assert row.split("│")[3].strip() == "-"


@given(st.sets(st.sampled_from(sorted(MEASURES))), st.sampled_from(sorted(CLIP)))
def test_a_report_with_parts_missing_is_still_shown(dropped, absent):
    left = {name: each for name, each in MEASURES.items() if name not in dropped}
    clip = {**CLIP, "measures": {"A": left, "B": MEASURES}}
    if absent not in {"clip", "variants"}:
        del clip[absent]
    assert shown({**REPORT, "clips": [clip]})
