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
@pytest.mark.parametrize(("half", "may_refuse"), [("tuning", 0), ("held_out", 1)])
def test_no_ordinary_wish_is_refused(half, may_refuse):
    """Given wishes about a video, then none is refused; one of sixty where no rule is for them."""
    texts = [text for kind, text in wishes(f"topics_{half}") if kind == Topic.VIDEO]
    refused = [text for text in texts if read_topic(text) is not Topic.VIDEO]
    print(f"{half}: {len(refused)} of {len(texts)} refused: {refused}")
    assert len(texts) >= 60
    assert len(refused) <= may_refuse


@pytest.mark.rule("P-143")
@pytest.mark.parametrize("kind", [Topic.GENERATION, Topic.OTHER])
@pytest.mark.parametrize("half", ["tuning", "held_out"])
def test_plain_orders_for_something_else_are_caught(half, kind):
    """Given orders to generate and things that are off the topic, then eight of ten are caught."""
    texts = [text for of, text in wishes(f"topics_{half}") if of == kind]
    missed = [text for text in texts if read_topic(text) is not kind]
    print(f"{half}: {len(texts) - len(missed)} of {len(texts)} {kind} caught; missed: {missed}")
    assert len(texts) >= 10
    assert len(missed) <= len(texts) / 5


def test_the_halves_share_no_wish():
    tuning, held_out = ({text for _, text in wishes(f"topics_{h}")} for h in ("tuning", "held_out"))
    assert not tuning & held_out


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
        ("generate a video of a cat with captions", Topic.GENERATION),
        ("never generate a video of a cat", Topic.VIDEO),
        ("Steps: 1. Open it. 2. Generate an image.", Topic.VIDEO),
        ("Yellow captions. Generate background music.", Topic.GENERATION),
        ("字幕黄色，帮我生成一张图片", Topic.GENERATION),
        ("不要生成图片", Topic.VIDEO),
        ("write me a poem", Topic.OTHER),
        ("a video on how to write me a poem", Topic.VIDEO),
        ("who won the cup? show it in red", Topic.VIDEO),
        ("hello again", Topic.VIDEO),
        ("ok", Topic.VIDEO),
    ],
)
def test_what_decides(text, topic):
    assert read_topic(text) is topic


@given(st.text(max_size=300))
def test_any_text_has_a_topic(text):
    assert read_topic(text) in set(Topic)


@pytest.mark.parametrize(
    "piece",
    [
        *["generate a b c ", "generate a ", "generate image. ", "create new new ", "make-a-"],
        *["solve = ", "write a ", "who   ", "can you ", "hi ", "! ", "!", ", ", '"', "a"],
        *["生成", "帮我", "，请"],
    ],
)
def test_long_wishes_cost_no_more_than_their_length(piece):
    assert is_about_linear(lambda size: read_topic(piece * (size // len(piece))), 40_000)
