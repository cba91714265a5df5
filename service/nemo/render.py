"""What the backend says about a render, in any of its documented shapes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from service.nemo.errors import BackendConfused
from service.nemo.json_text import load_json
from service.nemo.wire import pick, read_number


class RenderState(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RenderStatus:
    """Where a render stands. `progress` is 0 to 1; `url` is empty until there is one.

    `completed` without a url is possible: poll once more, then use the fallback download.
    """

    status: RenderState
    progress: float = 0.0
    url: str = ""
    error: str = ""


_WORDS = {
    RenderState.PENDING: ("pending", "queued", "submitted", "created", "accepted", "waiting"),
    RenderState.COMPLETED: (
        "completed", "complete", "done", "success", "succeeded", "finished",
    ),
    RenderState.FAILED: (
        "failed", "failure", "error", "cancelled", "canceled", "aborted", "timeout", "timed_out",
    ),
}  # fmt: skip
_STATES = {word: state for state, words in _WORDS.items() for word in words}


def parse_render(body: bytes) -> RenderStatus:
    """Read the reply of submitting or polling a render.

    A word that is not known means that it is still being worked on.

    Raises:
        BackendConfused: the reply is no JSON object.
    """
    top = load_json(body)
    if not isinstance(top, Mapping):
        raise BackendConfused("The reply about a render is not a JSON object.")
    levels = list(_levels(top))
    url = _resolve_url(top, levels)
    status = _read_status(levels, url)
    error = next((text for level in levels if (text := _read_error(level))), "")
    if status is RenderState.FAILED:
        error = error or "The backend gave no reason."
    return RenderStatus(status, _read_progress(levels, status), url, error[:500])


def tells_status(body: bytes) -> bool:
    """Whether a reply speaks about a render, even if it looks like an error otherwise."""
    top = load_json(body)
    return isinstance(top, Mapping) and any(_word(level) for level in _levels(top))


def find_result_url(body: bytes) -> str:
    """The address of a finished video in a JSON reply; empty when there is none."""
    top = load_json(body)
    return _resolve_url(top, list(_levels(top))) if isinstance(top, Mapping) else ""


def _levels(top: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The innermost `data` first: a gateway's envelope may hold the renderer's own."""
    data = top.get("data")
    if isinstance(data, Mapping):
        inner = data.get("data")
        if isinstance(inner, Mapping):
            yield inner
        yield data
    yield top


def _resolve_url(top: Mapping[str, Any], levels: list[Mapping[str, Any]]) -> str:
    data = levels[0] if levels[0] is not top else {}
    output, outer = data.get("output"), top.get("output")
    candidates = (
        data.get("outputUrl"),
        top.get("outputUrl"),
        output.get("url") if isinstance(output, Mapping) else None,
        outer.get("url") if isinstance(outer, Mapping) else None,
        top.get("output_url"),
        top.get("url"),
        data.get("url"),
        data.get("output_url"),
    )
    return next((url for url in map(_read_url, candidates) if url), "")


def _read_url(value: Any) -> str:
    is_url = isinstance(value, str) and value.lower().startswith(("https://", "http://"))
    return value if is_url else ""


def _read_status(levels: list[Mapping[str, Any]], url: str) -> RenderState:
    word = next((word for level in levels if (word := _word(level))), "")
    if not word:
        return RenderState.COMPLETED if url else RenderState.PENDING
    return _STATES.get(word, RenderState.PROCESSING)


def _word(level: Mapping[str, Any]) -> str:
    word = pick(level, "status", "state")
    return word.strip().lower() if isinstance(word, str) else ""


def _read_progress(levels: list[Mapping[str, Any]], status: RenderState) -> float:
    if status is RenderState.COMPLETED:
        return 1.0
    value = next((v for level in levels if (v := pick(level, "progress")) is not None), None)
    number = read_number(value.strip().rstrip("%") if isinstance(value, str) else value) or 0.0
    # a whole 1 of a running render is one of a hundred, a 1.0 may be all of it
    share = number / 100 if number > 1 or isinstance(value, int) else number
    return min(1.0, max(0.0, share))


def _read_error(level: Mapping[str, Any]) -> str:
    error = pick(level, "error", "error_message")
    if isinstance(error, Mapping):
        error = error.get("message")
    return error if isinstance(error, str) else ""
