"""What a recording tells: dialect, heartbeats, shapes, keys, lifetimes. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from service.nemo.dialect import Heartbeat, classify_event
from service.nemo.errors import EventTooLong
from service.nemo.json_text import load_json
from service.nemo.recording import Recorded
from service.nemo.sse import SseDecoder
from service.nemo.timeline import find_tracks

_BLANK_LINE = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_LISTED = 40
_SAMPLE_CHARS = 200
_DEEPEST = 3
_EXPIRY_NAMES = re.compile(r"expire|expiry|^exp$|^e$|ttl|^t$|date", re.IGNORECASE)
_USUAL_HEADERS = frozenset({"content-type", "content-length", "date", "connection"})
_HEADER_VALUES = frozenset(
    {"server", "via", "cache-control", "transfer-encoding", "content-encoding", "x-powered-by"}
    | {"x-accel-buffering", "retry-after", "vary", "keep-alive", "strict-transport-security"}
)


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """What one event stream was like; times in seconds."""

    dialect: str
    framing: str
    content_type: str
    events: int
    keys: tuple[str, ...]
    types: tuple[str, ...]
    heartbeats: int
    heartbeat_forms: tuple[str, ...]
    heartbeat_bytes: tuple[str, ...]
    heartbeat_every_s: float | None
    longest_silence_s: float
    duration_s: float


def read_stream(recorded: Recorded) -> StreamFacts:
    """Look at a recorded stream block by block."""
    decoder = SseDecoder()
    keys: Counter[str] = Counter()
    types: Counter[str] = Counter()
    forms: dict[str, None] = {}
    samples: dict[str, None] = {}
    beats_ms: list[int] = []
    dialects: Counter[str] = Counter()
    for block, at_ms in _blocks(recorded):
        is_beat, payloads = _read_block(decoder, block, forms)
        if is_beat:
            beats_ms.append(at_ms)
            samples[block.decode("utf-8", "backslashreplace")] = None
        for payload in payloads:
            keys.update(map(str, payload))
            types.update([str(payload["type"])] if isinstance(payload.get("type"), str) else [])
            dialects[_dialect(payload)] += 1
    gaps = [(b - a) / 1000 for a, b in pairwise(beats_ms)]
    known = [name for name in dialects if name != "unknown"]
    return StreamFacts(
        dialect=" and ".join(sorted(known)) or ("unknown" if dialects else "none seen"),
        framing=_framing(recorded),
        content_type=recorded.header("Content-Type"),
        events=sum(dialects.values()),
        keys=tuple(sorted(keys))[:_LISTED],
        types=tuple(sorted(types))[:_LISTED],
        heartbeats=len(beats_ms),
        heartbeat_forms=tuple(forms),
        heartbeat_bytes=tuple(_sample(text) for text in samples)[:5],
        heartbeat_every_s=round(median(gaps), 2) if gaps else None,
        longest_silence_s=_longest_silence_s(recorded),
        duration_s=recorded.duration_ms / 1000,
    )


def skeleton(value: Any, depth: int = 4) -> Any:
    """The shape of a JSON value: names kept, scalars as the names of their types."""
    if isinstance(value, Mapping):
        if not depth:
            return "object"
        return {str(name): skeleton(inner, depth - 1) for name, inner in list(value.items())[:30]}
    if isinstance(value, list):
        return [skeleton(value[0], depth - 1)] if value and depth else []
    names = {str: "text", bool: "bool", int: "int", float: "number", type(None): "null"}
    return names.get(type(value), "?")


def render_shape(body: bytes) -> str:
    """Which documented shape a reply about a render has, and how exactly it looks."""
    reply = load_json(body)
    if not isinstance(reply, Mapping):
        return "no JSON object"
    data = reply.get("data")
    if isinstance(data, Mapping):
        name = "S2 (success and data)" if "success" in reply else "envelope (code and data)"
        name = name if "success" in reply or "code" in reply else "data without an envelope"
    else:
        name = "S1 (top level)" if "status" in reply else "none of the documented shapes"
    return f"{name}: `{_compact(skeleton(reply))}`"


def draft_keys(draft: Mapping[str, Any] | None) -> dict[str, list[str]]:
    """Names in a draft by place: `draft`, `track`, and `segment` with the type of its track."""
    found: dict[str, set[str]] = {}
    if draft:
        found["draft"] = set(_names_in(draft))
    for track in find_tracks(draft):
        found.setdefault("track", set()).update(_names_in(track))
        segments = track.get("sg")
        for segment in segments if isinstance(segments, list) else []:
            if isinstance(segment, Mapping):
                place = f"segment of a track of type {track.get('tt')}"
                found.setdefault(place, set()).update(_names_in(segment))
    return {place: sorted(names) for place, names in found.items()}


def _names_in(value: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Names with the types of their values; those of an inner object behind its own name."""
    for name, inner in value.items():
        if isinstance(inner, Mapping) and inner and prefix.count(".") < _DEEPEST:
            yield from _names_in(inner, f"{prefix}{name}.")
        else:
            kind = skeleton(inner, 0)
            yield f"{prefix}{name} ({kind if isinstance(kind, str) else 'list'})"


