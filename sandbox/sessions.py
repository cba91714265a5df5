"""Editing sessions: their uploaded files, their draft, and who may see them."""

from __future__ import annotations

import itertools
import json
import secrets
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.board import SwitchBoard
from sandbox.clock import SandboxClock
from sandbox.cues import Cue
from sandbox.draft import Source, canvas_config
from sandbox.media import MediaInfo
from sandbox.style import Style
from sandbox.switches import Switches


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
    resolution: str = ""
    #: Files on the timeline, in order, where later clips join it.
    timeline: list[str] = field(default_factory=list)
    #: Tracks that were added without being asked for, by kind.
    extras: dict[str, dict[str, Any]] = field(default_factory=dict)
    generated: list[dict[str, Any]] = field(default_factory=list)
    charged: bool = False
    edits: int = 0
    active_runs: int = 0
    failed_render: bool = False
    refused_render: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def videos(self) -> list[Asset]:
        """Returns the uploaded videos, oldest first."""
        return [asset for asset in self.assets if asset.media.kind == "video"]

    def state(self, base_url: str, switches: Switches) -> dict[str, Any]:
        """Returns the five documented state keys."""
        with self.lock:
            videos = self.videos()
            shown = next((a for a in reversed(videos) if a.filename == self.current), None)
            shown = shown or (videos[-1] if videos else None)
            canvas = canvas_config(shown.media.width, shown.media.height) if shown else {}
            state: dict[str, Any] = {
                "video_infos": [asset.as_video_info(base_url) for asset in self.assets],
                "draft": self.draft,
                "canvas_config": canvas,
                "video_analyses": {},
                "generated_media": list(self.generated),
            }
        if state["draft"] is None and switches.empty_draft != "null":
            return _without_draft(state, switches.empty_draft)
        if state["draft"] is not None and switches.draft_form == "text":
            state["draft"] = json.dumps(state["draft"], ensure_ascii=False)
        return state


def _without_draft(state: dict[str, Any], form: str) -> dict[str, Any]:
    if form == "object":
        return {**state, "draft": {}}
    return {key: value for key, value in state.items() if key != "draft"}


class Sessions:
    """All sessions and files of this sandbox."""

    def __init__(self, clock: SandboxClock, board: SwitchBoard) -> None:
        self._clock, self._board = clock, board
        self._issued = itertools.count(1)
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}
        self._assets: dict[str, Asset] = {}

    def create(self, user_id: str, task_name: str) -> Session:
        """Creates a session with a 19-digit decimal id; calling twice makes two."""
        with self._lock:
            ordinal = len(self._sessions) + 1
            # what was issued once must not come again, on a clock that stands still either
            unique = next(self._issued) % 1_000_000
            session_id = str(self._clock.now_ms() * 1_000_000 + unique)
            session = Session(
                session_id, ordinal, f"task_{secrets.token_hex(6)}", task_name, user_id
            )
            self._sessions[session_id] = session
            self._board.note_session(session_id, ordinal, user_id)
            return session

    def lose(self, session_id: str) -> bool:
        """Forgets a session, as the backend may (1002); says whether there was one."""
        with self._lock:
            session = self._sessions.get(session_id)
            if session is not None:
                session.user_id = ""
            return session is not None

    def clear(self) -> None:
        """Forgets all sessions and files; numbers begin at 1 again."""
        with self._lock:
            self._sessions.clear()
            self._assets.clear()

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

    def owned_by(self, user_id: str) -> list[str]:
        """Returns the ids of a user's sessions, oldest first."""
        with self._lock:
            return [s.session_id for s in self._sessions.values() if s.user_id == user_id]

    def ids(self) -> list[str]:
        """Returns the ids of all sessions, oldest first."""
        with self._lock:
            return list(self._sessions)
