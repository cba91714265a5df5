"""The full report and its summary: verdicts of several variants and clips, and their size."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from api.comparison_schemas import ReportReply
from api.comparisons import ComparisonReply
from service.captions.model import Cue
from service.captions.style import build_style
from service.compare.cards import Asked
from service.compare.differing import Difference
from service.compare.facts import ClipFacts, ClipSights, Film, Glimpse, Measured, Seen, Sight
from service.compare.platforms import load_platforms
from service.compare.report import put_together, summarise
from service.compare.sheet import ClipMeasured, tell_clip
from service.compare.verdict import Judgement
from tests.unit.compare.shown import CUES, FILM, HIDDEN, LOW, SIGHT

GOOD = Judgement(True)
WEAK = replace(SIGHT, contrast=1.6, weakest=1.1, below_4_5=1.0, below_3=1.0)
FAIR = replace(SIGHT, contrast=4.0, weakest=2.5, below_4_5=0.6, below_3=0.1)


def measured(clip: int = 0, judged: Judgement = GOOD, **variants: Sight) -> ClipMeasured:
    """A clip in which every caption of a variant is seen alike."""
    facts = ClipFacts(FILM, tuple(Measured(label, FILM) for label in variants))
    seen = tuple(
        Seen(label, tuple(_seen(sight, place) for place in range(len(CUES))))
        for label, sight in variants.items()
    )
    asked = {label: Asked(cues=CUES) for label in variants}
    return ClipMeasured(clip, judged, asked, facts, ClipSights(seen), dict.fromkeys(variants, 1))


def _seen(sight: Sight, place: int) -> Sight:
    at_s = CUES[place].start_ms / 1000
    points = tuple(Glimpse(at_s + n * 0.25, sight.contrast, sight.weakest) for n in range(8))
    return replace(sight, card=place, moments=points)


def told(*clips: ClipMeasured, confounded: bool = False) -> dict:
    platforms = load_platforms()
    return put_together([tell_clip(each, platforms, confounded=confounded) for each in clips])


def test_the_api_tells_all_of_the_full_report():
    # Given a report with every part, when the API describes it, then no field is lost.
    full = {**told(measured(A=WEAK, B=SIGHT)), "job": "job_1", "made_at": "2026-11-25T00:00:00Z"}
    assert ReportReply().dump(full) == full
    assert ComparisonReply().dump(summarise(full)) == summarise(full)


def test_the_clearly_better_variant_is_told_with_its_moments_and_findings():
    (clip,) = told(measured(A=WEAK, B=SIGHT))["clips"]
    assert (clip["verdict"]["better"], clip["verdict"]["over"]) == ("B", "A")
    assert clip["ranking"] == ["B", "A"]
    assert [(each["name"], each["variant"]) for each in clip["moments"]] == [
        ("weakest", "A"),
        ("weakest", "B"),
        ("largest_difference", None),
    ]
    findings = {each["standard"]: each for each in clip["measures"]["A"]["findings"]}
    assert findings["wcag-contrast"]["cues"] == [0, 1, 2, 3]
    assert (findings["wcag-contrast"]["worst"], findings["wcag-contrast"]["checked"]) == (1.6, True)
    assert clip["measures"]["B"]["findings"] == []


def test_of_several_variants_the_best_is_set_against_the_next():
    # Given three variants, when they are compared,
    (clip,) = told(measured(A=FAIR, B=WEAK, C=SIGHT))["clips"]
    # Then every pair is told, and the verdict is about the first two of the ranking.
    assert clip["ranking"] == ["C", "A", "B"]
    assert [each["variants"] for each in clip["pairs"]] == [["A", "B"], ["A", "C"], ["B", "C"]]
    assert (clip["verdict"]["better"], clip["verdict"]["over"]) == ("C", "A")
    assert clip["verdict"]["text"].startswith("Of 3 variants, C comes first and A next. C's")


def test_the_first_two_of_several_that_tie_are_both_first():
    (clip,) = told(measured(A=SIGHT, B=WEAK, C=SIGHT))["clips"]
    assert clip["verdict"]["result"] == "tie"
    assert clip["verdict"]["text"].startswith("Of 3 variants, A and C come first.")


def test_captions_that_cannot_be_seen_have_a_reason_instead_of_a_score():
    full = told(measured(A=HIDDEN, B=SIGHT))
    assert full["clips"][0]["measures"]["A"]["score"]["reason"] == "captions_not_visible"
    assert summarise(full)["clips"][0]["scores"]["A"] is None
    assert full["verdict"]["better"] == "B"


@pytest.mark.parametrize(
    ("clips", "result", "better"),
    [
        ([{"A": WEAK, "B": SIGHT}, {"A": WEAK, "B": SIGHT}], "better", "B"),
        ([{"A": WEAK, "B": SIGHT}, {"A": SIGHT, "B": SIGHT}], "better", "B"),
        ([{"A": WEAK, "B": SIGHT}, {"A": SIGHT, "B": WEAK}], "mixed", None),
        ([{"A": SIGHT, "B": SIGHT}, {"A": HIDDEN, "B": HIDDEN}], "tie", None),
        ([{"A": HIDDEN, "B": HIDDEN}] * 2, "unknown", None),
    ],
)
def test_clips_that_agree_make_the_verdict_of_a_job(clips, result, better):
    verdict = told(*(measured(n, **each) for n, each in enumerate(clips)))["verdict"]
    assert (verdict["result"], verdict["better"]) == (result, better)
    assert " 2 clips" in verdict["text"]


@pytest.mark.parametrize(("judged", "confounded"), [(Judgement(False), False), (GOOD, True)])
def test_what_differs_besides_the_captions_is_said_first(judged, confounded):
    verdict = told(measured(judged=judged, A=WEAK, B=SIGHT), confounded=confounded)["verdict"]
    # It is compared all the same.
    assert verdict["better"] == "B"
    assert verdict["text"].startswith(verdict["caveats"][0])
    assert "more than" in verdict["text"].split(".")[0].lower()


def test_a_cue_is_told_in_each_variant_that_shows_it():
    (clip,) = told(measured(A=WEAK, B=SIGHT))["clips"]
    cue = clip["cues"][1]
    assert (cue["index"], cue["start_s"], cue["text"]) == (1, 3.0, CUES[1].text)
    assert cue["variants"]["B"]["box"] == list(LOW)
    assert (cue["variants"]["A"]["contrast"], cue["variants"]["A"]["below_3"]) == (1.6, 1.0)


def test_words_shown_some_at_a_time_are_told_by_their_cue():
    # Given a cue shown as two cards, one of which cannot be seen,
    asked = Asked(build_style({"preset": "pop"}), (Cue(0, 4000, "one two three"),))
    seen = Seen("A", (SIGHT, replace(HIDDEN, card=1)))
    facts = ClipFacts(FILM, (Measured("A", FILM),))
    clip = tell_clip(ClipMeasured(0, GOOD, {"A": asked}, facts, ClipSights((seen,))), ())
    # Then it counts as one, seen, and with all letters of the other card lost.
    assert clip["measures"]["A"]["cues"]["measured"] == 1
    (cue,) = clip["cues"]
    assert (cue["variants"]["A"]["visible"], cue["variants"]["A"]["below_3"]) == (True, 0.5)


def test_a_clip_of_which_nothing_was_measured_is_told_whole():
    full = told(ClipMeasured(0, Judgement(None, "It is gone."), {"A": Asked(), "B": Asked()}))
    (clip,) = full["clips"]
    assert (full["status"], full["reason"]) == ("unavailable", "Clip 1: It is gone.")
    assert (clip["curve"], clip["cues"], clip["film"]) == (None, [], {"A": None, "B": None})
    assert clip["measures"]["A"]["score"]["value"] is None
    assert clip["measures"]["A"]["fault"]
    assert ReportReply().dump(full) == full


def test_a_summary_of_two_variants_is_below_6_kb():
    # Given all that can be told of a clip at once: eight differences, doubts, flags,
    differences = tuple(
        Difference("block", ("A", "B"), "something stands in the picture of B alone", 86.25,
                   "levels", n / 7, (0.123456, 0.234567, 0.345678, 0.456789))
        for n in range(20)
    )  # fmt: skip
    judged = Judgement(False, "", differences, differences, ("A: its sound differs.",) * 9)
    flagged = {label: replace(WEAK, flags=("uneven",)) for label in "AB"}
    full = told(measured(judged=judged, **flagged), confounded=True)
    # When it is summed up for the job and its event, then it stays small.
    assert len(json.dumps(summarise(full))) < 6000
    # And an everyday one is a few hundred bytes.
    assert len(json.dumps(summarise(told(measured(A=WEAK, B=SIGHT))))) < 2000


def test_a_film_tells_what_a_player_needs():
    film = Film(1280, 720, 5.0, 5.0, 125, 0.04, fps="25/1", start_s=0.08)
    facts = ClipFacts(film, (Measured("A", film),))
    clip = tell_clip(ClipMeasured(0, GOOD, {"A": Asked()}, facts), ())
    assert clip["film"]["A"] == {
        "width": 1280,
        "height": 720,
        "fps": "25/1",
        "step_s": 0.04,
        "frames": 125,
        "duration_s": 5.0,
        "start_s": 0.08,
        "variable": False,
    }
