"""A backend's reply as a caller sees it (SEED "SSE Event Handling", protocol 4.2, 4.3). Pure.

The GUI's instructions, the tools' chatter and a trailing "temporary issue" are hidden. About 30 %
of edits say nothing: then the change between two states is put into words. Nothing in a foreign
state can raise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.nemo.gui import GuiAction, read_gui
from service.nemo.json_text import load_json
from service.nemo.timeline import (
    TITLE_TRACK,
    Piece,
    find_tracks,
    find_video_names,
    format_span,
    read_pieces,
    shorten,
    summarise_timeline,
    track_kind,
    track_label,
)
from service.nemo.wire import State, pick, read_file, read_int

NO_CHANGE = "Nothing changed on the timeline."


@dataclass(frozen=True, slots=True)
class Reply:
    """What is shown: words, what GUI instructions stood for, the timeline, and what changed.

    `text` is never empty once a state is known: for a silent edit it tells the `changes`.
    """

    text: str
    actions: tuple[GuiAction, ...] = ()
    summary: str = ""
    changes: tuple[str, ...] = ()


#: Names of tools that were seen in the wild, beside those that the stream told.
_KNOWN_TOOLS = ("edit_multitrack", "generate_video_with_seedance")
_CODE_NAME = re.compile(r"\w_\w|[a-z][A-Z]|\w\.\w")
_TROUBLE = re.compile(
    r"(?:(?<!\s)\s+)?(?:I(?:'ve| have)? encountered a temporary (?:issue|problem|error)\b"
    r"|(?:抱歉[，,])?我?遇到了?一?个?(?:临时|暂时)性?的?问题).{0,400}\Z",
    re.IGNORECASE | re.DOTALL,
)
_OPENING = re.compile(
    r"<(?P<tag>tool_call|tool_result|function_calls?|tool)\b[^>]{0,1000}>|```(?:json|tool\w*)\b|(?m:^)[{\[]\n",
    re.IGNORECASE,
)
_CLOSINGS = {
    "`": re.compile(r"```"),
    "{": re.compile(r"(?m:^[}\]]$)"),
    "[": re.compile(r"(?m:^[}\]]$)"),
    **{
        tag: re.compile(f"</{tag}>", re.IGNORECASE)
        for tag in ("tool_call", "tool_result", "function_call", "function_calls", "tool")
    },
}
_CHATTER = re.compile(
    r"^\W*(?:(?:calling|invoking|executing|running|using)\s+(?:the\s+)?(?:tool|function)\b"
    r"|(?:tool|function)[ _-]?(?:call|result|response|output|use)s?\b\s*[:：({\[\]]"
    r"|(?:正在)?调用(?:工具|函数)|工具(?:调用|返回|结果))",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])(?=\s)|(?<=[。！？\n])")


def present_reply(
    text: str, tools: Sequence[str], state_before: State | None, state_after: State | None
) -> Reply:
    """Make a reply fit to be shown.

    Args:
        text: What the agent said; empty for a silent edit.
        tools: Names of the tools that it called; sentences that name one are hidden.
        state_before: The session before the message; None when it is not known.
        state_after: The session after it; None when it is not known.
    """
    changes = describe_changes(state_before, state_after)
    shown, noise = _drop_trouble(text)
    reading = read_gui(hide_chatter(shown, tools))
    summary = summarise_timeline(state_after.draft) if state_after else ""
    words = reading.text
    if not words and not changes and noise:
        words = noise
    if not words:
        words = "; ".join(changes)
    if not words and state_after:
        words = NO_CHANGE if state_before else summary
    return Reply(words, reading.actions, summary, changes)


def hide_chatter(text: str, tools: Sequence[str]) -> str:
    """Take out what is about tools: calls, results, raw JSON, sentences that name one of them."""
    names = {name for name in (*tools, *_KNOWN_TOOLS) if _CODE_NAME.search(name)}
    named = re.compile("|".join(map(re.escape, sorted(names))))
    kept = (
        sentence
        for sentence in _SENTENCE.split(_drop_blocks(text))
        if not (_CHATTER.match(sentence) or named.search(sentence) or _is_json(sentence))
    )
    return "".join(kept).strip()


def _drop_blocks(text: str) -> str:
    """The text without its blocks of code and tools; what is opened and never closed stays."""
    kept, at, start, endless = [], 0, 0, set()
    while opening := _OPENING.search(text, start):
        kind = (opening["tag"] or opening[0][0]).lower()
        closing = None if kind in endless else _CLOSINGS[kind].search(text, opening.end())
        if closing is None:
            endless.add(kind)  # no later one of its kind is closed either
            start = opening.start() + 1
            continue
        kept.append(text[at : opening.start()])
        at = start = closing.end()
    return "".join((*kept, text[at:]))


def describe_changes(before: State | None, after: State | None) -> tuple[str, ...]:
    """What is other in a state, captions first, such as `Captions added: 4 segments, 0.3-4.9 s`."""
    if before is None or after is None:
        return ()
    found = (*_tracks(before.draft, after.draft), *_others(before, after))
    if not found and _differ(before.draft, after.draft):
        return ("The draft changed",)
    return found


def _drop_trouble(text: str) -> tuple[str, str]:
    """The text without such an ending, and the ending (V19: after normal words it is noise)."""
    found = _TROUBLE.search(text)
    return (text[: found.start()], found[0].strip()) if found else (text, "")


def _is_json(line: str) -> bool:
    bare = line.strip()
    return bare[:1] in ("{", "[") and isinstance(load_json(bare), dict | list)


def _tracks(before: Any, after: Any) -> tuple[str, ...]:
    old, new = _by_kind(before), _by_kind(after)
    own = find_video_names(find_tracks(after)) | find_video_names(find_tracks(before))
    kinds = sorted({*old, *new}, key=lambda kind: (kind != TITLE_TRACK, kind is None, kind or 0))
    said = []
    for kind in kinds:
        was, now = _pieces(old.get(kind, ())), _pieces(new.get(kind, ()))
        label = "Captions" if kind == TITLE_TRACK else track_label(kind, now or was, own)
        is_laid = not old and label in {"Video", "Sound"}  # the clip itself, on an empty timeline
        if not is_laid and _differ(old.get(kind, []), new.get(kind, [])):
            said.append(_tell(label, was, now))
    if not said and new and not old:
        return (_tell("Video", (), _pieces(new.get(0, ()))),)
    return tuple(filter(None, said))


def _tell(label: str, was: Sequence[Piece], now: Sequence[Piece]) -> str:
    if not now:
        return f"{label} removed" if was else ""
    count = f"{len(now)} segment" + ("" if len(now) == 1 else "s")
    if was and len(was) != len(now):
        count += f" instead of {len(was)}"
    facts = ", ".join(filter(None, (count, format_span(now, " s"))))
    if not was:
        return f"{label} added: {facts}"
    same = [_shown(piece) for piece in was] == [_shown(piece) for piece in now]
    return f"{label} {'restyled' if same and label == 'Captions' else 'changed'}: {facts}"


def _shown(piece: Piece) -> tuple[str, float | None, float | None]:
    return piece.text, piece.start_ms, piece.end_ms


def _others(before: State, after: State) -> Iterator[str]:
    files = [_filename(info) for info in before.video_infos]
    for name in map(_filename, after.video_infos):
        if name and name not in files:
            yield f"File added: {shorten(name)}"
    if _differ(before.canvas_config, after.canvas_config):
        yield _canvas(after.canvas_config)
    if _differ(before.generated_media, after.generated_media):
        yield "Generated media changed"


def _canvas(canvas: Any) -> str:
    sides = [read_int(pick(canvas, n)) for n in ("width", "height")] if canvas else [None]
    if not all(sides):
        return "Canvas changed"
    return f"Canvas changed: {sides[0]}x{sides[1]}"


def _filename(info: Any) -> str:
    return read_file(info).filename if isinstance(info, Mapping) else ""


def _by_kind(draft: Any) -> dict[int | None, list[Mapping[str, Any]]]:
    found: dict[int | None, list[Mapping[str, Any]]] = {}
    for track in find_tracks(draft):
        found.setdefault(track_kind(track), []).append(track)
    return found


def _pieces(tracks: Sequence[Mapping[str, Any]]) -> tuple[Piece, ...]:
    return tuple(piece for track in tracks for piece in read_pieces(track))


def _differ(one: Any, other: Any) -> bool:
    try:
        return bool(one != other)
    except RecursionError:  # deeper than can be compared: better told as a change
        return True
