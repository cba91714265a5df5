"""A reply as a caller sees it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.nemo.gui import GuiAction, read_gui
from service.nemo.reply import NO_CHANGE, describe_changes, hide_chatter, present_reply
from service.nemo.wire import State, parse_state
from tests.growth import is_about_linear

CLIP = {"tt": 0, "sg": [{"name": "a.mp4", "start_ms": 0, "d": 5000}]}
SOUND = {"tt": 1, "sg": [{"name": "a.mp4", "start_ms": 0, "d": 5000}]}
MUSIC = {"tt": 1, "sg": [{"name": "Lo-fi", "start_ms": 0, "d": 5000, "volume": 0.35}]}
TIMES = ((300, 1000), (1400, 900), (2500, 1000), (3700, 1200))


def titles(words="w", color="white", times=TIMES):
    texts = [{"text": f"{words}{at}", "start_ms": at, "d": d, "color": color} for at, d in times]
    return {"tt": 7, "sg": texts}


def state(*tracks, files=("a.mp4",), **rest):
    infos = [{"filename": name} for name in files]
    return State(draft={"t": list(tracks)} if tracks else None, video_infos=infos, **rest)


PLAIN, CAPTIONED = state(CLIP, SOUND), state(CLIP, SOUND, titles())


def test_a_silent_edit_is_told_from_the_state():
    """Given no words and four new captions, then the change is told, with its times."""
    reply = present_reply("", ("edit_multitrack",), PLAIN, CAPTIONED)
    assert reply.text == "Captions added: 4 segments, 0.3-4.9 s"
    assert reply.actions == ()
    assert reply.summary == (
        "Timeline (3 tracks): 1. Video: a.mp4 (0-5s) 2. Sound: a.mp4 (0-5s) "
        '3. Title: "w300" and 3 more (0.3-4.9s)'
    )


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        (PLAIN, CAPTIONED, ["Captions added: 4 segments, 0.3-4.9 s"]),
        (state(), CAPTIONED, ["Captions added: 4 segments, 0.3-4.9 s"]),
        (state(), PLAIN, ["Video added: 1 segment, 0-5 s"]),
        (CAPTIONED, PLAIN, ["Captions removed"]),
        (
            CAPTIONED,
            state(CLIP, SOUND, titles(color="gold")),
            ["Captions restyled: 4 segments, 0.3-4.9 s"],
        ),
        (CAPTIONED, state(CLIP, SOUND, titles("x")), ["Captions changed: 4 segments, 0.3-4.9 s"]),
        (
            CAPTIONED,
            state(CLIP, SOUND, titles(times=TIMES[:1])),
            ["Captions changed: 1 segment instead of 4, 0.3-1.3 s"],
        ),
        (
            PLAIN,
            state(CLIP, SOUND, MUSIC, titles()),
            [
                "Captions added: 4 segments, 0.3-4.9 s",
                "BGM changed: 2 segments instead of 1, 0-5 s",
            ],
        ),
        (state(CLIP), state(CLIP, MUSIC), ["BGM added: 1 segment, 0-5 s"]),
        (PLAIN, state(CLIP, SOUND, files=("a.mp4", "b.mp4")), ["File added: b.mp4"]),
        (
            PLAIN,
            state(CLIP, SOUND, canvas_config={"width": 1080, "height": 1920}),
            ["Canvas changed: 1080x1920"],
        ),
        (PLAIN, state(CLIP, SOUND, canvas_config={"w": 1}), ["Canvas changed"]),
        (PLAIN, state(CLIP, SOUND, generated_media=["x"]), ["Generated media changed"]),
        (PLAIN, State(draft={"t": [CLIP, SOUND], "m": {"title": "x"}}), ["The draft changed"]),
        (PLAIN, PLAIN, []),
        (None, CAPTIONED, []),
        (PLAIN, None, []),
    ],
)
def test_changes_in_words(before, after, changes):
    assert list(describe_changes(before, after)) == changes


@pytest.mark.parametrize(
    ("text", "shown", "actions"),
    [
        (
            "Done: 4 captions, outline style. Click the Export button when you are ready.",
            "Done: 4 captions, outline style.",
            (GuiAction.EXPORT,),
        ),
        (
            "All captions are gold.\nI encountered a temporary issue. Please try again.",
            "All captions are gold.",
            (),
        ),
        ("字幕已改为金色。抱歉，我遇到了临时问题，请重试。", "字幕已改为金色。", ()),
        (
            'Calling tool edit_multitrack with {"a": 1}.\nCaptions are gold.',
            "Captions are gold.",
            (),
        ),
        ("[tool_call: edit_multitrack]\nGold now.", "Gold now.", ()),
        ('{"status": "ok", "tracks": 3}\nGold now.', "Gold now.", ()),
        ('```json\n{"x": 1}\n```\nGold now.', "Gold now.", ()),
        ('{\n  "x": 1\n}\nGold now.', "Gold now.", ()),
        ('<tool_call>{"name": "x"}</tool_call>Gold now.', "Gold now.", ()),
        ("I used set_caption_style for that. Gold now.", "Gold now.", ()),
        ("正在调用工具。已改为金色。", "已改为金色。", ()),
        (
            "I used the words you gave [as they are].",
            "I used the words you gave [as they are].",
            (),
        ),
    ],
)
def test_what_a_caller_sees(text, shown, actions):
    """Given words with chatter, noise or GUI instructions around them, then the words stay."""
    reply = present_reply(text, ("set_caption_style", "text"), PLAIN, CAPTIONED)
    assert (reply.text, reply.actions) == (shown, actions)


@pytest.mark.parametrize(
    "text",
    [
        "Click the Export button.",
        "Calling tool edit_multitrack.",
        "I encountered a temporary issue. Please try again.",
        "Click Export. I encountered a temporary issue.",
        '{"ok": true}',
        " \n",
    ],
)
def test_words_that_say_nothing_are_a_silent_edit(text):
    """Given an edit that was made and only hidden words, then the change is told."""
    assert present_reply(text, (), PLAIN, CAPTIONED).text == "Captions added: 4 segments, 0.3-4.9 s"


def test_when_nothing_changed_it_is_said():
    """Given no change: trouble is all there is to say; without any, that nothing changed."""
    trouble = "I encountered a temporary issue. Please try again."
    assert present_reply(trouble, (), PLAIN, PLAIN).text == trouble
    assert present_reply("", (), PLAIN, PLAIN).text == NO_CHANGE
    reply = present_reply("", (), None, PLAIN)
    assert reply.text == reply.summary
    assert reply.summary.startswith("Timeline (2 tracks): ")
    assert present_reply("", (), None, None).text == ""


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["t", "tt", "sg", "text", "name", "d", "start", "width", "filename"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
TRACK = st.fixed_dictionaries({"tt": st.sampled_from([0, 1, 7]) | JSON, "sg": JSON})
STATES = st.fixed_dictionaries(
    {},
    optional={
        "draft": JSON | st.fixed_dictionaries({"t": st.lists(TRACK, max_size=3)}),
        "video_infos": JSON,
        "canvas_config": JSON,
        "generated_media": JSON,
    },
).map(lambda raw: parse_state(json.dumps(raw).encode()))


@given(st.text(max_size=60), st.lists(st.text(max_size=8), max_size=3), STATES, STATES)
def test_no_state_breaks_a_reply(text, tools, before, after):
    """Given arbitrary JSON as states and any words, then there is a reply with words."""
    reply = present_reply(text, tools, before, after)
    assert reply.text
    assert reply.summary.startswith("Timeline (")
    assert present_reply("", (), after, after).text == NO_CHANGE


@given(st.lists(st.sampled_from(["Gold now.", "Two lines!", "字幕已添加。", "1.5 s, e.g. here."])))
def test_plain_words_are_left_alone(sentences):
    text = " ".join(sentences)
    assert hide_chatter(text, ("edit_multitrack", "text")) == text
    assert read_gui(text).text == text


@pytest.mark.parametrize(
    "piece", [" ", "\n", "I encountered ", "Gold now. ", "<tool>", "<tool ", "{\n", "```json\n"]
)
def test_long_replies_are_shown_at_a_cost_that_grows_with_them(piece):
    """Given a reply made to be slow, then it costs about as much more as it is longer."""
    assert is_about_linear(
        lambda size: present_reply(piece * (size // len(piece)), (), None, None), 20_000
    )
