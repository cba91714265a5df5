"""`caption-ab demo`, from nothing to two videos, and with footage it must refuse."""

from __future__ import annotations

import json

import av
import pytest
from PIL import Image

from service.experiments.snapshot import read_snapshot
from service.experiments.verdict import decide
from tests.browser import find_chromium, play_videos

pytestmark = pytest.mark.e2e

FILES = [
    "A.mp4",
    "B.mp4",
    "contact-sheet.jpg",
    "job.json",
    "report.html",
    "side-by-side.mp4",
    "webhooks.jsonl",
]
#: What an experiment leaves besides.
MORE_FILES = ["page.png", "snapshot.json", "verdict.json"]


def look_into(path):
    """Seconds, frame length, size and sound of a video."""
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        frames = sum(1 for _ in container.decode(video))
        rate = float(video.average_rate)
        sound = bool(container.streams.audio)
        return frames / rate, 1 / rate, (video.width, video.height), sound


def test_demo_leaves_two_videos_and_nothing_running(desk, small_clip, captions, tmp_path):
    # Given a clip of two seconds with sound, and its captions
    out = tmp_path / "out"

    # When the demo runs
    demo = desk.run(
        "demo", "--clip", str(small_clip), "--captions", str(captions), "--out", str(out)
    )
    assert demo.wait(110) == 0, demo.printed()

    # Then everything promised is there
    assert sorted(path.name for path in out.iterdir()) == FILES
    # and both videos are 1080p, as long as the source within a frame, with sound, and differ
    source_s, frame_s, _, _ = look_into(small_clip)
    for label in "AB":
        duration_s, _, size, sound = look_into(out / f"{label}.mp4")
        assert abs(duration_s - source_s) <= frame_s
        assert size == (1920, 1080)
        assert sound
    assert (out / "A.mp4").read_bytes() != (out / "B.mp4").read_bytes()

    # and the job says so, at the price of two edits
    job = json.loads((out / "job.json").read_text())
    assert job["status"] == "succeeded"
    assert job["credits"]["charged"] == 100

    # and the comparison was printed, and kept as one page
    assert "This is legibility measured from pixels, not performance." in " ".join(
        demo.printed().split()
    )
    assert "data:image/jpeg;base64," in (out / "report.html").read_text(encoding="utf-8")

    # and every webhook was verified, each event once, in a sequence without gaps
    lines = [json.loads(line) for line in (out / "webhooks.jsonl").read_text().splitlines()]
    assert all(line["verified"] for line in lines)
    bodies = {line["body"]["id"]: line["body"] for line in lines}
    assert sorted(b["sequence"] for b in bodies.values()) == list(range(1, len(bodies) + 1))
    assert "job.succeeded" in {body["type"] for body in bodies.values()}

    # and nothing is left: no process, no data
    assert demo.left_over() == []
    assert not list(tmp_path.glob("caption-ab-demo-*"))


def test_text_named_mp4_is_refused_before_anything_is_spent(desk, captions, tmp_path):
    # Given a text file with the name of a video
    fake = tmp_path / "fake.mp4"
    fake.write_text("not a video\n" * 50)
    # When the demo runs
    out = str(tmp_path / "out")
    demo = desk.run("demo", "--clip", str(fake), "--captions", str(captions), "--out", out)
    assert demo.wait(60) == 1
    # Then it says what is wrong and what would be right, and no job was made
    assert "its content is no supported format" in demo.printed()
    assert "Supported: mp4" in demo.printed()
    assert "Job job_" not in demo.printed()
    assert demo.left_over() == []


def test_clip_without_captions_shows_how_to_send_them(desk, small_clip, tmp_path):
    # Given a clip of one's own and no captions, on a backend that cannot transcribe
    demo = desk.run("demo", "--clip", str(small_clip), "--out", str(tmp_path / "out"))
    assert demo.wait(60) == 1
    # Then the problem names the field and gives an example
    assert "#/captions: is required" in demo.printed()
    assert '"format": "srt"' in demo.printed()


def test_missing_clip_is_one_clear_line(desk, tmp_path):
    # Given a path where nothing is; then the demo starts nothing
    demo = desk.run("demo", "--clip", str(tmp_path / "nowhere.mp4"))
    assert demo.wait(20) == 1
    assert demo.printed() == f"error: There is no file {tmp_path}/nowhere.mp4.\n"


@pytest.mark.browser
@pytest.mark.timeout(240)
def test_both_videos_play_in_a_browser_and_an_experiment_names_the_better_one(
    desk, small_clip, captions, tmp_path
):
    # Given a Chromium on the PATH, and a demo with an experiment
    chromium = find_chromium()
    if chromium is None:
        pytest.skip("no Chromium on the PATH")
    out = tmp_path / "out"
    clip = ("--clip", str(small_clip), "--captions", str(captions))
    demo = desk.run("demo", *clip, "--experiment", "--seed", "4", "--out", str(out))
    assert demo.wait(170) == 0, demo.printed()
    # When its videos are opened there
    seen = play_videos(chromium, out, ["A.mp4", "B.mp4"], tmp_path / "profile")
    # Then both play, at the size that was asked for
    assert [each["error"] for each in seen] == ["", ""]
    assert [(each["width"], each["height"]) for each in seen] == [(1920, 1080)] * 2
    assert all(each["played"] > 0 for each in seen)
    # and the experiment left its verdict, which its snapshot gives again, and said it
    assert sorted(path.name for path in out.iterdir()) == sorted([*FILES, *MORE_FILES])
    kept = json.loads((out / "snapshot.json").read_bytes())
    assert decide(read_snapshot(kept)).as_bytes() == (out / "verdict.json").read_bytes()
    sentence = json.loads((out / "verdict.json").read_bytes())["sentence"]["en"]
    assert f"Verdict: {sentence}" in demo.printed()
    assert sentence.startswith("B wins: ")
    assert "20,000 simulated viewers come (seed 4)" in demo.printed()
    assert "experiment.decided, signature verified" in demo.printed()
    # and the report has it, and the picture of the page is one
    assert sentence in (out / "report.html").read_text(encoding="utf-8")
    with Image.open(out / "page.png") as image:
        assert image.width == 1280
        assert len(image.convert("RGB").getcolors(10_000_000)) > 1000
    assert demo.left_over() == []
