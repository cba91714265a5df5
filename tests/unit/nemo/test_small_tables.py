"""Headers, GUI phrases, intents and the timeline in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.nemo.gui import GuiAction, read_gui
from service.nemo.headers import Platform, attribution, detect_platform
from service.nemo.intents import Intent, route
from service.nemo.timeline import find_caption_texts, summarise_timeline


@pytest.mark.rule("P-004")
@pytest.mark.parametrize(
    ("path", "platform"),
    [
        ("/home/u/.clawhub/skills/caption-ab", Platform.CLAWHUB),
        ("/opt/ClawHub/x", Platform.CLAWHUB),
        ("/home/u/.cursor/skills/caption-ab", Platform.CURSOR),
        ("C:\\Users\\u\\.cursor\\skills", Platform.CURSOR),
        ("/srv/caption-ab", Platform.UNKNOWN),
        ("/srv/precursor/x", Platform.UNKNOWN),
        ("", Platform.UNKNOWN),
    ],
)
def test_platform_is_told_from_the_folder(path, platform):
    assert detect_platform(path) is platform


@pytest.mark.rule("P-003")
def test_three_attribution_headers():
    assert attribution(Platform.CURSOR) == {
        "X-Skill-Source": "caption-ab",
        "X-Skill-Version": "1.0.0",
        "X-Skill-Platform": "cursor",
    }


@pytest.mark.rule("P-144", "P-145", "P-146", "P-147", "P-148", "P-149", "P-151")
@pytest.mark.parametrize(
    ("text", "kept", "actions"),
    [
        ("I added it. Click the Export button to save.", "I added it.", [GuiAction.EXPORT]),
        ('Done! Click "Export" when ready.', "Done!", [GuiAction.EXPORT]),
        ("Captions are in. Click Apply.", "Captions are in.", [GuiAction.CALL_API]),
        ("Open the Style panel to see it. It is bold.", "It is bold.", [GuiAction.READ_STATE]),
        ("Drag the clip to the left.", "", [GuiAction.EDIT]),
        ("You can preview it in the timeline. Nice.", "Nice.", [GuiAction.SUMMARISE]),
        ("Check your account or billing page.", "", [GuiAction.CREDITS]),
        ("字幕已添加。点击导出按钮。", "字幕已添加。", [GuiAction.EXPORT]),
        ("打开字幕面板。完成。", "完成。", [GuiAction.READ_STATE]),
        ('It reads "click here" for 1.5 s.', 'It reads "click here" for 1.5 s.', []),
        (
            "I gave it a drop shadow and an open look.",
            "I gave it a drop shadow and an open look.",
            [],
        ),
    ],
)
def test_gui_sentences_become_actions(text, kept, actions):
    reading = read_gui(text)
    assert reading.text == kept
    assert list(reading.actions) == actions


@pytest.mark.rule("P-151")
@given(st.text(alphabet="abc .!?\n。'\"字", max_size=60))
def test_text_without_gui_words_is_kept(text):
    assert read_gui(text).text == text.strip()


@pytest.mark.rule("P-136", "P-137", "P-138")
@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("export", Intent.EXPORT),
        ("导出", Intent.EXPORT),
        ("Export 1080p MP4", Intent.EXPORT),
        ("download", Intent.EXPORT),
        ("send me the video", Intent.EXPORT),
        ("credits?", Intent.CREDITS),
        ("积分", Intent.CREDITS),
        ("my balance", Intent.CREDITS),
        ("余额", Intent.CREDITS),
        ("status", Intent.STATE),
        ("状态", Intent.STATE),
        ("show tracks", Intent.STATE),
        ("现在什么样了", Intent.STATE),
        ("upload", Intent.UPLOAD),
        ("上传", Intent.UPLOAD),
        ("test two caption styles on my video and compare which performs better", Intent.CHAT),
        ("add a title that says 'download now'", Intent.CHAT),
        ("add a credits title", Intent.CHAT),
        ("重新生成", Intent.CHAT),
        ("make it louder", Intent.CHAT),
        ("hello", Intent.CHAT),
        ("", Intent.CHAT),
    ],
)
def test_intents(text, intent):
    assert route(text) is intent


@pytest.mark.rule("P-139")
def test_a_file_alone_is_an_upload():
    assert route("", has_file=True) is Intent.UPLOAD
    assert route("here it is", has_file=True) is Intent.UPLOAD
    assert route("add captions to this", has_file=True) is Intent.CHAT


@pytest.mark.rule("P-153")
def test_timeline_in_the_documented_form():
    draft = {
        "t": [
            {"tt": 0, "sg": [{"name": "city timelapse", "start_ms": 0, "d": 10000}]},
            {"tt": 1, "sg": [{"name": "Lo-fi", "d": 10000, "volume": 0.35}]},
            {"tt": 7, "sg": [{"text": "Urban Dreams", "start_ms": 0, "d": 3000}]},
        ]
    }
    assert summarise_timeline(draft) == (
        "Timeline (3 tracks): 1. Video: city timelapse (0-10s) "
        '2. BGM: Lo-fi (0-10s, 35%) 3. Title: "Urban Dreams" (0-3s)'
    )


@pytest.mark.rule("P-041")
def test_timeline_counts_further_segments():
    segments = [
        {"text": "Hi", "start_ms": 0, "d": 1500},
        {"text": "there", "start_ms": 1500, "d": 1000},
    ]
    draft = {"t": [{"tt": 7, "sg": segments}]}
    assert summarise_timeline(draft) == 'Timeline (1 track): 1. Title: "Hi" and 1 more (0-2.5s)'
    assert find_caption_texts(draft) == ("Hi", "there")


@pytest.mark.rule("P-153")
@pytest.mark.parametrize("draft", [None, {}, {"t": None}, {"t": []}, {"t": "x"}, {"t": [None]}])
def test_an_empty_timeline(draft):
    assert summarise_timeline(draft) == "Timeline (empty)"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["t", "tt", "sg", "text", "name", "d", "start", "volume"]), inner
        )
    ),
    max_leaves=12,
)


@pytest.mark.rule("P-132")
@given(st.lists(st.dictionaries(st.sampled_from(["tt", "sg", "x"]), JSON)))
def test_no_draft_breaks_the_summary(tracks):
    assert summarise_timeline({"t": tracks}).startswith("Timeline (")
