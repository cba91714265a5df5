"""Words that tell a person to use a screen, and what we do in their place.

The backend assumes a GUI (SEED "Backend Response Translation", appendix B). Instructions go,
descriptions of what was done stay, also within one sentence ("Added a title, click Export." ->
"Added a title."). An action found here is a hint to the reader of the reply; nothing that costs
credits follows from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
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
    """A reply without its GUI instructions, and the actions these stood for, in order."""

    text: str
    actions: tuple[GuiAction, ...]


_MASK = "\ue000"
_THE = (
    r"\s+(?:on\s+|up\s+|back\s+)?"
    r"(?:the|an?|your|this|that|these|any|each|it|them|(?-i:[A-Z])|\ue000)"
)
# how an instruction begins: a verb alone, or after words that only lead to it
_TOLD = (
    r"^(?:[^\w\ue000]|\d+[.)])*"
    r"(?:(?:and|or|then|now|so|just|simply|please|next|finally|first|also|kindly|otherwise"
    r"|you(?:'ll)?(?: (?:can|may|could|should|must|will))?"
    r"(?: (?:now|also|then|just|simply|always))?"
    r"(?: (?:need|have|want) to)?|(?:when|once|after|before|if) you|feel free to|try to"
    r"|go ahead and|(?:be|make) sure to|remember to|don't forget to|let's"
    r"|all you (?:need|have) to do is(?: to)?"
    r"|(?:could|can|would) you)\s+)*"
)
_ICONS = r"(?:button|icon|menu|panel|tab|slider|toggle|drop-?down|toolbar|sidebar|inspector|dialog)"
_PRESS = r"(?:(?:double|right|left|long)[- ])?(?:click|tap|press|hit)"
#: The first row that fits a clause counts, so the narrow ones stand above the wide ones.
_TABLE: tuple[tuple[GuiAction, re.Pattern[str]], ...] = tuple(
    (action, re.compile(pattern, re.IGNORECASE))
    for action, pattern in (
        (GuiAction.EXPORT, r"\bexport\b.{0,20}\b(?:button|icon)\b|\bbutton\b.{0,12}\bexport\b"),
        (GuiAction.EXPORT, _TOLD + rf"{_PRESS}\b.{{0,30}}\b(?:export|download)\b"),
        (
            GuiAction.EXPORT,
            _TOLD + r"(?:export|download|save)\s+(?:it|them|this|your|the|now|when|from|via)\b",
        ),
        (GuiAction.EXPORT, r"导出按钮|(?:点击?|单击|按下?).{0,8}(?:导出|下载)"),
        (
            GuiAction.EXPORT,
            r"(?:请|可以?|即可|直接|随时|现在)(?:直接|随时|立即|现在)?(?:导出|下载)",
        ),
        (
            GuiAction.SUMMARISE,
            r"\bpreview\b.{0,40}\b(?:in|on|from) (?:the |your )?(?:timeline|player)\b",
        ),
        (
            GuiAction.SUMMARISE,
            _TOLD + r"(?:watch|play|view|review|see|check|scrub)\b.{0,40}"
            r"\b(?:in|on|through) (?:the |your )?(?:timeline|player|preview)\b",
        ),
        (
            GuiAction.SUMMARISE,
            r"[在到去从](?:时间[线轴]|播放器|预览窗口?)\S{0,6}(?:预览|查看|播放|观看)",
        ),
        (
            GuiAction.SUMMARISE,
            r"预览.{0,4}(?:时间[线轴]|播放器)",
        ),
        (
            GuiAction.CREDITS,
            _TOLD + r"(?:check|visit|see|view|manage|open|go to)\b.{0,30}\b(?:account|billing)\b",
        ),
        (GuiAction.CREDITS, r"(?:查看|检查|查询|前往|进入).{0,6}(?:账户|账号|账单|订阅)"),
        (
            GuiAction.QUERY,
            _TOLD
            + r"(?:go|head|navigate|return|switch|visit)\b.{0,30}\b(?:settings|dashboard|page)\b",
        ),
        (GuiAction.QUERY, r"(?:前往|进入|转到|去到?)\S{0,8}(?:设置|控制台|仪表盘|后台)"),
        (
            GuiAction.EDIT,
            _TOLD + rf"(?:drag(?:ging)?|drop|move){_THE}|\bdrag(?:[- ]and[- ]|/)drop\b",
        ),
        (GuiAction.EDIT, r"拖[拽动放到入至]|请.{0,4}移动"),
        (GuiAction.READ_STATE, _TOLD + rf"(?:re)?open{_THE}"),
        (
            GuiAction.READ_STATE,
            _TOLD + rf"(?:go|head|navigate|return|switch)\b.{{0,12}}\bto\b.{{0,30}}\b{_ICONS}\b",
        ),
        (
            GuiAction.READ_STATE,
            r"打开.{0,12}(?:面板|菜单|窗口|编辑器|标签|选项卡|侧边栏|属性|素材库|设置|对话框)",
        ),
        (
            GuiAction.READ_STATE,
            r"(?:请|可以|先|再)打开(?!的)",
        ),
        (
            GuiAction.CALL_API,
            _TOLD + rf"{_PRESS}(?:ing)?(?:{_THE}|\s+(?:play|save|apply|done|ok|here|below)\b)",
        ),
        (
            GuiAction.CALL_API,
            _TOLD + r"(?:use|select|choose|pick|toggle|find|look for|adjust|hover|swipe|scroll)\b"
            rf".{{0,40}}\b{_ICONS}s?\b",
        ),
        (GuiAction.CALL_API, r"\bby (?:clicking|tapping|pressing|dragging|opening)\b"),
        (
            GuiAction.CALL_API,
            r"(?:[点點][击擊]|单击|双击|右键|轻点|点按|勾选)(?![率量数声音])|点.{0,6}按钮",
        ),
    )
)
_EXPORTS = re.compile(r"export|download|导出|下载", re.IGNORECASE)
# quoted words, and what stands after "Caption 2:", are content: a caption may say "click here";
# a quotation has an end, or many that are never closed would each be read to the end of the line
_QUOTED = r"{0,1000}"
_CONTENT = re.compile(
    rf"\"[^\"\n]*\"|“[^”\n]{_QUOTED}”|「[^」\n]{_QUOTED}」|『[^』\n]{_QUOTED}』|`[^`\n]*`"
    rf"|(?<!\w)[‘'][^'’\n]{_QUOTED}['’](?!\w)"
    r"|(?<=: )https?://\S+|(?:\b(?:caption|subtitle|title|text|cue|line)|字幕|标题)s?\s*\d*[:：] ?"
    r"[^.!?。！？\n]+",
    re.IGNORECASE,
)
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n){2,}")
_DRAG_AND_DROP = re.compile(r"(drag) and (drop)\b", re.IGNORECASE)
_LIST_MARK = re.compile(r"(?m)^([ \t]*\d{1,2})\.(?=\s)")
_SENTENCE = re.compile(
    r"(?<![.!?…])[.!?…]+[\"'”’)\]_ ]*(?=\s)|(?<=[a-z])[.!?](?=[A-Z])|[。！？]+[”’」』）]*|\n"
)
_CLAUSE = re.compile(
    r"[,;，；：—–]+\s*(?:(?:and|or|then|so|but)\s+)?|:\s|\s-\s"
    r"|(?<!\s)\s+(?:and|or|then|so|but)(?=\s)|(?:(?<!\s)\s+)?(?:然后|并且|或者)"
)
_END = re.compile(r"(?<![.!?…。！？])[.!?…。！？]+[\"'”’)\]_ ”’」』）]*(?:[^\S ]\s*)?\Z")
_LEADS_TO = re.compile(
    r"^\W*(?:(?:if|when|once|whenever|to|in order to|as soon as|until|before|after|for)\b"
    r"|(?:next|then|finally|now|first|from (?:there|here)|otherwise|alternatively|also|so|and)\W*$"
    r"|(?:in|on|at|from|under) (?:the|your)(?:\s+\w+){1,4}\W*$|step \d+\W*$"
    r"|如果|如需|若|要|想|当|需要|完成后|接下来|下一步|最后|之后|随后|为了|确认)|^\W*$",
    re.IGNORECASE,
)
_SAYS = re.compile(r"^\W*(?:I\b|I'|tell me\b|let me know\b|我|告诉我)", re.IGNORECASE)
_HEADING = re.compile(
    r"^\W*(?:next steps?|what'?s next|(?P<free>to \w|how to )|接下来|下一步|操作步骤)",
    re.IGNORECASE,
)
_LAST_MARKS = re.compile(r"(?<!\W)\W*\Z")


def read_gui(text: str) -> GuiReading:
    """Take the GUI's instructions out of a reply and say what each stands for.

    Quoted words are content and never count, except after a verb of the GUI, where the quotes hold
    a button's name. A text without instructions comes back as it is, but for its outer white space.
    """
    actions: list[GuiAction] = []
    kept: list[str | None] = []
    for sentence, masked in _split(text):
        rest, found = _cut(sentence, masked)
        actions += found
        kept.append(rest if rest or not found else None)
        if found and sentence.endswith("\n") and not rest.endswith("\n"):
            kept.append("\n")
    if not actions:
        return GuiReading(text.strip(), ())
    words = _BLANK_LINES.sub("\n\n", _put_together(_drop_headings(kept))).strip()
    if words == text:
        return GuiReading(words, tuple(actions))
    again = read_gui(words)  # what was apart may now stand together
    return GuiReading(again.text, (*actions, *again.actions))


def _put_together(kept: Sequence[str | None]) -> str:
    """What is left; a line that holds nothing any more goes with its end."""
    words, cut = "", False
    for piece in kept:
        cut |= piece is None
        if piece is None or (piece.isspace() and cut and (not words or words.endswith("\n"))):
            continue
        words += piece
        cut = False
    return words


def find_action(clause: str, masked: str | None = None) -> GuiAction | None:
    """The action that a clause asks of a GUI's user; None for a description."""
    bare = masked if masked is not None else _mask(clause)
    found = next((action for action, pattern in _TABLE if pattern.search(bare)), None)
    if found is GuiAction.CALL_API and _EXPORTS.search(clause):
        return GuiAction.EXPORT
    return found


