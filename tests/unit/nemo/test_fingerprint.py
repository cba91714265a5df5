"""Which texts of a session's state are addresses, and which are captions."""

from __future__ import annotations

import pytest

from service.nemo.wire import State, fingerprint


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
