"""What the store remembers of a clip and a cut: documents beside the engine's fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a unit of work ended badly, or what a person must do before it goes on."""

    code: str
    detail: str
    hint: str = ""
    retryable: bool = False
    stage: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a file is, by looking into it. Rates as a fraction, so that nothing is rounded."""

    duration_s: float = 0.0
    width: int = 0
    height: int = 0
    fps_num: int = 0
    fps_den: int = 1
    video_codec: str = ""
    audio_codec: str = ""
    container: str = ""


@dataclass(frozen=True, slots=True)
class ClipDoc:
    """A clip on its way to `ready`: the bytes from which A and B are both made.

    `words` are the times of words that were found in its sound; see `service.captions.words`.
    """

    index: int
    file: str = ""
    filename: str = ""
    suffix: str = "mp4"
    mime: str = "video/mp4"
    size: int = 0
    sha256: str = ""
    media: MediaInfo | None = None
    failure: Failure | None = None
    words: tuple[tuple[int, ...], ...] = ()
    word_timing: str = ""


@dataclass(frozen=True, slots=True)
class EditIntent:
    """A paid message about to be sent; on disk before the first byte leaves (V19).

    Only the claim with this `fence` may send it. Anyone later looks, and never sends.
    """

    edit_id: str
    fence: int
    message_sha256: str
    fingerprint: str
    at_ms: int
    balance: int | None = None


@dataclass(frozen=True, slots=True)
class Recovery:
    """A lost stream being looked after: when it was lost, how often we have looked, what we saw.

    A change counts once it has been `seen` twice, some time apart: the backend may add to it (V19).
    """

    since_ms: int
    looks: int = 0
    reason: str = ""
    seen: str = ""
    seen_ms: int = 0


@dataclass(frozen=True, slots=True)
class Edit:
    """An edit that is known to have been applied.

    `actions` are what its answer told a person to do on a screen; none follows by itself.
    """

    text: str = ""
    tools: tuple[str, ...] = ()
    fingerprint: str = ""
    silent: bool = False
    charged: str = "unknown"
    credits: int | None = None
    balance: int | None = None
    control: tuple[str, ...] = ()
    summary: str = ""
    actions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RenderIntent:
    """A render about to be submitted under an id of our own (protocol 7).

    `done` says that the backend has called it completed.
    """

    render_id: str
    fence: int
    at_ms: int
    attempt: int = 1
    submitted: bool = False
    done: bool = False
    polls: int = 0
    url: str = ""
    progress: float = 0.0


@dataclass(frozen=True, slots=True)
class ResultFile:
    """The finished video of a cut."""

    file: str
    size: int
    sha256: str
    media: MediaInfo | None = None


@dataclass(frozen=True, slots=True)
class CutDoc:
    """A cut on its way from `queued` to its video.

    `charged` tells of edits that were lost with their session; `paid` in endings tells of all.
    `survived` is the latest loss of a stream after which the cut went on.
    """

    clip: int
    label: str
    revision: int = 1
    session_id: str = ""
    bind_id: str = ""
    uploaded_as: str = ""
    intent: EditIntent | None = None
    recovery: Recovery | None = None
    survived: Recovery | None = None
    edit: Edit | None = None
    render: RenderIntent | None = None
    result: ResultFile | None = None
    failure: Failure | None = None
    resume_state: str = ""
    wish: str = ""
    corrected: bool = False
    settles: int = 0
    reauthenticated: int = 0
    lost_session: str = ""
    charged: str = "no"
    claim_url: str = ""
    assets: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
