"""The backend's replies as typed values, read tolerantly (docs/protocol.md, sections 0-7 and 10).

Unknown fields are ignored, names may be snake_case or camelCase, ids may be numbers, and the data
may come in an envelope, in a success-envelope or bare.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from service.nemo.errors import BackendConfused
from service.nemo.json_text import load_json


@dataclass(frozen=True, slots=True)
class Token:
    """A token and what came with it. `expires_at_ms` is None when the backend did not say."""

    token: str = field(repr=False)
    user_id: str = ""
    expires_at_ms: int | None = None
    credits: int | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """An editing session. Ids are texts: a session id has 19 digits, too many for a float."""

    session_id: str
    task_id: str = ""
    user_id: str = ""


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file as the backend stored it. `duration_s` is seconds, unlike the `d` of a draft."""

    filename: str
    file_type: str = ""
    cdn_url: str = ""
    duration_s: float | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    hash: str = ""


@dataclass(frozen=True, slots=True)
class Uploaded:
    files: tuple[UploadedFile, ...]
    session_state_applied: bool | None = None


@dataclass(frozen=True, slots=True)
class Credits:
    """A balance: `total` = `available` + `frozen`; frozen ones are reserved by running work."""

    available: int
    frozen: int
    total: int


@dataclass(frozen=True, slots=True)
class State:
    """A session's state. `draft` is untouched, whatever it holds; None when there is none yet."""

    draft: Mapping[str, Any] | None
    video_infos: Sequence[Any] = ()
    canvas_config: Mapping[str, Any] | None = None
    generated_media: Any = None
    session_id: str = ""
    user_id: str = ""

    @property
    def uploaded(self) -> bool:
        """Whether a video has arrived (V19)."""
        return len(self.video_infos) > 0

    @property
    def exportable(self) -> bool:
        """Whether some track has segments (V19)."""
        tracks = self.draft.get("t") if self.draft else None
        if not isinstance(tracks, list):
            return False
        return any(isinstance(track, Mapping) and bool(track.get("sg")) for track in tracks)


def parse_token(body: bytes) -> Token:
    """Read the reply of the token call.

    Raises:
        BackendConfused: there is no token in it.
    """
    data = unwrap(body)
    token = pick(data, "token")
    if not isinstance(token, str) or not token.strip():
        raise BackendConfused("The token reply holds no token.")
    return Token(
        token=token.strip(),
        user_id=read_id(pick(data, "user_id")),
        expires_at_ms=_read_time_ms(pick(data, "expires_at")),
        credits=read_int(pick(data, "credits")),
    )


def parse_session(body: bytes) -> Session:
    """Read the reply of the create-session call.

    Raises:
        BackendConfused: there is no session id in it, or one that lost digits.
    """
    data = unwrap(body)
    session_id = read_id(pick(data, "session_id"))
    if not session_id:
        raise BackendConfused("The session reply holds no session id.")
    return Session(session_id, read_id(pick(data, "task_id")), read_id(pick(data, "user_id")))


def parse_uploaded(body: bytes) -> Uploaded:
    """Read the reply of an upload.

    Raises:
        BackendConfused: it is no JSON object.
    """
    data = unwrap(body)
    files = pick(data, "files")
    items = files if isinstance(files, list) else [files or pick(data, "file")]
    applied = pick(data, "session_state_applied")
    return Uploaded(
        files=tuple(read_file(item) for item in items if isinstance(item, Mapping)),
        session_state_applied=applied if isinstance(applied, bool) else None,
    )


def read_file(item: Mapping[str, Any]) -> UploadedFile:
    """Read one entry of an upload's `files` or of a state's `video_infos`."""
    return UploadedFile(
        filename=_read_text(pick(item, "filename", "file_name", "name")),
        file_type=_read_text(pick(item, "file_type", "type")),
        cdn_url=_read_text(pick(item, "cdn_url", "url")),
        duration_s=read_number(pick(item, "duration")),
        width=read_int(pick(item, "width")),
        height=read_int(pick(item, "height")),
        fps=read_number(pick(item, "fps")),
        hash=read_id(pick(item, "hash")),
    )


def parse_credits(body: bytes) -> Credits:
    """Read a balance; whatever of the three is missing follows from the other two.

    Raises:
        BackendConfused: neither the available nor the total credits are in it.
    """
    data = unwrap(body)
    available, frozen, total = (read_int(pick(data, n)) for n in ("available", "frozen", "total"))
    if available is None:
        if total is None:
            raise BackendConfused("The balance holds no figures.")
        available = total - (frozen or 0)
    if frozen is None:
        frozen = 0 if total is None else max(0, total - available)
    return Credits(available, frozen, available + frozen if total is None else total)


def parse_state(body: bytes) -> State:
    """Read a session's state.

    Raises:
        BackendConfused: it is no JSON object.
    """
    data = unwrap(body)
    inner = pick(data, "state")
    state = inner if isinstance(inner, Mapping) else data
    infos = pick(state, "video_infos")
    canvas = pick(state, "canvas_config")
    return State(
        draft=_read_draft(pick(state, "draft")),
        video_infos=infos if isinstance(infos, list) else (),
        canvas_config=canvas if isinstance(canvas, Mapping) and canvas else None,
        generated_media=pick(state, "generated_media") or None,
        session_id=read_id(pick(data, "session_id")),
        user_id=read_id(pick(data, "user_id")) or read_id(pick(state, "user_id")),
    )


def unwrap(body: bytes) -> Mapping[str, Any]:
    """The data of a reply, with or without its envelope.

    Raises:
        BackendConfused: the reply is no JSON object.
    """
    payload = load_json(body)
    if not isinstance(payload, Mapping):
        raise BackendConfused("The reply is not a JSON object.")
    data = payload.get("data")
    if isinstance(data, Mapping):
        return data
    return payload


def pick(source: Mapping[str, Any], *names: str) -> Any:
    """The first value that is not null, under a name or its camelCase form."""
    for name in names:
        for key in (name, to_camel(name)):
            if source.get(key) is not None:
                return source[key]
    return None


def to_camel(name: str) -> str:
    """`session_id` as `sessionId`."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def read_id(value: Any) -> str:
    """An id as a text; empty for what is none, a float among them: it has lost digits."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def read_number(value: Any) -> float | None:
    """A finite number, also from its text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < 1e15 else None


def read_int(value: Any) -> int | None:
    """A whole number, also from its text; a fraction is cut off."""
    number = read_number(value)
    return None if number is None else int(number)


def _read_text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _read_draft(value: Any) -> Mapping[str, Any] | None:
    if isinstance(value, str):
        value = load_json(value)
    return value if isinstance(value, Mapping) and value else None


def _read_time_ms(value: Any) -> int | None:
    number = read_number(value)
    if number is not None:
        return int(number if number > 1e11 else number * 1000)
    text = _read_text(value).strip()
    # Python 3.11 reads a Z but at most six digits of a second's fraction
    text = re.sub(r"(\.\d{6})\d+", r"\1", text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)
