"""The pictures of a comparison, read for the page that is one file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.page_words import items, part
from service.errors import FileMissing
from service.media.files import Files

#: Kinds that are put into the file, with the ends of their names; films stay links.
_KINDS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
#: Bytes of all pictures in one file, at most; what comes after them is left out.
MAX_BYTES = 12_000_000

Pictures = dict[tuple[int, str], tuple[str, bytes]]


def read_pictures(report: Mapping[str, Any] | None, job_id: str, files: Files) -> Pictures:
    """Type and bytes of each picture that a report names and that is still there."""
    found: Pictures = {}
    room = MAX_BYTES
    for clip in items(report, "clips"):
        index = clip.get("clip")
        for each in items(part(clip, "pictures"), "files"):
            name, kind = str(each.get("name")), str(each.get("type"))
            if kind not in _KINDS or not isinstance(index, int) or not name.isidentifier():
                continue
            key = f"jobs/{job_id}/comparison-{index}-{name}.{_KINDS[kind]}"
            body = _read(key, room, files)
            if body is not None:
                room -= len(body)
                found[index, name] = (kind, body)
    return found


def _read(key: str, most: int, files: Files) -> bytes | None:
    try:
        if files.size(key) > most:
            return None
        return b"".join(files.open_range(key))
    except FileMissing:
        return None
