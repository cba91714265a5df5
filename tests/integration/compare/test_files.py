"""Files compared without a job: what is told when something is missing, and by what deadline."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.captions.model import Cue
from service.clock import FakeClock
from service.compare.clips import NO_TIMES
from service.compare.files import NO_CLIP, compare_files
from service.media.limits import MediaLimits
from tests.integration.compare.footage import CUES, Cut

TEXTS = Cut().texts
TIMED = tuple(
    Cue(round(1000 * start_s), round(1000 * end_s), text)
    for (start_s, end_s), text in zip(CUES, TEXTS, strict=True)
)
LIMITS = MediaLimits(deadline_s=90.0)


class Late(FakeClock):
    """A clock by which everything takes a thousand seconds."""

    def monotonic_s(self) -> float:
        self.advance(1000)
        return super().monotonic_s()


@pytest.fixture
def pair(one_bench):
    return {"A": one_bench.a, "B": one_bench.make(Cut("boxed"))}


def test_captions_without_times_leave_what_else_differs(one_bench, pair):
    full = compare_files(one_bench.source, pair, (), limits=LIMITS)
    assert (full["status"], full["controlled"]) == ("done", True)
    assert full["verdict"]["result"] == "unknown"
    assert NO_TIMES in full["verdict"]["text"]
    assert full["clips"][0]["curve"] is None


def test_captions_that_no_time_is_left_for_leave_it_too(one_bench, pair):
    full = compare_files(one_bench.source, pair, TIMED, limits=LIMITS, clock=Late())
    assert (full["status"], full["controlled"]) == ("done", True)
    assert "no time left" in full["verdict"]["text"]
    # What cues alone tell is told all the same.
    assert full["clips"][0]["measures"]["A"]["timing"]["line_chars_most"] == len(TEXTS[1])


def test_without_the_clip_figures_are_told_and_nothing_is_concluded(pair):
    full = compare_files(None, pair, TIMED, limits=LIMITS)
    (clip,) = full["clips"]
    assert (full["reason"], full["controlled"]) == (f"Clip 1: {NO_CLIP}", None)
    assert full["verdict"]["result"] == "unknown"
    assert clip["measures"]["B"]["contrast"]["median"] > 1
    assert all("no_clip" in cue["variants"]["B"]["flags"] for cue in clip["cues"])


def test_one_file_that_cannot_be_read_leaves_the_others(one_bench, pair):
    # Given a third variant that is cut off,
    whole = one_bench.make(Cut("boxed"), "C.mp4")
    whole.write_bytes(whole.read_bytes()[:20_000])
    full = compare_files(one_bench.source, {**pair, "C": whole}, TIMED, limits=LIMITS)
    # Then it is told why, and the other two are measured and set against each other.
    (clip,) = full["clips"]
    assert full["reason"].startswith("Clip 1: C: ")
    assert [clip["measures"][label]["cues"]["measured"] for label in "ABC"] == [2, 2, 0]
    assert clip["measures"]["C"]["fault"]
    assert clip["ranking"][-1] == "C"


def test_variants_may_have_cues_of_their_own(one_bench, pair):
    # Given a variant whose captions are as long as the other's and end much sooner,
    hasty = tuple(replace(cue, end_ms=cue.start_ms + 500) for cue in TIMED)
    full = compare_files(one_bench.source, pair, TIMED, cues_of={"B": hasty}, limits=LIMITS)
    # Then its speed is its own, and decides.
    measures = full["clips"][0]["measures"]
    assert measures["B"]["timing"]["cps_highest"] > 1.5 * measures["A"]["timing"]["cps_highest"]
    assert full["verdict"]["better"] == "A"


def test_one_variant_is_no_comparison(one_bench):
    with pytest.raises(ValueError, match="two variants"):
        compare_files(one_bench.source, {"A": one_bench.a}, TIMED)
