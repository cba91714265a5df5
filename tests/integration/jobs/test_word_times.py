"""Times of words, from the captions or from the speech, up to what the sandbox draws."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from sandbox.ffmpeg import ffmpeg_binary
from service.jobs.edits import message
from service.jobs.view import job_data
from service.model.rows import clip_row
from tests.conftest import ROOT
from tests.integration.jobs.harness import Harness

SPEECH = ROOT / "tests" / "fixtures" / "speech"
SAID = json.loads((SPEECH / "speech.json").read_text())
WEBVTT = (
    "WEBVTT\n\n00:00:00.200 --> 00:00:01.800\n"
    "Cold <00:00:00.700>brew <00:00:00.950>in <00:00:01.500>seconds\n"
)
TTML = (
    '<tt xmlns="http://www.w3.org/ns/ttml"><body><div><p begin="0.2s" end="1.8s">'
    '<span begin="0s" end="0.5s">Cold</span> <span begin="0.5s" end="0.75s">brew</span> '
    '<span begin="0.75s" end="1.3s">in</span> <span begin="1.3s" end="1.6s">seconds</span>'
    "</p></div></body></tt>"
)
VARIANTS = [
    {"label": "A", "style": {"preset": "outline"}},
    {"label": "B", "style": {"preset": "karaoke"}},
    {"label": "C", "style": {"preset": "pop"}},
]


def stamp(at_s: float) -> str:
    return f"00:00:{at_s:06.3f}".replace(".", ",")


SRT = "\n".join(
    f"{n}\n{stamp(each['start_s'])} --> {stamp(each['end_s'])}\n{each['text']}\n"
    for n, each in enumerate(SAID, 1)
)


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("spoken") / "clip.mp4"
    picture = ["-f", "lavfi", "-i", "color=c=gray:s=320x180:r=25:d=8"]
    sound = ["-i", str(SPEECH / "speech.m4a"), "-c:a", "aac", "-c:v", "libx264"]
    command = [ffmpeg_binary(), "-v", "error", "-y", *picture, *sound, "-preset", "ultrafast"]
    subprocess.run([*command, str(path)], check=True, timeout=60)
    return path


def lit_at_ms(ass: str) -> list[int]:
    """When each word of karaoke lights up, by the file that was drawn."""
    found = []
    for start, text in re.findall(r"^Dialogue: 0,([\d:.]+),[^{]*(.*)$", ass, re.MULTILINE):
        hours, minutes, seconds = start.split(":")
        at_ms = round((int(hours) * 3600 + int(minutes) * 60 + float(seconds)) * 1000)
        for length, shown in re.findall(r"\{\\k(\d+)\}([^{]*)", text):
            if shown:
                found.append(at_ms)
            at_ms += int(length) * 10
    return found


def drawn(engine: Harness, job: str, label: str) -> str:
    intent = engine.doc(job, label).render
    assert intent is not None
    return engine.sandbox.world.renders.find(intent.render_id).ass


def messages(engine: Harness, job: str) -> dict[str, str]:
    """What the backend got for each variant, without what is said of its style."""
    clip = engine.services.jobs.read_clip(clip_row(job, 0)).doc
    texts = {each: message(engine.read(job), engine.doc(job, each), clip) for each in "ABC"}
    style = re.compile(r"^(?:The look|Style parameters): .*\n", re.MULTILINE)
    assert all(len(style.findall(text)) == 2 for text in texts.values())
    return {label: style.sub("", text) for label, text in texts.items()}


def timing(engine: Harness, job: str) -> str | None:
    read = engine.read(job)
    clips, cuts = engine.services.jobs.read_units(read)
    return job_data(read, clips, cuts, "http://a.test")["clips"][0]["word_timing"]


@pytest.mark.parametrize(("kind", "text"), [("vtt", WEBVTT), ("ttml", TTML)])
def test_times_of_words_in_captions_light_them_up(
    engine: Harness, small_clip: Path, kind: str, text: str
):
    # Given captions with times of words, and karaoke among the variants
    captions = {"format": kind, "text": text}
    job = engine.submit(small_clip, captions=captions, variants=VARIANTS)
    assert engine.run_job(job).status == "succeeded"
    # Then the words light up at these times, in a file that the sandbox has drawn
    assert lit_at_ms(drawn(engine, job, "B")) == [200, 700, 950, 1500]
    # And in `pop` each word has its time too, two words on a card
    pops = re.findall(r"\\t\((\d+),\d+,\\1c&H00D7FF&\)", drawn(engine, job, "C"))
    assert [int(each) for each in pops] == [0, 500, 0, 550]
    # And all variants got the same but for their style
    assert len(set(messages(engine, job).values())) == 1
    assert "<00:00:00.700>brew" in messages(engine, job)["A"]
    assert timing(engine, job) == "given"


def test_words_light_up_when_they_are_spoken(engine: Harness, spoken: Path):
    # Given captions without times of words, and a clip in which they are said
    job = engine.submit(spoken, captions={"format": "srt", "text": SRT}, variants=VARIANTS)
    assert engine.run_job(job).status == "succeeded"
    # Then karaoke lights each word up within 80 ms of its being said
    truth = [at_s * 1000 for each in SAID for at_s in each["word_starts_s"]]
    assert lit_at_ms(drawn(engine, job, "B")) == pytest.approx(truth, abs=80)
    # And every variant got the same captions, times of words included
    assert len(set(messages(engine, job).values())) == 1
    assert timing(engine, job) == "aligned"


@pytest.mark.parametrize(
    ("changes", "request_", "method"),
    [
        ({"align": "off"}, {}, "backend"),
        ({}, {"language": "de"}, "backend"),
        ({}, {"variants": VARIANTS[:1]}, "backend"),
        ({}, {"captions": {"format": "text", "text": "Cold brew."}}, None),
    ],
    ids=["switched off", "not English", "no style shows words", "a script"],
)
def test_words_are_left_to_the_backend(
    engine: Harness, spoken: Path, changes: dict, request_: dict, method: str | None
):
    # Given what cannot, need not or must not be aligned
    worker = engine.worker("aligner", **changes)
    captions = {"format": "srt", "text": SRT}
    job = engine.submit(spoken, **{"captions": captions, "variants": VARIANTS, **request_})
    # When its clip is looked into
    engine.run(lambda: engine.services.jobs.read_clip(clip_row(job, 0)).state == "ready", worker)
    # Then it has no times of words, and says who gives them
    assert engine.services.jobs.read_clip(clip_row(job, 0)).doc.words == ()
    assert timing(engine, job) == method
