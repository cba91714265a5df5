"""The change test of a session: what its state was, as a short text, and whether it is another.

A fingerprint is kept while a paid edit or a render is under way, and may be compared by a later
release. So it says how it was made; one that was made otherwise proves neither a change nor none.
"""

from __future__ import annotations

import hashlib
import json
import re
from enum import StrEnum

from service.nemo.wire import State

#: Another one whenever the same state gives another hash. The first releases wrote none.
VERSION = "2"

#: A string of JSON that is an http address and no more, and its path; a caption has blanks.
_ADDRESS = re.compile(r'(?<!\\)"https?://[^/?#"\s]*([^?#"\s]*)[^"\s]*"')


class Compared(StrEnum):
    """What a fingerprint that was kept tells about the state of now."""

    SAME = "same"
    CHANGED = "changed"
    UNKNOWN = "unknown"


def fingerprint(state: State) -> str:
    """`version:hash`, the SHA-256 of the canonical JSON of what an edit can change.

    Timestamps and analyses do not count, every form of an empty draft is the same one, and an
    address counts by its path: its host and signature may be others at the next look.
    """
    subject = {
        "draft": state.draft,
        "video_infos": list(state.video_infos),
        "canvas_config": state.canvas_config,
        "generated_media": state.generated_media,
    }
    canonical = json.dumps(subject, sort_keys=True, separators=(",", ":"))
    pathed = _ADDRESS.sub(r'"\1"', canonical)
    return f"{VERSION}:{hashlib.sha256(pathed.encode('ascii')).hexdigest()}"


def compare(state: State, kept: str) -> Compared:
    """Whether a state is the one that was kept; unknown where that was made in another way."""
    version, _, digest = kept.partition(":")
    if version != VERSION or not digest:
        return Compared.UNKNOWN
    return Compared.SAME if fingerprint(state) == kept else Compared.CHANGED