def _mask(text: str) -> str:
    """The text at the same length with its content, emphasis and list marks made harmless."""
    masked = _CONTENT.sub(lambda found: _hide(found[0]), text)
    masked = _DRAG_AND_DROP.sub(r"\1-and-\2", _LIST_MARK.sub(r"\1)", masked))
    return masked.replace("*", " ").replace("’", "'")


def _hide(content: str) -> str:
    """Content as marks; the end of a sentence just before the closing quote stays one."""
    ends = len(content) > 2 and content[-2] in ".!?。！？" and not content[-1].isalnum()
    return _MASK * (len(content) - 2) + content[-2:] if ends else _MASK * len(content)


def _split(text: str) -> Iterator[tuple[str, str]]:
    """Sentences, each with its masked form; put together they are the text."""
    masked = _mask(text)
    at = 0
    for end in (*(found.end() for found in _SENTENCE.finditer(masked)), len(text)):
        if end > at:
            yield text[at:end], masked[at:end]
        at = end


def _cut(sentence: str, masked: str) -> tuple[str, list[GuiAction]]:
    """A sentence without its instructions, empty if nothing else is in it, and their actions."""
    spans = list(_clauses(masked))
    found = [find_action(sentence[at:end], masked[at:end]) for at, end in spans]
    actions = [action for action in found if action is not None]
    if not actions:
        whole = find_action(sentence, masked)  # an instruction that a separator runs through
        return ("", [whole]) if whole else (sentence, [])
    first = next(place for place, action in enumerate(found) if action is not None)
    keep = first
    while keep and _LEADS_TO.match(masked[slice(*spans[keep - 1])]):
        keep -= 1
    said = [sentence[: spans[keep - 1][1]]] if keep else []
    for (at, end), action in list(zip(spans, found, strict=True))[first:]:
        if action is None and _SAYS.match(masked[at:end]):
            said.append(_raise(sentence[at:end]))
    return _close(said, sentence), actions