def count_tracks(draft: Mapping[str, Any] | None) -> dict[str, int]:
    """How many segments the tracks of each type have."""
    counts: Counter[str] = Counter()
    for track in find_tracks(draft):
        segments = track.get("sg")
        counts[f"type {track.get('tt')}"] += len(segments) if isinstance(segments, list) else 0
    return dict(sorted(counts.items()))


def lifetime_hints(url: str, headers: Iterable[tuple[str, str]]) -> list[str]:
    """What an address and its reply say of how long it works: names, numbers, dates."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    hints = [
        f"{name}={value if re.fullmatch(r'[0-9TZ:.-]{1,30}', value) else '...'}"
        for name, value in query
        if _EXPIRY_NAMES.search(name)
    ]
    if query and not hints:
        hints.append(f"parameters without a time: {', '.join(name for name, _ in query)[:200]}")
    if not query:
        hints.append("no parameters: it is not a signed address")
    wanted = {"cache-control", "expires", "last-modified", "age"}
    return hints + [f"{name}: {value}" for name, value in headers if name.lower() in wanted]


def server_headers(exchanges: Iterable[Recorded]) -> list[str]:
    """Headers beyond the usual, with their values where these say nothing about a person."""
    found: dict[str, dict[str, None]] = {}
    for name, value in (pair for each in exchanges for pair in each.headers):
        if name.lower() not in _USUAL_HEADERS:
            known = value if name.lower() in _HEADER_VALUES else ""
            found.setdefault(name.lower(), {})[known] = None
    return [
        f"{name}: {' | '.join(list(values)[:4])}" if any(values) else name
        for name, values in sorted(found.items())
    ]


def _read_block(
    decoder: SseDecoder, block: bytes, forms: dict[str, None]
) -> tuple[bool, list[Mapping[str, Any]]]:
    """Whether a block is a heartbeat, and the objects of its events."""
    comments, dataless = decoder.comments, decoder.dataless
    try:
        events = list(decoder.feed(block))
    except EventTooLong:
        return False, []
    meanings = [meaning for event in events for meaning in classify_event(event)]
    found = [meaning.form.value for meaning in meanings if isinstance(meaning, Heartbeat)]
    found += ["comment"] * (decoder.comments > comments)
    found += ["named"] * (decoder.dataless > dataless)
    forms.update(dict.fromkeys(found))
    payloads = [load_json(event.data) for event in events]
    objects = [each for each in payloads if isinstance(each, Mapping)]
    is_beat = bool(found) and len(found) >= len(meanings)
    return is_beat, [] if is_beat else objects


def _blocks(recorded: Recorded) -> Iterator[tuple[bytes, int]]:
    """Each block of a stream with its blank line, and when its last byte came."""
    body, start, passed, place = recorded.reply.head, 0, 0, 0
    pieces = recorded.pieces
    ends = [hit.end() for hit in _BLANK_LINE.finditer(body)]
    for end in [*ends, len(body)]:
        while place < len(pieces) and passed + pieces[place][1] < end:
            passed += pieces[place][1]
            place += 1
        if end > start:
            yield body[start:end], pieces[min(place, len(pieces) - 1)][0] if pieces else 0
        start = end


def _dialect(payload: Mapping[str, Any]) -> str:
    if isinstance(payload.get("content"), Mapping) or {"actions", "author", "invocationId"} & set(
        payload
    ):
        return "ADK (content.parts)"
    return "simple (type, content)" if isinstance(payload.get("type"), str) else "unknown"


def _framing(recorded: Recorded) -> str:
    if "chunked" in recorded.header("Transfer-Encoding").lower():
        return "chunked"
    return "Content-Length" if recorded.header("Content-Length") else "until the connection closes"


def _longest_silence_s(recorded: Recorded) -> float:
    times = [0, *(at_ms for at_ms, _ in recorded.pieces)]
    return max((b - a for a, b in pairwise(times)), default=0) / 1000


def _sample(text: str) -> str:
    return repr(text)[1:-1] if len(text) <= _SAMPLE_CHARS else f"{len(text)} characters"


def _compact(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_compact(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_compact, value)) + "]"
    return str(value)
