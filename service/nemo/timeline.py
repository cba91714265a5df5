"""A draft as one line of words (SEED "Example timeline summary").

Only `t`, `tt`, `sg`, `d` and `m` of a draft are documented. What a segment holds is not, so names,
texts and times are looked for under any likely name, and left out where there are none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from service.nemo.wire import pick, read_number

_LABELS = {0: "Video", 1: "BGM", 7: "Title"}
_NAMES = ("name", "title", "filename", "file_name", "src", "source", "url", "cdn_url")
_TEXTS = ("text", "content", "caption")
_STARTS = ("start_ms", "start", "s", "st")
_LENGTHS = ("d", "duration_ms", "duration")
_TITLE_TRACK = 7


def summarise_timeline(draft: Mapping[str, Any] | None) -> str:
    """Say what is on the timeline, such as `Timeline (1 track): 1. Video: demo.mp4 (0-10s)`."""
    tracks = list(find_tracks(draft))
    if not tracks:
        return "Timeline (empty)"
    noun = "track" if len(tracks) == 1 else "tracks"
    lines = (f"{place}. {_describe(track)}" for place, track in enumerate(tracks, start=1))
    return f"Timeline ({len(tracks)} {noun}): {' '.join(lines)}"


def find_tracks(draft: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    """The tracks of a draft, whatever else is in it."""
    tracks = draft.get("t") if draft else None
    if isinstance(tracks, list):
        yield from (track for track in tracks if isinstance(track, Mapping))


def find_caption_texts(draft: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The words of the text tracks, in order; best effort."""
    titles = (track for track in find_tracks(draft) if track.get("tt") == _TITLE_TRACK)
    return tuple(
        text for track in titles for segment in _segments(track) if (text := _find_text(segment))
    )


def _describe(track: Mapping[str, Any]) -> str:
    kind = track.get("tt")
    label = _LABELS.get(kind, f"Track type {kind}") if isinstance(kind, int) else "Track"
    segments = _segments(track)
    if not segments:
        return f"{label}: empty"
    first = segments[0]
    if kind == _TITLE_TRACK and _find_text(first):
        name = f'"{_shorten(_find_text(first))}"'
    else:
        name = _shorten(_find_name(first)) or "unnamed"
    more = f" and {len(segments) - 1} more" if len(segments) > 1 else ""
    facts = ", ".join(filter(None, (_span(segments), _volume(first) if kind == 1 else "")))
    return f"{label}: {name}{more}" + (f" ({facts})" if facts else "")


def _segments(track: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    segments = track.get("sg")
    found = segments if isinstance(segments, list) else []
    return [segment for segment in found if isinstance(segment, Mapping) and segment]


def _find_text(segment: Mapping[str, Any]) -> str:
    value = pick(segment, *_TEXTS)
    return value.strip() if isinstance(value, str) else ""


def _find_name(segment: Mapping[str, Any]) -> str:
    value = pick(segment, *_NAMES)
    if not isinstance(value, str):
        return ""
    path = urlsplit(value).path if "://" in value else value
    return path.rsplit("/", 1)[-1]


def _span(segments: list[Mapping[str, Any]]) -> str:
    spans = [span for segment in segments if (span := _times_ms(segment)) is not None]
    if not spans:
        return ""
    start_s = min(start for start, _ in spans) / 1000
    end_s = max(end for _, end in spans) / 1000
    return f"{_seconds(start_s)}-{_seconds(end_s)}s"


def _times_ms(segment: Mapping[str, Any]) -> tuple[float, float] | None:
    length = read_number(pick(segment, *_LENGTHS))
    if length is None:
        return None
    start = read_number(pick(segment, *_STARTS)) or 0.0
    return start, start + length


def _volume(segment: Mapping[str, Any]) -> str:
    volume = read_number(pick(segment, "volume", "vol"))
    if volume is None:
        return ""
    return f"{round(volume * 100 if volume <= 1 else volume)}%"


def _seconds(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _shorten(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= 60 else f"{one_line[:57]}..."
