"""Drafts of two sessions, told apart by what matters and not by their ids."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.nemo.drafts import additions, control_lines, differences, holds_other_clip

VIDEO = {"tt": 0, "sg": [{"id": "seg_1", "src": "https://cdn/a.mp4", "start_ms": 0, "d": 5280}]}
SOUND = {"tt": 1, "sg": [{"id": "seg_2", "start_ms": 0, "d": 5280, "volume": 1.0}]}
MUSIC = {"tt": 1, "sg": [{"id": "seg_9", "name": "Lo-fi", "start_ms": 0, "d": 5280}]}
TEXT = {"tt": 7, "sg": [{"id": "seg_3", "text": "Hello", "start_ms": 0, "d": 900}]}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=20,
)


def draft(*tracks: dict) -> dict:
    return {"d": 5280, "m": {"width": 1920}, "t": list(tracks)}


@pytest.mark.rule("P-088")
def test_captions_do_not_count():
    other = copy.deepcopy(TEXT)
    other["sg"][0]["text"] = "Bye"
    one, two = control_lines(draft(VIDEO, SOUND, TEXT)), control_lines(draft(VIDEO, SOUND, other))
    assert one == two
    assert len(one) == 2


def test_ids_and_addresses_of_another_session_do_not_count():
    other = copy.deepcopy(VIDEO)
    other["sg"][0].update(id="seg_77", src="https://cdn/b-8812.mp4")
    assert control_lines(draft(VIDEO)) == control_lines(draft(other))


@pytest.mark.rule("P-088")
@pytest.mark.parametrize(
    "change",
    [{"d": 5000}, {"start_ms": 100}, {"volume": 0.3}, {"effect": "fade"}],
)
def test_a_changed_segment_counts(change):
    other = copy.deepcopy(SOUND)
    other["sg"][0].update(change)
    mine, theirs = differences(control_lines(draft(SOUND)), control_lines(draft(other)))
    assert len(mine) == len(theirs) == 1


def test_music_in_one_of_two_is_named():
    plain, with_music = (
        control_lines(draft(VIDEO, SOUND)),
        control_lines(draft(VIDEO, SOUND, MUSIC)),
    )
    assert differences(with_music, plain)[0][0].startswith("audio, 1 segment")
    assert differences(with_music, plain)[1] == []


def test_more_than_one_track_of_sound_was_added_by_somebody():
    assert additions(control_lines(draft(VIDEO, SOUND))) == []
    assert additions(control_lines(draft(VIDEO, SOUND, MUSIC))) == ["audio x1"]


def test_another_clip_in_the_pictures_is_found_and_in_the_text_is_not():
    other = {"tt": 0, "sg": [{"src": "/mnt/clip-2.mp4"}]}
    names = ["clip-1.", "clip-2."]
    assert holds_other_clip(draft(VIDEO, other), "clip-1.", names) == "clip-2."
    spoken = {"tt": 7, "sg": [{"text": "see clip-2.mp4"}]}
    assert holds_other_clip(draft(VIDEO, spoken), "clip-1.", names) == ""


@given(JSON)
def test_any_draft_can_be_read(value):
    found = control_lines(value) if isinstance(value, dict) else control_lines({"t": value})
    assert differences(found, found) == ([], [])
