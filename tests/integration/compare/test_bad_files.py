"""Files that cannot be compared: a reason for each, and never an exception."""

from __future__ import annotations

import pytest

from service.compare.apart import measure_apart
from service.compare.verdict import judge
from service.media.limits import MediaLimits
from tests.integration.compare.footage import Cut, run


def test_another_length_is_a_reason(one_bench):
    other = one_bench.make(Cut(before="tpad=stop_duration=3:stop_mode=clone"))
    judged = one_bench.judge(other)
    assert "it lasts 6.20 s, its clip 3.20 s" in judged.reason
    assert judged.controlled is False
    assert [each.kind for each in judged.differences] == ["duration"]


def test_another_shape_is_a_reason(one_bench):
    judged = one_bench.judge(one_bench.make(Cut(after="crop=ih*9/16:ih")))
    assert "another shape" in judged.reason
    assert judged.controlled is False


def test_a_variable_frame_rate_is_a_reason(one_bench):
    uneven = Cut(before="select='not(eq(mod(n,3),1))'", extra=("-fps_mode", "vfr"))
    judged = one_bench.judge(one_bench.make(uneven))
    assert "its frame rate varies" in judged.reason


def test_sound_alone_is_a_reason(one_bench):
    other = one_bench.folder / "B.m4a"
    run(["-i", str(one_bench.source), "-vn", "-c:a", "copy"], other)
    judged = one_bench.judge(other)
    assert judged.reason.startswith("B: ")
    assert judged.controlled is None


@pytest.mark.parametrize("kept", [0.0, 0.02, 0.5])
def test_a_truncated_file_is_a_reason(one_bench, kept):
    # Given a file with its index in front, cut off as a broken transfer would,
    whole = one_bench.make(Cut("boxed", extra=("-movflags", "+faststart")))
    data = whole.read_bytes()
    whole.write_bytes(data[: int(len(data) * kept)])
    # When it is compared, then there is a reason, and nothing is claimed.
    judged = one_bench.judge(whole)
    assert judged.reason.startswith("B: ")
    assert judged.controlled is None


def test_a_clip_that_is_no_video_is_a_reason(one_bench, tmp_path):
    text = tmp_path / "clip.mp4"
    text.write_text("no video")
    variants = {"A": one_bench.a, "B": one_bench.a}
    judged = judge(measure_apart(text, variants, (), MediaLimits()))
    assert judged.reason.startswith("The clip: ")
    assert judged.controlled is None


def test_a_deadline_ends_it_with_a_reason(one_bench):
    judged = one_bench.judge(one_bench.a, deadline_s=0.05)
    assert "took longer" in judged.reason


def test_a_bound_of_memory_ends_it_with_a_reason(one_bench):
    judged = one_bench.judge(one_bench.a, memory_bytes=20_000_000)
    assert judged.controlled is None
    assert judged.reason
