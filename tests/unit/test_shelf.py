"""What a process remembers: for how long, how much, and what is given while the store is away."""

from __future__ import annotations

import pytest

from service.errors import StoreUnavailable
from service.shelf import NOTHING_S, Shelf


class Books:
    """A store of texts that counts who asks, and may be away."""

    def __init__(self) -> None:
        self.texts = {"a": "one"}
        self.asked: list[str] = []
        self.away = False

    def read(self, name: str) -> str | None:
        self.asked.append(name)
        if self.away:
            raise StoreUnavailable("away")
        return self.texts.get(name)


@pytest.fixture
def books() -> Books:
    return Books()


@pytest.fixture
def shelf(books: Books, fake_clock) -> Shelf[str]:
    def lasts_s(found: str | None) -> float:
        return NOTHING_S if found is None else 10

    return Shelf(books.read, fake_clock, lasts_s=lasts_s, outage_s=60, most=2)


def test_a_thing_is_read_once_while_it_is_fresh(books: Books, shelf: Shelf[str], fake_clock):
    assert [shelf.find("a") for _ in range(3)] == ["one"] * 3
    fake_clock.advance(9.9)
    books.texts["a"] = "two"
    assert shelf.find("a") == "one"
    fake_clock.advance(0.2)
    assert shelf.find("a") == "two"
    assert books.asked == ["a", "a"]


def test_that_there_is_nothing_is_remembered_briefly(books: Books, shelf: Shelf[str], fake_clock):
    assert shelf.find("b") is None
    books.texts["b"] = "new"
    assert shelf.find("b") is None
    fake_clock.advance(NOTHING_S)
    assert shelf.find("b") == "new"


def test_while_the_store_is_away_what_was_there_is_given(
    books: Books, shelf: Shelf[str], fake_clock
):
    shelf.find("a")
    books.away = True
    fake_clock.advance(69)
    assert shelf.find("a") == "one"
    with pytest.raises(StoreUnavailable):
        shelf.find("b")
    fake_clock.advance(2)
    with pytest.raises(StoreUnavailable):
        shelf.find("a")


def test_the_one_asked_for_longest_ago_goes_first(books: Books, shelf: Shelf[str]):
    for name in ("a", "b", "a", "c", "a", "b"):
        shelf.find(name)
    assert books.asked == ["a", "b", "c", "b"]


def test_what_is_forgotten_is_asked_for_again(books: Books, shelf: Shelf[str]):
    shelf.find("a")
    shelf.forget("a")
    shelf.forget("never there")
    shelf.find("a")
    assert books.asked == ["a", "a"]


def test_what_is_remembered_can_be_had_without_asking(books: Books, shelf: Shelf[str], fake_clock):
    # Given a thing that was read, one that was not there, and one never asked for
    shelf.find("a")
    shelf.find("b")
    asked = list(books.asked)
    # When it has lain there for as long as it is given in an outage, then it is forgotten
    assert [shelf.recall(name) for name in "abc"] == ["one", None, None]
    fake_clock.advance(69.9)
    assert shelf.recall("a") == "one"
    fake_clock.advance(0.2)
    assert shelf.recall("a") is None
    assert books.asked == asked
    # And what the process forgets is not recalled
    shelf.find("a")
    shelf.forget("a")
    assert shelf.recall("a") is None
