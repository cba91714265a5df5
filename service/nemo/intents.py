"""Which call a user's words ask for (SEED "Matching Input to Actions", appendix A).

Only `CHAT` reaches the agent and may cost credits; a wish for an export alone never does.
"""

from __future__ import annotations

import re
from enum import StrEnum


class Intent(StrEnum):
    EXPORT = "export"
    CREDITS = "credits"
    STATE = "state"
    UPLOAD = "upload"
    CHAT = "chat"


_TABLE: tuple[tuple[Intent, re.Pattern[str]], ...] = tuple(
    (intent, re.compile(pattern, re.IGNORECASE))
    for intent, pattern in (
        (Intent.EXPORT, r"\bexport\b|\bdownload\b|\bsend me the video\b|导出|下载"),
        (Intent.CREDITS, r"\bcredits?\b|\bbalance\b|积分|余额"),
        (Intent.STATE, r"\bstatus\b|\bshow (me )?(the )?tracks\b|状态|现在什么样了"),
        (Intent.UPLOAD, r"\bupload\b|上传"),
    )
)
# words that make a sentence an edit even if it names another thing: "add a credits title"
_EDITS = re.compile(
    r"\b(add|make|change|generate|edit|remove|replace|put|set|write|test|compare|style|caption"
    r"|subtitle|regenerate|redo|shorten|move)\b|添加|修改|生成|编辑|删除|重新|再来一个|字幕",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|「[^」]*」|(?<!\w)'[^']*'(?!\w)")


def route(text: str, *, has_file: bool = False) -> Intent:
    """Choose the call; quoted words are content and do not count."""
    words = _QUOTED.sub(" ", text)
    if not words.strip() and has_file:
        return Intent.UPLOAD
    if _EDITS.search(words):
        return Intent.CHAT
    found = next((intent for intent, pattern in _TABLE if pattern.search(words)), None)
    if found is not None:
        return found
    return Intent.UPLOAD if has_file else Intent.CHAT
