"""`caption-ab compare`: files alone, with no service around."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.main import main
from tests.integration.compare.conftest import Bench
from tests.integration.compare.footage import Cut

SRT = (
    "1\n00:00:00,400 --> 00:00:01,300\nCold brew in under\n\n"
    "2\n00:00:01,800 --> 00:00:02,800\nthirty seconds flat\n"
)


@pytest.fixture
def captions(tmp_path: Path) -> str:
    path = tmp_path / "cues.srt"
    path.write_text(SRT, encoding="utf-8")
    return str(path)


def test_two_videos_and_their_clip_are_compared(one_bench: Bench, captions, tmp_path, capsys):
    # Given two videos of a clip with captions of two styles, the second 80 ms late in its sound
    late = one_bench.make(Cut(style="boxed", sound="adelay=80:all=1"))
    out = tmp_path / "report.json"
    # When they are compared
    argv = ["compare", str(one_bench.a), str(late), "--source", str(one_bench.source)]
    code = main([*argv, "--captions", captions, "--out", str(out)])
    # Then the table has both, the fault is named, and the report is kept
    printed = capsys.readouterr().out
    assert code == 0
    assert "More than the captions differs:" in printed
    assert "contrast, median" in printed
    report = json.loads(out.read_text(encoding="utf-8"))
    assert [each["kind"] for each in report["clips"][0]["control"]["differences"]] == [
        "sound_shift"
    ]
    assert [cue["text"] for cue in report["clips"][0]["cues"]] == [
        "Cold brew in under",
        "thirty seconds flat",
    ]


def test_without_captions_it_says_what_it_lacks(one_bench: Bench, capsys):
    boxed = one_bench.make(Cut(style="boxed"))
    main(["compare", str(one_bench.a), str(boxed), "--source", str(one_bench.source), "--json"])
    report = json.loads(capsys.readouterr().out)
    assert report["controlled"] is True
    assert report["verdict"]["result"] == "unknown"


def test_a_file_that_is_not_there_is_one_clear_line(one_bench: Bench, tmp_path, capsys):
    assert main(["compare", str(one_bench.a), str(tmp_path / "nowhere.mp4")]) == 1
    assert capsys.readouterr().err == f"error: There is no file {tmp_path}/nowhere.mp4.\n"


def test_captions_without_times_are_refused(one_bench: Bench, tmp_path, capsys):
    script = tmp_path / "script.txt"
    script.write_text("Only words", encoding="utf-8")
    argv = ["compare", str(one_bench.a), str(one_bench.a), "--captions", str(script)]
    assert main(argv) == 1
    assert "has no times" in capsys.readouterr().err


def test_styles_are_given_once_or_once_for_each(one_bench: Bench, captions, capsys):
    argv = ["compare", *[str(one_bench.a)] * 3, "--captions", captions]
    assert main([*argv, "--style", "outline", "--style", "boxed"]) == 1
    assert "--style is given 2 times for 3 videos." in capsys.readouterr().err


def test_the_same_file_twice_is_noted(one_bench: Bench, capsys):
    main(["compare", str(one_bench.a), str(one_bench.source), "--source", str(one_bench.source)])
    printed = capsys.readouterr().out
    assert "Note: B and the clip are the same file." in printed
    assert "With --captions FILE" in printed
    assert "With --source" not in printed
