"""What a wish is about: the video, generated material, or something that is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.nemo.topics import Topic, read_topic
from tests.growth import is_about_linear

CORPUS = Path(__file__).parents[2] / "corpus"


def wishes(name: str) -> list[tuple[str, str]]:
    lines = (CORPUS / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    return [(kind, text) for kind, text in (line.split("\t") for line in lines)]


@pytest.mark.rule("P-143")
@pytest.mark.parametrize("half", ["tuning", "held_out"])
def test_topics_are_told_apart(half):
    """Given wishes of the corpus, then nine of ten are read right, and none is paid for in vain."""
    rows = wishes(f"topics_{half}")
    missed = [row for row in rows if read_topic(row[1]) != row[0]]
    print(f"{half}: {len(rows) - len(missed)} of {len(rows)}; missed: {missed}")
    assert len(missed) <= len(rows) / 10
    assert not [row for row in missed if row[0] != Topic.VIDEO]


@pytest.mark.parametrize("name", ["intents_tuning", "intents_held_out", "wishes"])
def test_no_wish_about_a_video_is_refused(name):
    """Given what people say to an editor in the other corpora, then only greetings are refused."""
    texts = [text for kind, text in wishes(name) if kind in {"chat", "vague", "specific"}]
    refused = [text for text in texts if read_topic(text) is not Topic.VIDEO]
    assert len(texts) > 20
    assert set(refused) <= {"hello there", "你好"}


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("", Topic.VIDEO),
        ('"hello"', Topic.VIDEO),
        ("hello", Topic.OTHER),
        ("hello, make it bold", Topic.VIDEO),
        ('the caption says "generate a video of a cat"', Topic.VIDEO),
        ("generate captions for the video", Topic.VIDEO),
        ("Generate a video of a cat", Topic.GENERATION),
        ("make the video brighter", Topic.VIDEO),
        ("make a new video of a cat", Topic.GENERATION),
    ],
)
def test_what_decides(text, topic):
    assert read_topic(text) is topic


@given(st.text(max_size=300))
def test_any_text_has_a_topic(text):
    assert read_topic(text) in set(Topic)


@pytest.mark.parametrize(
    "piece", ["generate a b c ", "solve = ", "write a ", "hi ", "create new new ", '"', "生成"]
)
def test_long_wishes_cost_no_more_than_their_length(piece):
    assert is_about_linear(lambda size: read_topic(piece * (size // len(piece))), 40_000)
