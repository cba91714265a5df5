"""When words are spoken: forced alignment against the events of a speech synthesiser."""

from __future__ import annotations

import json
import resource
import subprocess
from pathlib import Path

import pytest

from sandbox.ffmpeg import ffmpeg_binary
from service.captions.model import Cue, Word
from service.media.align import Heard, align_apart, can_align, fit_words
from service.media.limits import MediaLimits
from tests.conftest import ROOT

SPEECH = ROOT / "tests" / "fixtures" / "speech"
SAID = json.loads((SPEECH / "speech.json").read_text())
CUES = [
    Cue(round(each["start_s"] * 1000), round(each["end_s"] * 1000), each["text"]) for each in SAID
]
LIMITS = MediaLimits(deadline_s=60)


def film(folder: Path, sound: list[str]) -> Path:
    """A clip of 9 s whose sound is what ffmpeg makes of some arguments."""
    path = folder / "clip.mp4"
    picture = ["-f", "lavfi", "-i", "color=c=gray:s=320x180:r=25:d=9"]
    command = [ffmpeg_binary(), "-v", "error", "-y", *picture, *sound, "-c:v", "libx264"]
    subprocess.run([*command, "-preset", "ultrafast", str(path)], check=True, timeout=60)
    return path


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film(
        tmp_path_factory.mktemp("spoken"), ["-i", str(SPEECH / "speech.m4a"), "-c:a", "aac"]
    )


def starts_ms(cue: Cue, times: tuple[int, ...]) -> list[int]:
    return [cue.start_ms + at for at in times[::2]]


def test_the_extra_is_installed_with_the_tools_for_tests():
    assert can_align()


def test_each_word_begins_when_it_is_said(spoken: Path):
    """Given speech with a name that no dictionary has, then words begin within 80 ms of theirs."""
    times = align_apart(spoken, CUES, LIMITS)
    assert len(times) == len(CUES)
    for cue, found, said in zip(CUES, times, SAID, strict=True):
        assert len(found) == 2 * len(cue.text.split())
        assert list(found) == sorted(found)
        assert found[-1] <= cue.end_ms - cue.start_ms
        for at, truth_s in zip(starts_ms(cue, found), said["word_starts_s"], strict=True):
            assert at == pytest.approx(truth_s * 1000, abs=80)


def test_it_takes_little_time(spoken: Path):
    """Given 9 s of sound, then aligning takes under 6 s of a processor, the model's loading too."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    align_apart(spoken, CUES, LIMITS)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 6


def test_a_caption_that_is_not_what_is_heard_is_left_out(spoken: Path):
    """Given other words in the second caption, then it has no times, and its neighbours have."""
    wrong = Cue(CUES[1].start_ms, CUES[1].end_ms, "the weather looks really nice outside today")
    times = align_apart(spoken, [CUES[0], wrong, CUES[2]], LIMITS)
    assert [bool(each) for each in times] == [True, False, True]


def test_what_cannot_be_said_by_its_letters_is_left_out(spoken: Path):
    """Given figures, another script, no words, or none of a dictionary, then there are no times."""
    texts = ["In 30 seconds", "Доброе утро", "…", "Qzx vbnm wrtp"]
    assert align_apart(spoken, [Cue(500, 3000, text) for text in texts], LIMITS) == ((),) * 4


def test_words_that_have_times_keep_them(spoken: Path):
    """Given a caption with times of words, then it is not aligned."""
    timed = Cue(500, 900, "Cold", (Word(500, 900, "Cold"),))
    first, second = align_apart(spoken, [timed, CUES[1]], LIMITS)
    assert not first
    assert second


@pytest.mark.parametrize(
    "sound",
    [
        ["-f", "lavfi", "-i", "anoisesrc=d=9:a=0.3", "-c:a", "aac"],
        ["-f", "lavfi", "-i", "anoisesrc=d=9:a=0.004", "-c:a", "aac"],
        ["-f", "lavfi", "-i", "sine=f=440:d=9", "-c:a", "aac"],
        ["-f", "lavfi", "-i", "anullsrc=d=9", "-t", "9", "-c:a", "aac"],
        [],
    ],
    ids=["noise", "faint noise", "tone", "silence", "no sound"],
)
def test_what_is_no_speech_has_no_times(tmp_path: Path, sound: list[str]):
    """Given sound without speech, or none, then no caption has times."""
    times = align_apart(film(tmp_path, sound), CUES, LIMITS)
    assert not any(times)


def test_a_file_that_is_none_and_a_process_that_is_late_give_nothing(spoken: Path, tmp_path: Path):
    """Given a broken file, or no time, then there are no times and no error."""
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"\x00\x00\x00\x20ftypisom" + bytes(4000))
    assert align_apart(broken, CUES, LIMITS) == ()
    assert align_apart(spoken, CUES, MediaLimits(deadline_s=0.05)) == ()


def test_words_stay_in_order_and_within_their_caption():
    """Given words heard before, across and after a caption, then their times are in it."""
    heard = [Heard(0, 150), Heard(140, 400), Heard(900, 1500)]
    assert fit_words(heard, -100, 1000) == (0, 50, 50, 300, 800, 1000)
    assert fit_words([], 0, 1000) == ()
