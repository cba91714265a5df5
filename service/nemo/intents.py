"""Which call a user's words ask for (SEED "Matching Input to Actions", appendix A).

Only `CHAT` reaches the agent and may cost credits. The rules, for what the table leaves open:

- quoted words, file names, addresses and what follows "that says" are content, never commands;
- an edit request wins over a command beside it; the command is taken out of what the chat is told
  ("make it bold and export": the chat hears "make it bold", the export follows it);
- a command that is refused ("don't export yet") is none, and alone it asks for the state: free,
  and an answer; the agent never hears of it;
- a question about credits stays one, whatever else it names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

_LOOK_BACK = 40  # characters; keeps long texts linear
_MOST = "{0,500}"  # how far a pattern reads on: as long as a message may be
MASK = "\ue000"  # stands for a character of content: of the same length, and no letter


class Intent(StrEnum):
    EXPORT = "export"
    CREDITS = "credits"
    STATE = "state"
    UPLOAD = "upload"
    CHAT = "chat"


@dataclass(frozen=True, slots=True)
class Request:
    """What a text asks for: `words` are for the chat only, `then` is a command after the edit."""

    intent: Intent
    words: str = ""
    then: Intent | None = None


class _Kind(StrEnum):
    EDIT = "edit"
    COMMAND = "command"
    REFUSED = "refused"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class _Clause:
    lead: str  # the separator before it
    text: str
    kind: _Kind
    intent: Intent | None = None


def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_EXPORT = (
    r"(?<![\w-])(?:re-?)?(?:export(?:ing|s)?|download(?:ing|s)?|render(?:ing)?)(?![a-z0-9_])"
    r"|\b(?:send|give|get) (?:me|us) (?:(?:the|my|a|that|this)\b(?: [\w'-]+){0,3}? )?"
    r"(?:video|clip|file|mp4|result|link|movie|it)\b"
    r"|\b(?:get|have|want|need) (?:the|my) (?:video|file|mp4|movie)(?=\s*(?:now|please|$|[.!?]))"
    r"|\bsend (?:it|them)(?: over| to me)\b|\bsave (?:it|the video|my video) (?:as|to)\b"
    r"|[导導匯]出|下[载載]|渲染|[发發]给?給?我|保存(?:视频|到)|输出(?:视频|成|为)"
)
_STATE = (
    r"\bstatus\b|\b(?:show|list|see|view|check)(?: me)?(?: (?:all|the|my|current)){0,2}"
    r" (?:tracks|timeline)\b"
    r"|\bwhat(?:'s| is| do we have) (?:currently )?(?:on|in) (?:the|my) timeline\b"
    r"|[状狀][态態]|进度|現在什麼樣|现在什么样|(?:看|显示|列出|有哪些).{0,4}(?:轨道|时间线)"
)
_CREDITS = r"\bcredits?\b|\bbalance\b|[积積]分|[余餘][额額]"
#: The rows of SEED's table, first one first; everything else is chat.
_TABLE: tuple[tuple[Intent, re.Pattern[str]], ...] = (
    (Intent.EXPORT, _compile(_EXPORT)),
    (Intent.CREDITS, _compile(_CREDITS)),
    (Intent.STATE, _compile(_STATE)),
    (Intent.UPLOAD, _compile(r"(?<![\w-])(?:re-?)?upload(?:ing|s)?(?![a-z0-9_])|上[传傳]")),
)
_COMMAND = "(?:" + "|".join(pattern.pattern for _, pattern in _TABLE) + ")"

_ANY = _compile(_COMMAND)

_CONTENT = _compile(
    rf"\"[^\"]*\"|“[^”]{_MOST}”|「[^」]{_MOST}」|『[^』]{_MOST}』|《[^》]{_MOST}》|«[^»]{_MOST}»"
    rf"|`[^`]*`|(?<!\w)[‘'][^’'\n]{_MOST}[’'](?!\w)"
    r"|https?://\S+"
    r"|(?<![a-z0-9_.-])[a-z0-9_.-]+\.(?:mp4|mov|avi|webm|mkv|jpe?g|png|gif|webp|mp3|wav|m4a|aac|srt|vtt)(?![a-z0-9])"
    r"|\b(?:says?|saying|reads|reading|called|named|titled|the words|with the text):? [^,.;!?\n]+"
    r"|\bthe word \S+|(?:写着|写上|叫做|写成)[^，。；！？\n]+"
    r"|\b(?:end|closing|opening|rolling|scrolling|movie|film|photo|music) credits?\b"
    r"|\bcredits? (?:roll|title|screen|sequence|scene|card|page|text)\b"
    r"|\bcredits (?:at|over) (?!my account)\w+|\b(?:roll|scroll) (?:the )?credits\b"
    r"|\b(?:white|colou?r|audio|sound|stereo|volume) balance\b|\bbalance (?:the|out|sheet|bike)\b"
    r"|\bstatus (?:bar|quo|icon|symbol)s?\b|状态栏|积分(?:榜|表|赛|规则|制)"
)
_SEPARATOR = _compile(
    r"(?:[,;!?，。；、！？\n—–]+|[.:](?=\s|$)|：|\s-\s)[\s.,!?]*"
    r"(?:(?:and then|and|then|but|so)\s+)?"
    r"|(?<!\s)\s+(?:(?:and then|and|then|but|so)\b|after (?=(?:you|we|i)\b))\s*"
    r"|(?<!\s)\s*(?:然后|接着|之后再|並且?|并且?|(?<!等)(?<!下)(?<!会)再)\s*"
    r"(?=(?:请|帮我|给我|直接|把.{0,6}|重新){0,3}" + _EXPORT + ")"
)
_EDIT = _compile(
    r"\b(?:add|make(?! sure)|change|generate|create|edit|remove|delete|replace|put|set|write|test"
    r"|compare|style|restyle|caption|subtitle|regenerate|redo|shorten|lengthen|move|trim|cut|crop"
    r"|fix|adjust|blur|sharpen|brighten|darken|translate|title|use|turn|give (?:it|them)|increase"
    r"|decrease|reduce|raise|lower|speed|slow|rotate|flip|zoom|fade|insert|merge|combine|split"
    r"|swap|switch|apply|transcribe|mute|overlay|animate|highlight|resize|enlarge|shrink|align"
    r"|center|rewrite|undo|revert|roll|scroll|clean|stabili[sz]e|improve|enhance|polish|extend"
    r"|drop|loop|reverse)(?![a-z0-9_-])"
    r"|[加改换換删刪剪裁调調移写寫配]|去掉|去除|放[大到在]|缩[小短]|变[成得]|设[置为成]|做(?![好完])"
    r"|生成|编辑|翻[译譯]|再来一个|[对對]比|比较|测试|模糊|提亮|合并|拼接|替换|旋转|美化|优化|字幕$"
)
_NOT_A_VERB = _compile(
    r"(?:\b(?:an?|the|my|your|our|this|that|these|those|both|each|every|two|new|latest|current|of"
    r"|for|with|no|more|any|some|without)\s+)$"
)
_NOT_DONE = _compile(
    r"(?:\b(?:don'?t|do not|never|not|no need to|needn'?t)\s+(?:\w+\s+){0,2}"
    r"|(?:别|不要|不用|不必|不需要|无需|不|没有?)再?)$"
)
# "the video with captions added": what it is, not what to do
_DONE = _compile(r".{1,2}[了过過][^，。]{0,10}的")
# "generate a download link" and "redo the export" make nothing but the file
_MAKES_FILE = _compile(
    r"(?:make|generate|create|redo|do|start|set)\s+(?:me\s+)?(?:(?:an?|the|my|another)\s+)?"
    r"(?:(?:new|final|fresh|\d+p|mp4|hd)\s+)?(?:export|download|render|upload)(?:\s+(?:link|file|url))?"
    r"(?=\s*(?:$|(?:please|again|now|in|as|at|for|to|with)\b))"
)
_REFUSED = _compile(
    r"(?<!why )\b(?:don'?t|do not|never|not|no need to|stop|cancel|abort"
    r"|hold (?:off|on)|wait|avoid|skip)"
    r"(?:\s+(?!forget\b|hesitate\b|sure\b|how\b)[\w']+){0,5}?\s+(?:re-?)?"
    rf"{_COMMAND}|\bno {_COMMAND}"
    r"|(?:别|(?<!要)不要|不用|不必|不需要|无需|不想|暂不|不|取消|停止|勿|等.{0,4}再)"
    r"(?:先|再|急着|现在|给我|帮我|去|把.{0,6}|马上|\s){0,4}"
    rf"{_COMMAND}"
)
_ASIDE = _compile(
    r"\b(?:before|until|after|once|when|while|if|for|instead of)\s+"
    r"(?:(?:you|we|i|it|the|my|an?|to)\s+){0,2}"
    rf"{_COMMAND}|{_COMMAND}(?:之?[前后後]|以[前后]|时)"
)
_CONDITION = _compile(r"\b(?:before|until|unless)\b")
_COMPLAINT = _compile(
    r"\b(?:export|download|upload|render)\s+(?:is|was|looks?|sounds?|came|has|should|needs?|seems?)\b"
    r"|(?:导出|下载)的?(?:视频|影片)?(?:太|有点|不够)"
)
_PROGRESS = _compile(
    r"^\W*(?:is|are|was|has|have|did|does)\b.*\b(?:done|ready|finish(?:ed)?|complete[d]?|exported"
    r"|uploaded|rendered|through|succeed|work(?:ed)?|fail(?:ed)?)\b"
    r"|\bhow far\b|\bhow(?:'s| is) it (?:going|coming)"
    rf"|\bhow (?:much )?long(?:er)?\b.{_MOST}\b(?:take|until|left)\b"
    r"|\bprogress\b|\bany (?:news|updates?)\b"
    r"|(?:好|完成?|成功|结束)了?[吗没]|好了沒|到哪|多久|怎么样了"
)
_ASKS = _compile(
    r"^\W*(?:how|what|which|do|does|did|is|are|am|will|would|can i|could i|may i|have i"
    r"|check|show|see|tell|top up|buy|get)\b"
    r"|\b(?:how (?:much|many)|enough|left|remaining|cost|my balance)\b"
    r"|多少|够|剩|吗|几|查|扣|花|充"
)
_IF = _compile(r"\b(?:if|when|once|until|unless)\b.*$|如果.*$")
_NAMED = _compile(r"\b(?:an?|the|my|your|this|that)\s+$")
_THING = _compile(r"\s*(?:button|icon|badge|sign|banner|arrow|bar|label|logo|screen)s?\b")
_FILLER = _compile(
    r"\b(?:please|pls|ok(?:ay)?|hi|hey|hello|thanks?|thank you|yes|no|not|yet|now|just|well|wait"
    r"|hold on|hmm+|sorry|never ?mind|later|first|for now|i'?ll tell you"
    r"|let me (?:check|see|think|look)"
    r"|the|an?|it|i|you|to|do|don'?t|my|video|before|after|until|if|when|for"
    r"|and|then|but|so|also|again|with|me|can)\b"
    r"|等等|等一下|稍等|算了|好的?|谢谢|我再(?:看看|想想)|先|请|[别不再]|然后|一下|之?前|之?后|吧|了|[^\w\ue000]|_"
)


def route(text: str, *, has_file: bool = False) -> Intent:
    """Choose the call. A file that comes along is stored in any case; alone it means UPLOAD."""
    return read_request(text, has_file=has_file).intent


def read_request(text: str, *, has_file: bool = False) -> Request:
    """Choose the call, the words for the chat, and the command that follows an edit, if any."""
    clauses = list(_split(text))
    commands = [clause for clause in clauses if clause.kind is _Kind.COMMAND]
    wanted = next((i for i, _ in _TABLE if any(clause.intent is i for clause in commands)), None)
    kinds = {clause.kind for clause in clauses}
    if _Kind.EDIT in kinds:
        return Request(Intent.CHAT, _join(clauses), wanted)
    if wanted is not None:
        return Request(wanted)
    if has_file:
        return Request(Intent.UPLOAD)
    words = _join(clauses)
    if _says_nothing(words) and _ANY.search(mask(text)):
        return Request(Intent.STATE)
    return Request(Intent.CHAT, words)


def mask(text: str) -> str:
    """The text with its content made unreadable, at the same length."""
    masked = _CONTENT.sub(lambda found: MASK * len(found[0]), text)
    return masked.replace("’", "'").replace("‘", "'")


def _split(text: str) -> Iterator[_Clause]:
    masked = mask(text)
    at, lead, edited = 0, "", False
    for found in (*_SEPARATOR.finditer(masked), None):
        end = found.start() if found else len(masked)
        kind, intent = _read(masked[at:end].strip(), edited=edited)
        edited |= kind is _Kind.EDIT
        yield _Clause(lead, text[at:end], kind, intent)
        if found:
            at, lead = found.end(), text[found.start() : found.end()]


def _read(clause: str, *, edited: bool) -> tuple[_Kind, Intent | None]:
    """What a clause asks for; `edited` says that an edit was asked for before it."""
    if _asks_credits(clause):
        return _Kind.COMMAND, Intent.CREDITS
    if _PROGRESS.search(clause):
        return _Kind.COMMAND, Intent.STATE
    verb = _find_edit(clause)
    refused = _REFUSED.search(clause)
    if refused and verb and _CONDITION.search(clause[refused.end() : verb]):
        return _Kind.EDIT, None
    if refused and (verb is None or refused.start() <= verb):
        return _Kind.REFUSED, None
    if _COMPLAINT.search(clause):
        return _Kind.EDIT, None
    plain = _ASIDE.sub(lambda found: MASK * len(found[0]), clause)
    place, intent = _find_command(plain, as_verb=edited)
    if verb is not None and (intent is None or verb < place):
        return _Kind.EDIT, None
    return (_Kind.OTHER, None) if intent is None else (_Kind.COMMAND, intent)


def _asks_credits(clause: str) -> bool:
    """Whether it is about the account's credits: asked, and not only a condition of an edit."""
    main = _IF.sub("", clause)
    return bool(_TABLE[1][1].search(main) and _ASKS.search(main))


