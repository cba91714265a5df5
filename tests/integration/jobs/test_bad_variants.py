"""Videos that cannot be compared: a reason for each, figures where they may be, never a failure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from api.comparison_schemas import ReportReply
from service.jobs.comparison import read_report
from service.model.lifecycle import CutState
from tests.integration.compare.footage import run

LONGER = ["-vf", "tpad=stop_duration=4:stop_mode=clone"]
NARROW = ["-vf", "crop=ih*9/16:ih"]
UNEVEN = ["-vf", "select='not(eq(mod(n,3),1))'", "-fps_mode", "vfr"]


@pytest.fixture
def spoiled(make_engine, small_clip, tmp_path: Path):
    """Runs a job whose finished B is replaced before it is compared; the ended job and report."""
    engine = make_engine(compare_deadline_s=60.0)

    def end(spoil):
        job = engine.submit(small_clip)
        for label in "AB":
            engine.run_cut_to(job, label, CutState.SUCCEEDED)
        key, files = engine.doc(job, "B").result.file, engine.services.files
        whole, other = tmp_path / "whole.mp4", tmp_path / "other.mp4"
        whole.write_bytes(b"".join(files.open_range(key)))
        spoil(whole, other)
        files.put(key, [other.read_bytes()], max_bytes=10**8)
        ended = engine.run_job(job)
        return ended, json.loads(read_report(job, files))

    return end


def _made_with(args: list[str]):
    return lambda whole, other: run(["-i", str(whole), *args, "-preset", "ultrafast"], other)


def _without_pictures(whole: Path, other: Path) -> None:
    sound = other.with_suffix(".m4a")
    run(["-i", str(whole), "-vn", "-c:a", "copy"], sound)
    sound.rename(other)


def _cut_off(whole: Path, other: Path) -> None:
    data = whole.read_bytes()
    other.write_bytes(data[: len(data) // 3])


@pytest.mark.parametrize(
    ("spoil", "reason", "controlled"),
    [
        (_made_with(LONGER), "B: it lasts ", False),
        (_made_with(NARROW), "B: it has another shape", False),
        (_made_with(UNEVEN), "B: its frame rate varies", False),
        (_without_pictures, "B: The file holds no video", None),
        (_cut_off, "B: ", None),
    ],
    ids=["length", "shape", "variable rate", "no pictures", "cut off"],
)
def test_the_job_succeeds_and_says_why(spoiled, spoil, reason, controlled):
    # When a job ends one of whose videos is no good to compare,
    ended, full = spoiled(spoil)
    # Then the videos are there, and the reason is told,
    assert ended.status == "succeeded"
    assert ended.result["status"] == "unavailable"
    assert ended.result["reason"].startswith(f"Clip 1: {reason}"), ended.result["reason"]
    assert ended.result["controlled"] is controlled
    # nothing is said of which reads better, for the same reason,
    assert ended.result["verdict"]["result"] == "unknown"
    assert ended.result["clips"][0]["scores"]["B"] is None
    assert full["clips"][0]["measures"]["B"]["fault"] in ended.result["reason"]
    # and what could be measured of the other is there.
    assert full["clips"][0]["measures"]["A"]["cues"]["measured"] > 0
    assert ReportReply().dump(full) == full
