"""Faults planted into one variant are found and named; clean pairs are left alone."""

from __future__ import annotations

import pytest

from tests.integration.compare.footage import Cut

#: What is planted, the kind that must be told, and its amount, place in time or box.
FAULTS = {
    "sound 80 ms late": (Cut("boxed", sound="adelay=80:all=1"), "sound_shift"),
    "logo": (
        Cut("boxed", after="drawbox=x=575:y=14:w=45:h=20:color=white@0.5:t=fill"),
        "block",
    ),
    "colour grade": (Cut("boxed", before="eq=gamma=1.12"), "colour"),
    "frame dropped": (
        Cut("boxed", before="select='not(eq(n,33))',setpts=N/25/TB"),
        "frames",
    ),
    "other resolution": (Cut("boxed", after="scale=iw/2:-2"), "resolution"),
}
MORE = {
    "sound 20 ms late": (Cut("boxed", sound="adelay=20:all=1"), "sound_shift"),
    "sound 3 dB down": (Cut("boxed", sound="volume=-3dB"), "sound_level"),
    "music added": (Cut("boxed", sound="aeval=val(0)*0.7+0.05*sin(660*PI*t)"), "sound"),
    "small red logo": (
        Cut("boxed", after="drawbox=x=20:y=200:w=20:h=12:color=red:t=fill"),
        "block",
    ),
    "saturation": (Cut("boxed", before="eq=saturation=1.25"), "colour"),
    "brightness": (Cut("boxed", before="eq=brightness=0.03"), "colour"),
    "frame lost, gap left": (
        Cut("boxed", before="select='not(eq(n,33))'", extra=("-fps_mode", "passthrough")),
        "frames",
    ),
    "frame lost, next one held": (
        Cut("boxed", before="select='not(eq(n,33))'", extra=("-fps_mode", "cfr")),
        "frames",
    ),
    "two frames late": (
        Cut("boxed", before="tpad=start=2:start_mode=clone,trim=end_frame=80"),
        "offset",
    ),
    "30 a second": (Cut("boxed", before="fps=30"), "frame_rate"),
    "inset": (Cut("boxed", before="scale=iw*0.75:ih*0.75,pad=640:ih/0.75:-1:-1"), "geometry"),
    "crop": (Cut("boxed", before="crop=iw/1.1:ih/1.1,scale=640:-2"), "geometry"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found_and_named(bench, name):
    # Given a variant that differs in its captions and in one thing more,
    cut, kind = FAULTS[name]
    # When it is compared,
    judged = bench.judge(bench.make(cut))
    # Then the pair is not controlled, and that thing is named.
    assert judged.controlled is False
    assert kind in {each.kind for each in judged.differences}
    # And nothing that was not planted: a lost frame also makes the video shorter.
    assert {each.kind for each in judged.differences} <= {kind, *_follows(kind)}


@pytest.mark.slow
@pytest.mark.parametrize("name", MORE)
def test_more_faults_are_found_and_named(bench, name):
    cut, kind = MORE[name]
    judged = bench.judge(bench.make(cut))
    assert judged.controlled is False
    assert kind in {each.kind for each in judged.differences}
    assert {each.kind for each in judged.differences} <= {kind, *_follows(kind)}


def _follows(kind: str) -> set[str]:
    more = {"frames": {"duration"}, "sound": {"sound_level"}, "geometry": {"resolution"}}
    return more.get(kind, set())


def test_a_fault_is_told_with_its_place_and_amount(bench):
    shifted = bench.judge(bench.make(FAULTS["sound 80 ms late"][0]))
    assert shifted.differences[0].amount == pytest.approx(80, abs=3)
    logo = bench.judge(bench.make(FAULTS["logo"][0]))
    (x, y, w, _) = logo.differences[0].box
    assert (x, w) == (pytest.approx(575 / 640, abs=0.02), pytest.approx(45 / 640, abs=0.02))
    assert y < 0.1
    dropped = bench.judge(bench.make(FAULTS["frame dropped"][0]))
    places = [each.at_s for each in dropped.differences if each.at_s is not None]
    assert places == [pytest.approx(33 / 25, abs=0.2)]


@pytest.mark.parametrize("encoder", ["fast", "usual", "small"])
@pytest.mark.parametrize("style", ["outline", "boxed"])
def test_a_clean_pair_is_controlled_whatever_the_encoder(bench, encoder, style):
    # Given variants that differ in captions and in how hard they were compressed,
    cut = Cut(style, encoder=encoder, texts=("Other words here", "and of other length"))
    # When they are compared, then nothing is told.
    judged = bench.judge(bench.make(cut))
    assert judged.differences == ()
    assert judged.controlled is True


@pytest.mark.parametrize("style", ["outline", "boxed"])
def test_a_clean_pair_is_controlled_where_the_times_of_captions_are_unknown(bench, style):
    judged = bench.judge(bench.make(Cut(style)), cues=())
    assert judged.differences == ()
    assert judged.controlled is True


def test_a_logo_is_found_where_the_times_of_captions_are_unknown(bench):
    judged = bench.judge(bench.make(MORE["small red logo"][0]), cues=())
    assert [each.kind for each in judged.differences] == ["block"]


@pytest.mark.parametrize("style", ["outline", "boxed"])
def test_a_caption_that_never_goes_is_no_logo(bench, style):
    # Given one caption over the whole of one variant,
    always = ((0.0, 3.3),)
    words = Cut(style, texts=("It stays all the time", ""), times=((0.0, 3.3), (3.3, 3.4)))
    # When it is compared, with its times known and unknown,
    other = bench.make(words)
    for cues in (always, ()):
        judged = bench.judge(other, cues=cues)
        # Then it is not called something added.
        assert judged.controlled is not False, judged
