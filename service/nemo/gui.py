"""Sentences that tell a person to use a screen, and what we do in their place.

The backend assumes a GUI (SEED "Backend Response Translation", docs/protocol.md appendix B). An
action found here is a hint to the reader of the reply; nothing that costs credits follows from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class GuiAction(StrEnum):
    EXPORT = "export"
    SUMMARISE = "summarise"
    CREDITS = "credits"
    QUERY = "query"
    EDIT = "edit"
    READ_STATE = "read_state"
    CALL_API = "call_api"


@dataclass(frozen=True, slots=True)
class GuiReading:
    """A reply without its GUI sentences, and the actions these stood for, in order."""

    text: str
    actions: tuple[GuiAction, ...]


# the first row that fits a sentence counts, so the narrow ones stand above the wide ones
_TABLE: tuple[tuple[GuiAction, re.Pattern[str]], ...] = tuple(
    (action, re.compile(pattern, re.IGNORECASE))
    for action, pattern in (
        (GuiAction.EXPORT, r"\bexport\b.{0,20}\bbutton\b|\b(click|tap|press)\b.{0,20}\bexport\b"),
        (GuiAction.EXPORT, r"(点击|按).{0,6}导出|导出按钮"),
        (
            GuiAction.SUMMARISE,
            r"\bpreview\b.{0,40}\b(timeline|player)\b|在(时间线|播放器)\S{0,4}预览",
        ),
        (GuiAction.CREDITS, r"\bcheck\b.{0,30}\b(account|billing)\b"),
        (GuiAction.QUERY, r"\bgo to\b.{0,30}\b(settings|dashboard)\b"),
        (GuiAction.EDIT, r"\bdrag\b|\bdrop (it|them|the|your|a) |拖拽|拖动"),
        (GuiAction.READ_STATE, r"\bopen\b.{0,40}\b(panel|tab|menu|editor|sidebar|window)\b"),
        (GuiAction.READ_STATE, r"打开.{0,12}(面板|菜单|窗口|编辑器)"),
        (GuiAction.CALL_API, r"\b(click|tap|press)\b|点击"),
    )
)
_QUOTED = re.compile(r"\"[^\"\n]*\"|“[^”\n]*”|「[^」\n]*」|(?<!\w)'[^'\n]*'(?!\w)")


def read_gui(text: str) -> GuiReading:
    """Take the GUI sentences out of a reply and say what each stands for.

    Quoted words are content (a caption may say "click here") and never count, except after a verb
    of the GUI, where the quotes hold a button's name.
    """
    kept: list[str] = []
    actions: list[GuiAction] = []
    for sentence in _split(text):
        action = find_action(sentence)
        if action is None:
            kept.append(sentence)
        else:
            actions.append(action)
            kept.append("\n" if sentence.endswith("\n") else "")
    return GuiReading("".join(kept).strip(), tuple(actions))


def find_action(sentence: str) -> GuiAction | None:
    """The action that a sentence asks of a GUI's user; None for a description."""
    bare = _QUOTED.sub(" ", sentence)
    verb = next((action for action, pattern in _TABLE if pattern.search(bare)), None)
    if verb is GuiAction.CALL_API and re.search(r"export|导出", sentence, re.IGNORECASE):
        return GuiAction.EXPORT
    return verb


def _split(text: str) -> list[str]:
    return [found for found in re.split(r"(?<=[.!?])(?=\s)|(?<=[。！？\n])", text) if found]
