"""A draft as one line of words (SEED "Example timeline summary").

Only `t`, `tt`, `sg`, `d` and `m` of a draft are documented. What a segment holds is not, so names,
texts and times are looked for under any likely name, also deeper down, and left out where there are
none. Nothing that a draft holds can raise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from service.nemo.wire import pick, read_int, read_number

VIDEO_TRACK, AUDIO_TRACK, TITLE_TRACK = 0, 1, 7
_LABELS = {VIDEO_TRACK: "Video", AUDIO_TRACK: "BGM", TITLE_TRACK: "Title"}
_NAMES = ("name", "title", "filename", "file_name", "label", "src", "source", "url", "cdn_url")
_TEXTS = ("text", "content", "caption", "txt", "words")
_STARTS = ("start_ms", "start", "start_time", "s", "st", "in", "from")
_ENDS = ("end_ms", "end", "end_time", "e", "et", "out", "to")
_LENGTHS = ("d", "duration_ms", "duration")
_INNER = ("m", "meta", "material", "media", "asset", "data", "range", "time_range", "timerange")
_NO_TEXT = re.compile(
    r"id|src|source|url|uri|path|file|font|colou?r|style|type|preset|anim|effect|lang|align|hash"
    r"|position|format|created|updated",
    re.IGNORECASE,
)
_SHOWN_CHARS = 60
_LOOKED_AT = 2_000  # segments of a track that are looked at for words


@dataclass(frozen=True, slots=True)
class Piece:
    """What could be read of a segment. Milliseconds; `volume` is 1.0 at full."""

    name: str = ""
    text: str = ""
    start_ms: float | None = None
    end_ms: float | None = None
    volume: float | None = None


def summarise_timeline(draft: Mapping[str, Any] | None) -> str:
    """Say what is on the timeline, such as `Timeline (1 track): 1. Video: demo.mp4 (0-10s)`."""
    tracks = list(find_tracks(draft))
    if not tracks:
        return "Timeline (empty)"
    noun = "track" if len(tracks) == 1 else "tracks"
    own = find_video_names(tracks)
    lines = (f"{place}. {_describe(track, own)}" for place, track in enumerate(tracks, start=1))
    return f"Timeline ({len(tracks)} {noun}): {' '.join(lines)}"


def find_tracks(draft: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    """The tracks of a draft, whatever else is in it."""
    tracks = draft.get("t") if isinstance(draft, Mapping) else None
    if isinstance(tracks, list):
        yield from (track for track in tracks if isinstance(track, Mapping))


def find_caption_texts(draft: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The words of the text tracks, in order; best effort."""
    titles = (track for track in find_tracks(draft) if track_kind(track) == TITLE_TRACK)
    return tuple(piece.text for track in titles for piece in read_pieces(track) if piece.text)


def track_kind(track: Mapping[str, Any]) -> int | None:
    """0 video, 1 audio, 7 text; None when there is none."""
    return read_int(track.get("tt"))


