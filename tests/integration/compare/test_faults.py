"""Faults planted into one variant are found and named; clean pairs are left alone."""

from __future__ import annotations

import pytest

from service.compare.apart import measure_apart
from service.compare.verdict import judge
from service.media.limits import MediaLimits
from tests.integration.compare.footage import CUES, Cut, make_variant, run

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
    "music added": (
        Cut("boxed", sound="aeval=val(0)+0.1*sin(660*PI*t),aformat=channel_layouts=mono"),
        "sound",
    ),
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
#: Each clip with each style and each encoder; all that can be combined is slow.
PAIRS = [
    ("outline", "fast"),
    ("outline", "small"),
    ("boxed", "usual"),
    *(
        pytest.param(*pair, marks=pytest.mark.slow)
        for pair in (("outline", "usual"), ("boxed", "fast"), ("boxed", "small"))
    ),
]
#: Each clip with one style; the other ones are slow.
CROSSED = [
    ("bigbuckbunny", "outline"),
    ("bikes", "boxed"),
    *(
        pytest.param(*pair, marks=pytest.mark.slow)
        for pair in (("bigbuckbunny", "boxed"), ("bikes", "outline"))
    ),
]


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
    # And its place and amount are told.
    match name:
        case "sound 80 ms late":
            assert judged.differences[0].amount == pytest.approx(80, abs=3)
        case "logo":
            (x, y, w, _) = judged.differences[0].box
            assert (x, w) == (pytest.approx(575 / 640, abs=0.02), pytest.approx(45 / 640, abs=0.02))
            assert y < 0.1
        case "frame dropped":
            places = [each.at_s for each in judged.differences if each.at_s is not None]
            assert places == [pytest.approx(33 / 25, abs=0.2)]


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


@pytest.mark.parametrize(("style", "encoder"), PAIRS)
def test_a_clean_pair_is_controlled_whatever_the_encoder(bench, encoder, style):
    # Given variants that differ in captions and in how hard they were compressed,
    cut = Cut(style, encoder=encoder, texts=("Other words here", "and of other length"))
    # When they are compared, then nothing is told.
    judged = bench.judge(bench.make(cut))
    assert judged.differences == ()
    assert judged.controlled is True


@pytest.mark.parametrize(("bench", "style"), CROSSED, indirect=["bench"])
def test_a_clean_pair_is_controlled_where_the_times_of_captions_are_unknown(bench, style):
    judged = bench.judge(bench.make(Cut(style)), cues=())
    assert judged.differences == ()
    assert judged.controlled is True


def test_a_logo_is_found_where_the_times_of_captions_are_unknown(bench):
    judged = bench.judge(bench.make(MORE["small red logo"][0]), cues=())
    assert [each.kind for each in judged.differences] == ["block"]


@pytest.mark.parametrize(("bench", "style"), CROSSED, indirect=["bench"])
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


def test_a_still_picture_says_what_cannot_be_seen_in_it(tmp_path):
    # Given a picture that never moves, and captions at two places,
    source = tmp_path / "still.mp4"
    run(["-f", "lavfi", "-i", "color=c=gray:s=640x360:r=25:d=3"], source)
    variants = {"A": Cut("outline"), "B": Cut("boxed")}
    paths = {
        label: make_variant(source, cut, tmp_path / f"{label}.mp4")
        for label, cut in variants.items()
    }
    # When they are compared, then nothing differs, and the reader learns what was not seen.
    judged = judge(measure_apart(source, paths, CUES, MediaLimits()))
    assert judged.controlled is True
    assert "the picture is still" in judged.notes[0]


def test_a_clip_that_is_filmed_upright_is_compared_as_shown(one_bench, tmp_path):
    # Given a clip that is turned only when it is shown, as telephones make them,
    source = tmp_path / "turned.mp4"
    run(["-display_rotation", "90", "-i", str(one_bench.source), "-c", "copy"], source)
    paths = {label: tmp_path / f"{label}.mp4" for label in "AB"}
    # And variants that an editor has turned for good,
    for path, top in zip(paths.values(), (500, 60), strict=True):
        box = f"drawbox=x=60:y={top}:w=200:h=40:color=black:t=fill:enable='between(t,.5,1.2)'"
        run(["-i", str(source), "-vf", box, "-c:a", "copy"], path)
    # When they are compared, then they are the same picture.
    judged = judge(measure_apart(source, paths, CUES, MediaLimits()))
    assert (judged.controlled, judged.differences) == (True, ())


def test_music_that_all_variants_have_is_no_difference(one_bench):
    # Given the same music instead of the clip's sound in both variants, and later in one,
    music = "anoisesrc=r=44100:a=0.3:seed=9:d=3.2,lowpass=f=1500,tremolo=f=3:d=0.8"
    paths = {}
    for label, late in (("A", "anull"), ("B", "anull"), ("C", "adelay=80:all=1")):
        paths[label] = one_bench.folder / f"{label}.mp4"
        args = ["-i", str(one_bench.a), "-f", "lavfi", "-i", f"{music},{late}"]
        run([*args, "-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac"], paths[label])
    # When they are compared, then the music is none, and its shift is one.
    same = {label: paths[label] for label in "AB"}
    judged = judge(measure_apart(one_bench.source, same, CUES, MediaLimits()))
    assert (judged.controlled, judged.differences) == (True, ())
    shifted = {label: paths[label] for label in "AC"}
    judged = judge(measure_apart(one_bench.source, shifted, CUES, MediaLimits()))
    assert [each.kind for each in judged.differences] == ["sound_shift"]
