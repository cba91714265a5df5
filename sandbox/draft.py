"""Builds and reads drafts: documented root keys (d, m, t, tt, sg), segment keys our own. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import gcd
from typing import Any

from sandbox.cues import Cue, Word
from sandbox.style import Style, resolve

#: Marks every segment as ours: the real backend's segment keys are not public.
MARK = "sandbox"
VIDEO, AUDIO, TEXT = 0, 1, 7


class BadDraft(Exception):
    """A draft that cannot be rendered; the message says why."""


@dataclass(frozen=True, slots=True)
class Source:
    """The clip a draft is made from; sizes in px as displayed, duration in ms."""

    asset_id: str
    filename: str
    duration_ms: int
    width: int
    height: int
    has_audio: bool


def build_draft(
    source: Source, cues: Sequence[Cue], style: Style | None, *, title: str
) -> dict[str, Any]:
    """Builds a timeline: the clip, its sound if it has any, a text track when there are cues."""
    tracks: list[dict[str, Any]] = [{"tt": VIDEO, "sg": [_media(source, "video")]}]
    if source.has_audio:
        tracks.append({"tt": AUDIO, "sg": [_media(source, "audio")]})
    if style is not None and cues:
        tracks.append({"tt": TEXT, "sg": [_text(n, cue, style) for n, cue in enumerate(cues, 1)]})
    meta = {"title": title, "width": source.width, "height": source.height}
    return {"d": source.duration_ms, "m": meta, "t": tracks}


def join_drafts(drafts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Puts timelines one after the other: every track type once, its segments shifted in time."""
    tracks: dict[int, list[dict[str, Any]]] = {}
    offset_ms = 0
    for draft in drafts:
        for track in draft["t"]:
            segments = tracks.setdefault(track["tt"], [])
            segments += [
                {**_shifted(segment, offset_ms), "id": f"{segment['id']}_{len(segments) + n}"}
                for n, segment in enumerate(track["sg"], 1)
            ]
        offset_ms += draft["d"]
    joined = [{"tt": kind, "sg": tracks[kind]} for kind in sorted(tracks)]
    return {"d": offset_ms, "m": dict(drafts[-1]["m"]), "t": joined}


def music_track(name: str, duration_ms: int) -> dict[str, Any]:
    """Builds the music that the backend adds by itself."""
    segment = {"id": "bgm_1", "src": f"library_{name}", "name": name, "start_ms": 0}
    return {"tt": AUDIO, "sg": [{**segment, "d": duration_ms, "volume": 0.35, MARK: 1}]}


def title_track(text: str, duration_ms: int, style: Style) -> dict[str, Any]:
    """Builds the title that the backend adds by itself, shown for at most 3 s."""
    return {"tt": TEXT, "sg": [{**_text(1, Cue(0, min(3000, duration_ms), text), style),
                                "id": "title_1"}]}  # fmt: skip


def canvas_config(width: int, height: int) -> dict[str, Any]:
    """Describes the canvas as the state does: width, height, aspect ratio."""
    part = gcd(width, height) or 1
    return {"width": width, "height": height, "aspect_ratio": f"{width // part}:{height // part}"}


def read_source(draft: object) -> str:
    """Returns the asset id of the draft's first video segment. Raises BadDraft."""
    for segment in _segments(draft, VIDEO):
        if isinstance(segment.get("src"), str):
            return str(segment["src"])
    raise BadDraft("the draft has no video segment")


def read_captions(draft: object) -> list[tuple[Cue, Style]]:
    """Returns the draft's captions with their styles. Raises BadDraft for unreadable ones."""
    pairs = []
    for segment in _segments(draft, TEXT):
        try:
            start_ms, length_ms = int(segment["start_ms"]), int(segment["d"])
            words = tuple(
                Word(
                    str(w["text"]),
                    int(w["start_ms"]),
                    int(w["start_ms"]) + int(w["d"]),
                    bool(w.get("ends_line")),
                )
                for w in segment.get("words", ())
            )
            style = resolve(segment.get("style") or {})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadDraft(f"a text segment cannot be read: {error}") from error
        if length_ms > 0:
            pairs.append(
                (Cue(start_ms, start_ms + length_ms, str(segment.get("text", "")), words), style)
            )
    return pairs


def _segments(draft: object, kind: int) -> list[Mapping[str, Any]]:
    tracks = draft.get("t") if isinstance(draft, Mapping) else None
    if not isinstance(tracks, list):
        raise BadDraft("the draft has no tracks")
    return [
        segment
        for track in tracks
        if isinstance(track, Mapping) and track.get("tt") == kind
        for segment in (track.get("sg") or ())
        if isinstance(segment, Mapping)
    ]


def _shifted(segment: Mapping[str, Any], offset_ms: int) -> dict[str, Any]:
    moved = {**segment, "start_ms": segment["start_ms"] + offset_ms}
    if "words" in segment:
        moved["words"] = [{**w, "start_ms": w["start_ms"] + offset_ms} for w in segment["words"]]
    return moved


def _media(source: Source, role: str) -> dict[str, Any]:
    return {
        "id": f"{role}_1",
        "src": source.asset_id,
        "name": source.filename,
        "start_ms": 0,
        "d": source.duration_ms,
        "volume": 1.0,
        MARK: 1,
    }


def _text(n: int, cue: Cue, style: Style) -> dict[str, Any]:
    segment: dict[str, Any] = {
        "id": f"text_{n}",
        "start_ms": cue.start_ms,
        "d": cue.end_ms - cue.start_ms,
        "text": cue.text,
        "style": style.as_dict(),
        MARK: 1,
    }
    if cue.words:
        segment["words"] = [
            {
                "text": w.text,
                "start_ms": w.start_ms,
                "d": w.end_ms - w.start_ms,
                "ends_line": w.ends_line,
            }
            for w in cue.words
        ]
    return segment