def _raise(words: str) -> str:
    bare = words.strip()
    return bare[:1].upper() + bare[1:]


def _close(said: Sequence[str], sentence: str) -> str:
    """What is left of a sentence, each part with the sentence's own end."""
    end = found[0] if (found := _END.search(sentence)) else ""
    bare = (_END.sub("", part).rstrip(" \t\n,;，；:：") for part in said)
    parts = [
        part + (end.rstrip() if end.isascii() else end) for part in bare if re.search(r"\w", part)
    ]
    return " ".join(parts) + end[len(end.rstrip()) :] if parts else ""


def _clauses(masked: str) -> Iterator[tuple[int, int]]:
    at = 0
    for found in _CLAUSE.finditer(masked):
        yield at, found.start()
        at = found.end()
    yield at, len(masked)


def _drop_headings(kept: Sequence[str | None]) -> list[str | None]:
    """Headings such as "Next steps:" go when all that followed them has gone."""
    result = list(kept)
    for place, piece in enumerate(kept):
        if piece is None or not _is_heading(piece):
            continue
        body = [each for each in kept[place + 1 :] if each is None or each.strip()]
        if body and body[0] is None:
            result[place] = None
    return result


def _is_heading(piece: str) -> bool:
    """Whether it begins as a heading does, and a colon is among the marks it ends in."""
    begun, marks = _HEADING.match(piece), _LAST_MARKS.search(piece)
    if begun is None or marks is None:
        return False
    whole = bool(begun["free"]) or marks.start() <= begun.end()
    return whole and any(colon in piece[max(marks.start(), begun.end()) :] for colon in ":：")
