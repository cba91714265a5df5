"""Editing sessions: their uploaded files, their draft, and who may see them."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.config import SandboxClock
from sandbox.cues import Cue
from sandbox.draft import Source, canvas_config
from sandbox.media import MediaInfo
from sandbox.style import Style


@dataclass(frozen=True, slots=True)
class Asset:
    """One uploaded file that passed the checks; `cdn_key` makes its address unguessable."""

    asset_id: str
    cdn_key: str
    path: Path
    filename: str
    sha256: str
    size: int
    media: MediaInfo

    def source(self) -> Source:
        """Describes the file as the clip of a draft."""
        info = self.media
        duration_ms = round(info.duration_s * 1000)
        return Source(
            self.asset_id,
            self.filename,
            duration_ms,
            info.width,
            info.height,
            bool(info.audio_codec),
        )

    def as_video_info(self, base_url: str) -> dict[str, Any]:
        """Returns the file as upload answers and `video_infos` show it; duration in seconds."""
        info = self.media
        return {
            "filename": self.filename,
            "file_type": info.kind,
            "cdn_url": f"{base_url}/cdn/{self.cdn_key}/{self.asset_id}",
            "duration": round(info.duration_s, 3),
            "width": info.width,
            "height": info.height,
            "fps": round(info.fps, 3),
            "hash": self.sha256,
        }


@dataclass(slots=True)
class Session:
    """One project of one user; `captions` remembers cues and style per file for later messages."""

    session_id: str
    ordinal: int
    task_id: str
    task_name: str
    user_id: str
    assets: list[Asset] = field(default_factory=list)
    draft: dict[str, Any] | None = None
    captions: dict[str, tuple[tuple[Cue, ...], Style]] = field(default_factory=dict)
    current: str = ""
    generated: list[dict[str, Any]] = field(default_factory=list)
    charged: bool = False
    edits: int = 0
    active_runs: int = 0
    failed_render: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def videos(self) -> list[Asset]:
        """Returns the uploaded videos, oldest first."""
        return [asset for asset in self.assets if asset.media.kind == "video"]

    def state(self, base_url: str) -> dict[str, Any]:
        """Returns the five documented state keys."""
        with self.lock:
            videos = self.videos()
            shown = next((a for a in reversed(videos) if a.filename == self.current), None)
            shown = shown or (videos[-1] if videos else None)
            canvas = canvas_config(shown.media.width, shown.media.height) if shown else {}
            return {
                "video_infos": [asset.as_video_info(base_url) for asset in self.assets],
                "draft": self.draft,
                "canvas_config": canvas,
                "video_analyses": {},
                "generated_media": list(self.generated),
            }


class Sessions:
    """All sessions and files of this sandbox."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}
        self._assets: dict[str, Asset] = {}

    def create(self, user_id: str, task_name: str) -> Session:
        """Creates a session with a 19-digit decimal id; calling twice makes two."""
        with self._lock:
            ordinal = len(self._sessions) + 1
            session_id = str(self._clock.now_ms() * 1_000_000 + ordinal % 1_000_000)
            session = Session(
                session_id, ordinal, f"task_{secrets.token_hex(6)}", task_name, user_id
            )
            self._sessions[session_id] = session
            return session

    def find(self, session_id: object, user_id: str) -> Session | None:
        """Returns a session of this user; other users' sessions do not exist for it."""
        with self._lock:
            session = self._sessions.get(str(session_id))
        return session if session and session.user_id == user_id else None

    def add_asset(self, session: Session, asset: Asset) -> None:
        """Puts a checked file into a session."""
        with self._lock:
            self._assets[asset.asset_id] = asset
        with session.lock:
            session.assets.append(asset)

    def asset(self, asset_id: str) -> Asset | None:
        """Finds a file by its id."""
        with self._lock:
            return self._assets.get(asset_id)

    def ids(self) -> list[str]:
        """Returns the ids of all sessions, oldest first."""
        with self._lock:
            return list(self._sessions)
