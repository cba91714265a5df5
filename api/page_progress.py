"""How far a job is, what happens next, and what went wrong: the words of its page. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from api.page_view import PageView
from api.page_words import has_ended, is_number, items, part, say_job


@dataclass(frozen=True, slots=True)
class Stage:
    """A clip that is not ready, or a cut: what it does, what comes next, and when."""

    text: str
    following: str
    at: str
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that failed or waits for a person: what, why, and what to do."""

    unit: str
    code: str
    detail: str
    hint: str
    charged: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """All of it. `live` while the page may change by itself."""

    headline: str
    text: str
    stages: tuple[Stage, ...]
    troubles: tuple[Trouble, ...]
    live: bool


def tell_progress(view: PageView) -> Progress:
    """How far a job is, by what its `state` says."""
    status = str(view.job.get("status", ""))
    live = view.state.get("ask_again_s") is not None or not has_ended(status)
    clips = [each for each in items(view.state, "clips") if each.get("status") != "ready"]
    stages = [_stage(each) for each in (*clips, *items(view.state, "cuts"))]
    return Progress(
        say_job(status),
        str(view.state.get("text") or ""),
        tuple(stages) if live else (),
        tuple(_troubles(view.job)),
        live,
    )


def _stage(unit: Mapping[str, Any]) -> Stage:
    text = str(unit.get("text") or "")
    clip, revision = unit.get("clip"), unit.get("revision", 1)
    where = f"Clip {clip + 1}, " if "label" in unit and is_number(clip) and clip else ""
    where += f"revision {revision}, " if revision != 1 else ""
    share = unit.get("render_progress")
    return Stage(
        f"{where}{text}",
        str(unit.get("next") or ""),
        str(unit.get("next_at") or ""),
        share if is_number(share) else None,
    )


def _troubles(job: Mapping[str, Any]) -> Iterator[Trouble]:
    for unit, each in _units(job):
        error = part(each, "error")
        if error:
            yield Trouble(
                unit,
                str(error.get("code") or ""),
                str(error.get("detail") or ""),
                str(error.get("hint") or ""),
                str(error.get("charged") or ""),
                bool(error.get("retryable")),
            )


def _units(job: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Clips and cuts of a job, with a name for each."""
    clips = items(job, "clips")
    for clip in clips:
        yield f"Clip {int(clip.get('index', 0)) + 1}", clip
    for variant in items(job, "variants"):
        for cut in items(variant, "cuts"):
            unit = f"Variant {variant.get('label')}"
            unit += f", clip {int(cut.get('clip', 0)) + 1}" if len(clips) > 1 else ""
            revision = cut.get("revision", 1)
            yield unit + (f", revision {revision}" if revision != 1 else ""), cut
