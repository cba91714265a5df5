"""Contrast over time, and the moments worth a look."""

from __future__ import annotations

import pytest

from service.captions.model import Cue
from service.captions.style import build_style
from service.compare.cards import Asked, choose_cards, make_cards
from service.compare.curve import draw_curve, find_moments, find_stretches, frame_at
from service.compare.facts import Film, Glimpse, Sight

CUES = (Cue(1000, 2000, "one"), Cue(3000, 4000, "two"))
FILM = Film(step_s=0.04, frames=125)


def sight(card: int, *contrasts: float | None, flags: tuple[str, ...] = ()) -> Sight:
    start_s = CUES[card].start_ms / 1000
    points = tuple(
        Glimpse(start_s + (n + 1) * 0.2, contrast) for n, contrast in enumerate(contrasts)
    )
    return Sight(card, True, 5.0, flags=flags, moments=points)


def stretches(*sights: Sight):
    return find_stretches(make_cards(Asked(cues=CUES)), sights)


def test_it_is_null_between_captions_and_1_where_nothing_is_seen():
    curve = draw_curve({"A": stretches(sight(0, 4.0, 6.0), sight(1, None, None))}, 5.0)
    line = dict(zip(curve["at_s"], curve["variants"]["A"], strict=True))
    assert (line[0.5], line[2.5], line[4.5]) == (None, None, None)
    assert (line[1.1], line[1.3], line[1.9]) == (4.0, 5.0, 6.0)
    assert line[3.5] == 1.0


def test_a_long_clip_has_no_more_points_than_a_screen_shows():
    assert len(draw_curve({"A": []}, 7200.0)["at_s"]) == 600


def test_the_weakest_frame_of_each_and_the_largest_difference_are_found():
    # Given A, which fades in its first caption, and B, which is strong but once flagged,
    seen = {
        "A": stretches(sight(0, 6.0, 2.0, 6.0), sight(1, 8.0)),
        "B": stretches(sight(0, 7.0), sight(1, 1.1, flags=("uneven",))),
    }
    curve = draw_curve(seen, 5.0)
    films = {"A": FILM, "B": FILM}
    found = find_moments(seen, films, curve, ("B", "A"))
    # Then the frames are those, and a flagged figure is no weakest moment.
    assert [(each["name"], each["variant"], each["frame"]) for each in found] == [
        ("weakest", "A", 35),
        ("weakest", "B", 30),
        ("largest_difference", None, 77),
    ]
    assert found[2]["cue"] == 1


@pytest.mark.parametrize(
    ("at_s", "frame"), [(0.0, 0), (0.04, 1), (0.0799, 2), (0.06, 1), (99.0, 124), (-1.0, 0)]
)
def test_a_time_is_a_frame_that_there_is(at_s, frame):
    assert frame_at(at_s, FILM) == frame


def test_a_film_that_was_not_read_has_no_frames():
    assert frame_at(1.0, Film()) is None


def test_cards_end_with_the_clip():
    cards = make_cards(Asked(cues=CUES), 3.5)
    assert [(each.shown.start_ms, each.shown.end_ms) for each in cards] == [
        (1000, 2000),
        (3000, 3500),
    ]
    assert len(make_cards(Asked(cues=CUES), 2.0)) == 1


def test_words_shown_some_at_a_time_belong_to_their_cue():
    style = build_style({"preset": "pop"})
    cards = make_cards(Asked(style, (Cue(0, 3000, "one two three"), Cue(3000, 4000, "four"))))
    assert [(each.cue, each.shown.text) for each in cards] == [
        (0, "one two"),
        (0, "three"),
        (1, "four"),
    ]


def test_of_very_many_cards_those_of_cues_over_the_whole_clip_are_looked_at():
    cues = tuple(Cue(n * 1000, n * 1000 + 900, "word") for n in range(1000))
    chosen = choose_cards(make_cards(Asked(cues=cues)), 100)
    assert len(chosen) == 100
    assert (chosen[0], chosen[-1]) == (5, 995)
