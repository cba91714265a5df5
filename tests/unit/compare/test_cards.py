"""What a variant shows one after another."""

from __future__ import annotations

from service.captions.model import Cue
from service.captions.style import build_style
from service.compare.cards import MOST_COUNTED, Asked, make_cards

WORDS = 1000


def _asked(cues: int) -> Asked:
    """Cues of one second each, shown word by word."""
    text = " ".join(["word"] * WORDS)
    style = build_style({"preset": "karaoke", "words_per_line": 1})
    return Asked(style, tuple(Cue(n * 1000, n * 1000 + 1000, text) for n in range(cues)))


def test_of_very_many_words_the_first_ones_count():
    # Given more words than are judged, when they become cards,
    cards = make_cards(_asked(MOST_COUNTED // WORDS + 10))
    # Then the first ones do, in order.
    assert len(cards) == MOST_COUNTED
    assert [card.cue for card in cards[::WORDS]] == list(range(MOST_COUNTED // WORDS))


def test_fewer_words_all_count_up_to_the_end_of_the_clip():
    asked = _asked(3)
    assert len(make_cards(asked)) == 3 * WORDS
    cards = make_cards(asked, 1.5)
    assert {card.cue for card in cards} == {0, 1}
    assert max(card.shown.start_ms for card in cards) < 1500
    assert max(card.shown.end_ms for card in cards) <= 1500
