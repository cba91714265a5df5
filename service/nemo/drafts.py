"""What drafts tell of whether only the captions differ (protocol 4.5). Pure.

Two sessions never hold equal drafts: ids and addresses differ. So each track other than text is
brought to a short line of what matters: its type, how many segments, their numbers and words. Equal
lines in A and B mean that the backend has added nothing to one of them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

TEXT_TRACK = 7
_NAMES = {0: "video", 1: "audio"}
#: What differs between sessions by nature: addresses, paths, long digits, hex and uuid-like words.
_FOREIGN = re.compile(
    r"^(https?://|/)|[0-9a-f]{8}-[0-9a-f]{4}|^[0-9a-f]{12,}$|^[A-Za-z_]*\d{8,}$", re.IGNORECASE
)
_IDS = frozenset({"id", "uid", "uuid", "src", "url", "cdn_url", "path", "created_at", "updated_at"})
_DIGEST_CHARS = 12


def control_lines(draft: Mapping[str, Any] | None) -> tuple[str, ...]:
    """One line for each track that is not text, in a fixed order."""
    tracks = draft.get("t") if draft else None
    if not isinstance(tracks, Sequence) or isinstance(tracks, str):
        return ()
    lines = [_line(track) for track in tracks if isinstance(track, Mapping)]
    return tuple(sorted(line for line in lines if line))


def differences(one: Sequence[str], other: Sequence[str]) -> tuple[list[str], list[str]]:
    """What only the one has, and what only the other has."""
    left, right = Counter(one), Counter(other)
    return sorted((left - right).elements()), sorted((right - left).elements())


def additions(lines: Sequence[str]) -> list[str]:
    """Tracks beyond one of pictures and one of sound: nobody asked for them."""
    kinds = Counter(line.partition(",")[0] for line in lines)
    allowed = Counter(video=1, audio=1)
    return sorted(f"{kind} x{count}" for kind, count in (kinds - allowed).items())


def holds_other_clip(draft: Mapping[str, Any] | None, own: str, others: Sequence[str]) -> str:
    """The name of another clip of the session that this draft's picture tracks mention, if any."""
    tracks = draft.get("t") if draft else None
    if not isinstance(tracks, Sequence):
        return ""
    text = json.dumps([t for t in tracks if isinstance(t, Mapping) and t.get("tt") == 0])
    return next((name for name in others if name != own and f"{name}" in text), "")


def _line(track: Mapping[str, Any]) -> str:
    kind = track.get("tt")
    if kind == TEXT_TRACK:
        return ""
    segments = track.get("sg")
    count = len(segments) if isinstance(segments, Sequence) else 0
    if not count:
        return ""
    plain = json.dumps(_plain(track), sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(plain.encode()).hexdigest()[:_DIGEST_CHARS]
    named = _NAMES.get(kind, f"track {kind}") if isinstance(kind, int) else f"track {kind}"
    return f"{named}, {count} segment{'s' if count != 1 else ''} ({digest})"


def _plain(value: Any) -> Any:
    """A value without what belongs to its session alone."""
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items() if str(k).lower() not in _IDS}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, str) and _FOREIGN.search(value):
        return "*"
    if isinstance(value, float):
        return round(value, 3)
    return value