def find_video_names(tracks: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The names of the clips on the video tracks."""
    videos = (track for track in tracks if track_kind(track) == VIDEO_TRACK)
    return frozenset(piece.name for track in videos for piece in read_pieces(track) if piece.name)


def track_label(kind: int | None, pieces: Sequence[Piece], own: frozenset[str]) -> str:
    """A track's kind in words; audio under the name of a clip (`own`) is that clip's sound."""
    if kind == AUDIO_TRACK and pieces and all(piece.name in own for piece in pieces):
        return "Sound"
    return "Track" if kind is None else _LABELS.get(kind, f"Track type {kind}")


def read_pieces(track: Mapping[str, Any]) -> tuple[Piece, ...]:
    """The segments of a track, the empty ones left out."""
    held = track.get("sg")
    items = list(held.values()) if isinstance(held, Mapping) else held
    if not isinstance(items, list):
        return ()
    is_title = track_kind(track) == TITLE_TRACK
    found = (item for item in items[:_LOOKED_AT] if isinstance(item, Mapping) and item)
    return tuple(_read_piece(item, is_title=is_title) for item in found)


def _describe(track: Mapping[str, Any], own: frozenset[str]) -> str:
    pieces = read_pieces(track)
    label = track_label(track_kind(track), pieces, own)
    if not pieces:
        return f"{label}: empty"
    first = pieces[0]
    name = f'"{shorten(first.text)}"' if first.text else shorten(first.name) or "unnamed"
    more = f" and {len(pieces) - 1} more" if len(pieces) > 1 else ""
    volume = f"{round(first.volume * 100)}%" if first.volume is not None else ""
    sound = volume if track_kind(track) == AUDIO_TRACK else ""
    facts = ", ".join(filter(None, (format_span(pieces), sound)))
    return f"{label}: {name}{more}" + (f" ({facts})" if facts else "")


def format_span(pieces: Sequence[Piece], unit: str = "s") -> str:
    """From the first start to the last end, such as `0.3-4.9s`; empty when no end is known."""
    ends = [piece.end_ms for piece in pieces if piece.end_ms is not None]
    if not ends:
        return ""
    start_ms = min(piece.start_ms or 0.0 for piece in pieces if piece.end_ms is not None)
    return f"{_seconds(start_ms / 1000)}-{_seconds(max(ends) / 1000)}{unit}"


def shorten(text: str) -> str:
    """One line of at most 60 characters."""
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= _SHOWN_CHARS else f"{one_line[: _SHOWN_CHARS - 3]}..."


def _read_piece(segment: Mapping[str, Any], *, is_title: bool) -> Piece:
    start_ms, end_ms = _read_times(segment)
    volume = read_number(pick(segment, "volume", "vol"))
    if volume is not None and volume > 1:
        volume /= 100
    text = (_find_text(segment) or _find_any_text(segment)) if is_title else ""
    return Piece(_find_name(segment), text, start_ms, end_ms, volume)


def _find_text(value: Any, depth: int = 3) -> str:
    """The first words under a likely name, such as `text` or `content.text`."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list):
        return " ".join(filter(None, (_find_text(each, depth - 1) for each in value[:50]))).strip()
    if not isinstance(value, Mapping) or depth < 0:
        return ""
    names = (*_TEXTS, *_INNER)
    return next((text for name in names if (text := _find_under(value, name, depth))), "")


def _find_under(value: Mapping[str, Any], name: str, depth: int) -> str:
    inner = value.get(name)
    if name in _INNER and not isinstance(inner, Mapping):
        return ""
    return _find_text(inner, depth - 1)


def _find_any_text(segment: Mapping[str, Any]) -> str:
    """The longest string that can be no id, address or style."""
    strings = (
        value.strip()
        for key, value in segment.items()
        if isinstance(value, str) and not _NO_TEXT.search(key) and "://" not in value
    )
    return max(strings, key=len, default="")


def _find_name(segment: Mapping[str, Any]) -> str:
    inner = (each for name in _INNER if isinstance(each := segment.get(name), Mapping))
    for holder in (segment, *inner):
        value = next((v for n in _NAMES if isinstance(v := pick(holder, n), str) and v.strip()), "")
        if "://" in value:
            value = unquote(re.split(r"[?#]", value.split("://", 1)[1], maxsplit=1)[0])
        if value:
            return value.rstrip("/").rsplit("/", 1)[-1].strip()
    return ""


def _read_times(segment: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Start and end; a fraction under a name without a unit says that it is seconds."""
    inner = (each for name in _INNER if isinstance(each := segment.get(name), Mapping))
    for holder in (segment, *inner):
        raw = [pick(holder, *names) for names in (_STARTS, _ENDS, _LENGTHS)]
        start, end, length = map(read_number, raw)
        if end is None and length is None:
            continue
        in_seconds = any(isinstance(each, float) and not each.is_integer() for each in raw)
        scale = 1000 if in_seconds and not _has_unit(holder) else 1
        begin = (start or 0.0) * scale
        stop = begin + length * scale if length is not None else (end or 0.0) * scale
        return (begin if start is not None else None), stop
    return None, None


def _has_unit(holder: Mapping[str, Any]) -> bool:
    return any(name in holder for name in ("start_ms", "end_ms", "duration_ms", "d", "startMs"))


def _seconds(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