def _find_edit(clause: str) -> int | None:
    for found in _EDIT.finditer(clause):
        before = clause[max(0, found.start() - _LOOK_BACK) : found.start()]
        if _NOT_DONE.search(before) or _NOT_A_VERB.search(before):
            continue
        if not (_MAKES_FILE.match(clause, found.start()) or _DONE.match(clause, found.start())):
            return found.start()
    return None


def _find_command(clause: str, *, as_verb: bool) -> tuple[int, Intent | None]:
    """The first command's place; with `as_verb` a noun ("and the download button") is none."""
    places = []
    for intent, pattern in _TABLE:
        for found in pattern.finditer(clause):
            before = clause[max(0, found.start() - _LOOK_BACK) : found.start()]
            named = _NAMED.search(before) or _THING.match(clause, found.end())
            if not (as_verb and named):
                places.append((found.start(), intent))
                break
    return min(places, key=lambda each: each[0], default=(len(clause), None))


def _join(clauses: Sequence[_Clause]) -> str:
    """What the chat is told: everything but commands and refused ones."""
    words = ""
    for clause in clauses:
        if clause.kind in {_Kind.EDIT, _Kind.OTHER}:
            words += (clause.lead if words.strip() else "") + clause.text
    return words.strip()


def _says_nothing(text: str) -> bool:
    """Whether nothing is left of it beside commands and words that only fill."""
    bare = _FILLER.sub("", _ANY.sub(" ", mask(text)))
    return not bare.strip()
