"""GUI instructions in a reply: what each stands for, and that descriptions stay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.nemo.gui import GuiAction, find_action, read_gui
from tests.growth import is_about_linear

EXPORT, SUMMARISE, CREDITS = GuiAction.EXPORT, GuiAction.SUMMARISE, GuiAction.CREDITS
QUERY, EDIT, READ_STATE, CALL_API = (
    GuiAction.QUERY,
    GuiAction.EDIT,
    GuiAction.READ_STATE,
    GuiAction.CALL_API,
)

#: Instructions alone: nothing is left of them.
INSTRUCTIONS = [
    ("Click the Export button to download.", EXPORT),
    ("Click Export.", EXPORT),
    ('Click "Export" when ready.', EXPORT),
    ("Click the **Export** button when you are ready.", EXPORT),
    ("You can now export the video.", EXPORT),
    ("To download, hit the download icon.", EXPORT),
    ("When you're ready, press Export in the top right.", EXPORT),
    ("You'll find the Export button at the top right.", EXPORT),
    ("👉 Tap Export to save it!", EXPORT),
    ("点击导出按钮即可下载。", EXPORT),
    ("请点击右上角的“导出”。", EXPORT),
    ("如需下载，请点击导出。", EXPORT),
    ("确认无误后，您可以导出视频。", EXPORT),
    ("Click Apply.", CALL_API),
    ("Please click the Save button.", CALL_API),
    ("Double-click the title to change it.", CALL_API),
    ("Choose a font from the dropdown.", CALL_API),
    ("In the right panel, click Style.", CALL_API),
    ("If you like it, just tap Done.", CALL_API),
    ("点击应用。", CALL_API),
    ("请勾选“自动字幕”。", CALL_API),
    ("Open the Style panel.", READ_STATE),
    ("You can open the Captions tab to see them.", READ_STATE),
    ("Go to the Text tab.", READ_STATE),
    ("打开字幕面板。", READ_STATE),
    ("请打开属性栏查看。", READ_STATE),
    ("Drag the clip to the left.", EDIT),
    ("Drag and drop your file.", EDIT),
    ("Move the title up a bit.", EDIT),
    ("You can drag it to the end of the timeline.", EDIT),
    ("拖拽片段到左边。", EDIT),
    ("你可以拖动字幕来调整位置。", EDIT),
    ("You can preview it in the timeline.", SUMMARISE),
    ("Watch the result in the player.", SUMMARISE),
    ("Preview your video in the player before exporting.", SUMMARISE),
    ("在时间线中预览。", SUMMARISE),
    ("您可以在播放器里查看效果。", SUMMARISE),
    ("Check your account or billing page.", CREDITS),
    ("请查看账户。", CREDITS),
    ("Go to Settings.", QUERY),
    ("Head over to your dashboard.", QUERY),
    ("前往设置。", QUERY),
]


@pytest.mark.rule("P-144", "P-145", "P-146", "P-147", "P-148", "P-149", "P-150")
@pytest.mark.parametrize(("text", "action"), INSTRUCTIONS)
def test_an_instruction_becomes_its_action(text, action):
    """Given an instruction and nothing else, then its action is known and no word is left."""
    reading = read_gui(text)
    assert set(reading.actions) == {action}
    assert reading.text == ""


@pytest.mark.rule("P-151")
@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Added a bold title. Click the Export button to download.", "Added a bold title."),
        ("Added a bold title, click Export to download.", "Added a bold title."),
        ("Added a title; then click Export. It is white.", "Added a title. It is white."),
        ("The captions are in and you can preview them in the player.", "The captions are in."),
        ("Click Export or tell me what to change.", "Tell me what to change."),
        ("Open the panel; I also fixed a typo.", "I also fixed a typo."),
        ("字幕已添加，点击导出按钮即可下载。", "字幕已添加。"),
        ("字幕已添加。如需调整，请打开字幕面板。字体为粗体。", "字幕已添加。字体为粗体。"),
        ("Added it.\n\nNext steps:\n1. Open the Style panel.\n2. Click Export.", "Added it."),
        ("Done!\n- Click Apply\n- Drag the clip\nIt lasts 4 s.", "Done!\nIt lasts 4 s."),
        (
            "To export your video:\n1. Click Export\n\nThe font is Inter.",
            "The font is Inter.",
        ),
        (
            "Done: 2 captions in a.mp4, outline style. Click the Export button when you are ready.",
            "Done: 2 captions in a.mp4, outline style.",
        ),
        ("Your timeline is ready. Click the Export button.", "Your timeline is ready."),
        ('The end reads "Click here." Click Apply to keep it.', 'The end reads "Click here."'),
    ],
)  # fmt: skip
def test_descriptions_stay(text, kept):
    """Given a description beside instructions, also in one sentence, then it is what is left."""
    reading = read_gui(text)
    assert reading.text == kept
    assert reading.actions


DESCRIPTIONS = [
    "Added a bold title.",
    'It reads "click here" for 1.5 s.',
    "I gave it a drop shadow and an open look.",
    "Synced the tap and click sounds.",
    "The video opens with a wide shot of a panel of experts.",
    "Caption 1: Click the link below",
    "Click sounds were added at 2 s.",
    "I moved the captions to the top.",
    "Export finished at 1080p.",
    "I dragged nothing and lost nothing.",
    "Press coverage is quoted in the second caption.",
    "The drop at 0:12 now has karaoke words.",
    "Nothing was changed, as I found no video.",
    "Used the settings you gave: 2.5 s per caption, e.g. the first one.",
    "视频已导出为1080p。",
    "标题写着“点击下方链接”。",
    "点击率更高的版本是B。",
    "视频以打开的门开场。",
    "字幕已移动到顶部。",
]


@pytest.mark.rule("P-151")
@pytest.mark.parametrize("text", DESCRIPTIONS)
def test_descriptions_with_words_of_a_gui_are_none(text):
    """Given words of a GUI within a description, then nothing is taken out."""
    assert read_gui(text) == read_gui(text).__class__(text, ())


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 10_000), st.sampled_from([" ", "\n", "\n\n"])),
        max_size=8,
    )
)
def test_no_description_is_lost_and_no_instruction_is_left(parts):
    """Given any mixture, then all descriptions stay, in order, and no instruction does."""
    text, kept, told = "", [], 0
    for is_instruction, number, gap in parts:
        if is_instruction:
            sentence, _ = INSTRUCTIONS[number % len(INSTRUCTIONS)]
            told += 1
        else:
            sentence = DESCRIPTIONS[number % len(DESCRIPTIONS)]
            kept.append(sentence)
        text += sentence + ("\n" if sentence.startswith("Caption 1") else gap)
    reading = read_gui(text)
    assert reading.text.split() == " ".join(kept).split()
    assert len(reading.actions) >= told
    assert read_gui(reading.text).actions == ()


PIECES = [
    "click ", "Export", " the ", "button", ". ", ", ", "\n", "drag", " it", "open", "点击", "导出",
    "。", "，", '"', "“", "”", "and ", "you can ", "Caption 1: ", "1. ", "*", "preview", "a",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=20).map("".join) | st.text(max_size=80))
def test_what_is_left_tells_nobody_to_use_a_gui(text):
    """Given any text, then what is left holds no instruction, and without one nothing is lost."""
    reading = read_gui(text)
    assert read_gui(reading.text).actions == ()
    if not reading.actions:
        assert reading.text == text.strip()


def test_a_clause_by_itself():
    assert find_action("点击导出") is EXPORT
    assert find_action("the captions are yellow") is None


@pytest.mark.parametrize(
    "piece",
    ["click ", "and ", '"', "“", "‘", "a", " ", "\n", "and you ", "点", "请", "...", "1.", "然后 "],
)
def test_long_replies_are_read_at_a_cost_that_grows_with_them(piece):
    """Given a reply made to be slow, then reading it costs about as much more as it is longer."""
    assert is_about_linear(lambda size: read_gui(piece * (size // len(piece))), 20_000)


def test_a_heading_with_many_marks_is_read_at_a_cost_that_grows_with_them():
    assert is_about_linear(lambda size: read_gui(f"Click export.\nto a{':' * size}a"), 20_000)
