"""What a fingerprint of a session's state tells, and from which release on."""

from __future__ import annotations

import pytest

from service.nemo.fingerprints import VERSION, Compared, compare, fingerprint
from service.nemo.wire import State

STATE = State(
    draft={"t": [{"tt": 7, "sg": [{"text": "Hej", "at": "https://a.test/1.mp4?sig=1"}]}]},
    video_infos=[{"filename": "a.mp4", "cdn_url": "https://cdn.test/a.mp4?sig=1"}],
    canvas_config={"width": 1080},
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("https://shop.example now half price", "https://shop.example is closed"),
        ("http://a.se/x?y=1 one", "http://a.se/x?y=1 two"),
    ],
)
def test_a_caption_that_begins_with_an_address_counts_as_text(before, after):
    def of(text):
        return fingerprint(State(draft={"t": [{"tt": 7, "sg": [{"text": text}]}]}))

    assert of(before) != of(after)


def test_a_fingerprint_tells_the_same_state_from_another():
    kept = fingerprint(STATE)
    assert compare(STATE, kept) is Compared.SAME
    assert compare(State(draft=STATE.draft), kept) is Compared.CHANGED


@pytest.mark.parametrize(
    "kept", ["", "f" * 64, fingerprint(STATE)[2:], "1:" + "f" * 64, "3:", "2:"]
)
def test_what_was_made_in_another_way_tells_nothing(kept):
    assert compare(STATE, kept) is Compared.UNKNOWN


def test_another_way_of_making_it_has_another_version():
    """What fails here is right: give `VERSION` another value, and write the new one down."""
    digest = "7fe4855368e241103783906632d1739593e4bce3caf979d586c36abd3aa269c6"
    assert (VERSION, fingerprint(STATE)) == ("2", f"2:{digest}")
