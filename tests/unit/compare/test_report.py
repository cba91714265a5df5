"""What a reader is told of a job: of all clips together, and no more than fits an event."""

from __future__ import annotations

import json

import pytest

from api.comparisons import ComparisonReply
from service.compare.differing import Difference
from service.compare.report import MOST_TOLD, compare, summarise
from service.compare.sheet import ClipMeasured
from service.compare.verdict import Judgement
from service.model.cut import ClipDoc, CutDoc, Edit, MediaInfo, ResultFile
from service.model.lifecycle import ClipState, CutState
from service.store.jobs import ClipRow, CutRow

MEDIA = MediaInfo(2.0, 640, 360, 25, 1, "h264", "aac", "mp4")
GOOD = Judgement(True)
OFF = Judgement(
    False, differences=(Difference("sound_shift", ("A", "B"), "80 ms later", 80, "ms"),)
)
UNKNOWN = Judgement(None, "B: its frame rate varies.")


def rows(clips: int, *, music: bool = False) -> tuple[list[ClipRow], list[CutRow]]:
    """Clips with two finished cuts each; with music in the draft of B alone if asked."""
    cuts = []
    for index in range(clips):
        for label in "AB":
            control = ("audio: song",) if music and label == "B" else ("text",)
            doc = CutDoc(index, label, edit=Edit(control=control))
            file = ResultFile(f"jobs/j/{label}-{index}.mp4", 1, "", MEDIA)
            cuts.append(CutRow("row", CutState.SUCCEEDED, _with(doc, file)))
    docs = [ClipDoc(index, media=MEDIA) for index in range(clips)]
    return [ClipRow("row", ClipState.READY, doc) for doc in docs], cuts


def told_of(clips: int, judged: list[Judgement], *, music: bool = False) -> dict:
    """The summary of a job of which nothing but this was measured."""
    measured = {at: ClipMeasured(at, each) for at, each in enumerate(judged)}
    return summarise(compare(*rows(clips, music=music), measured, ()))


def _with(doc: CutDoc, file: ResultFile) -> CutDoc:
    return CutDoc(doc.clip, doc.label, edit=doc.edit, result=file)


@pytest.mark.parametrize(
    ("judged", "controlled", "status"),
    [
        ([GOOD], True, "done"),
        ([GOOD, GOOD], True, "done"),
        ([GOOD, OFF], False, "done"),
        ([GOOD, UNKNOWN], None, "unavailable"),
        ([OFF, UNKNOWN], False, "unavailable"),
    ],
)
def test_a_job_is_controlled_when_all_its_clips_are(judged, controlled, status):
    told = told_of(len(judged), judged)
    assert (told["controlled"], told["status"]) == (controlled, status)
    assert [each["controlled"] for each in told["clips"]] == [each.controlled for each in judged]


def test_a_draft_that_holds_more_confounds_what_looks_the_same():
    told = told_of(1, [GOOD], music=True)
    assert told["controlled"] is False
    assert [each["label"] for each in told["confounded"]] == ["A", "B"]


def test_the_reason_names_the_clip():
    told = told_of(2, [GOOD, UNKNOWN])
    assert told["reason"] == "Clip 2: B: its frame rate varies."


def test_a_clip_with_very_many_differences_tells_some():
    many = tuple(Difference("frames", ("B",), "skips one", 1, "frames", each) for each in range(99))
    told = told_of(1, [Judgement(False, differences=many)])
    assert len(told["clips"][0]["control"]["differences"]) == MOST_TOLD
    assert len(json.dumps(told)) < 4000


def test_the_api_tells_all_of_it():
    # Given a comparison with a difference, when the API answers with it, then no field is lost.
    told = told_of(2, [OFF, UNKNOWN])
    assert ComparisonReply().dump(told) == told
