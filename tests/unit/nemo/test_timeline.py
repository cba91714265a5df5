"""A draft in words, whatever its segments are called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.nemo.timeline import find_caption_texts, find_tracks, read_pieces, summarise_timeline


def one(kind, *segments):
    return {"t": [{"tt": kind, "sg": list(segments)}]}


def test_the_documented_example():
    """Given SEED's example as a draft, then its summary is SEED's, letter by letter."""
    draft = {
        "d": 10000,
        "m": {"title": "project"},
        "t": [
            {"tt": 0, "sg": [{"name": "city timelapse", "start_ms": 0, "d": 10000}]},
            {"tt": 1, "sg": [{"name": "Lo-fi", "d": 10000, "volume": 0.35}]},
            {"tt": 7, "sg": [{"text": "Urban Dreams", "start_ms": 0, "d": 3000}]},
        ],
    }
    assert summarise_timeline(draft) == (
        "Timeline (3 tracks): 1. Video: city timelapse (0-10s) "
        '2. BGM: Lo-fi (0-10s, 35%) 3. Title: "Urban Dreams" (0-3s)'
    )


@pytest.mark.parametrize(
    ("segment", "said"),
    [
        ({"text": "Hi", "start_ms": 300, "d": 1200}, '"Hi" (0.3-1.5s)'),
        ({"content": "Hi", "startMs": 300, "end_ms": 1500}, '"Hi" (0.3-1.5s)'),
        ({"caption": "Hi", "s": 300, "e": 1500}, '"Hi" (0.3-1.5s)'),
        ({"text": "Hi", "start": 0.3, "end": 1.5}, '"Hi" (0.3-1.5s)'),
        ({"text": "Hi", "start": 1, "duration": 0.5}, '"Hi" (1-1.5s)'),
        (
            {"material": {"content": "Hi"}, "range": {"start": 300, "duration": 1200}},
            '"Hi" (0.3-1.5s)',
        ),
        ({"words": [{"text": "Hi"}, {"text": "there"}], "d": 900}, '"Hi there" (0-0.9s)'),
        ({"id": "seg_19_long_identifier", "zz": "Hi you", "color": "#FFD700 yellow"}, '"Hi you"'),
        ({"text": "a" * 70}, f'"{"a" * 57}..."'),
        ({"text": "two\nlines"}, '"two lines"'),
        ({"style": {"x": 1}}, "unnamed"),
    ],
)
def test_titles_under_any_key(segment, said):
    """Given a text segment with keys of anybody's choice, then words and times are found."""
    assert summarise_timeline(one(7, segment)) == f"Timeline (1 track): 1. Title: {said}"


@pytest.mark.parametrize(
    ("segment", "said"),
    [
        ({"src": "https://cdn.example/a/city%20walk.mp4?x=1#t", "d": 2000}, "city walk.mp4 (0-2s)"),
        ({"material": {"name": "b.mov"}, "duration_ms": 2500}, "b.mov (0-2.5s)"),
        ({"filename": "/mnt/data/c.mp4"}, "c.mp4"),
        ({"d": "4000"}, "unnamed (0-4s)"),
    ],
)
def test_clips_under_any_key(segment, said):
    assert summarise_timeline(one(0, segment)) == f"Timeline (1 track): 1. Video: {said}"


def test_several_segments_and_unknown_tracks():
    """Given more segments than one, or a kind of track nobody described, then it is said so."""
    segments = [{"text": "Hi", "d": 1500}, {}, {"text": "there", "start_ms": 1500, "d": 1000}]
    draft = {"t": [*one("7", *segments)["t"], {"tt": 4, "sg": []}, {"sg": {"a": {"name": "x"}}}]}
    assert summarise_timeline(draft) == (
        'Timeline (3 tracks): 1. Title: "Hi" and 1 more (0-2.5s) 2. Track type 4: empty 3. Track: x'
    )
    assert find_caption_texts(draft) == ("Hi", "there")


def test_the_sound_of_a_clip_is_no_music():
    """Given audio under the clip's own name, then it is called its sound, not BGM."""
    draft = {
        "t": [
            *one(0, {"name": "a.mp4", "d": 2000})["t"],
            *one(1, {"name": "a.mp4", "d": 2000, "volume": 1.0})["t"],
            *one(1, {"name": "calm.mp3", "d": 2000, "volume": 35})["t"],
        ]
    }
    assert summarise_timeline(draft) == (
        "Timeline (3 tracks): 1. Video: a.mp4 (0-2s) 2. Sound: a.mp4 (0-2s, 100%) "
        "3. BGM: calm.mp3 (0-2s, 35%)"
    )


@pytest.mark.parametrize("draft", [None, {}, {"t": None}, {"t": "x"}, {"t": [None, 3]}, [], "x"])
def test_an_empty_timeline(draft):
    assert summarise_timeline(draft) == "Timeline (empty)"
    assert find_caption_texts(draft) == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["t", "tt", "sg", "text", "words", "name", "m", "d", "start", "end"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)
KINDS = st.sampled_from([0, 1, 7, "7", 4]) | JSON
TRACKS = st.fixed_dictionaries({"tt": KINDS, "sg": st.lists(JSON, max_size=4) | JSON})


@given(JSON | st.fixed_dictionaries({"t": st.lists(TRACKS | JSON, max_size=4)}))
def test_no_draft_breaks_the_summary(draft):
    """Given arbitrary JSON as a draft, then the summary is one line that counts its tracks."""
    summary = summarise_timeline(draft)
    tracks = list(find_tracks(draft))
    assert "\n" not in summary
    assert summary.startswith(f"Timeline ({len(tracks) or 'empty'}")
    assert all(isinstance(text, str) and text for text in find_caption_texts(draft))
    for track in tracks:
        held = track.get("sg")
        assert len(read_pieces(track)) <= (len(held) if isinstance(held, list | dict) else 0)
