"""Applies a plan to a session, and puts into words what was done."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.agent import Kind, Plan
from sandbox.cues import Cue, time_script
from sandbox.draft import build_draft
from sandbox.sessions import Asset, Session
from sandbox.style import Style, resolve


@dataclass(frozen=True, slots=True)
class Edit:
    """What an applied plan changed."""

    filename: str
    cues: int = 0
    preset: str = ""


def apply_plan(
    session: Session, plan: Plan, seen: Mapping[str, tuple[tuple[Cue, ...], Style]]
) -> Edit | None:
    """Changes the session; None when nothing could be done. Call with the session's lock held.

    Works on what the run saw when it started: of two overlapping runs the later one wins (ADK).
    """
    if plan.kind is Kind.GENERATE:
        session.generated.append({"id": f"gen_{secrets.token_hex(4)}", "type": "video"})
        return Edit("generated media")
    asset = _asset(session, plan)
    if asset is None:
        return None
    source = asset.source()
    before = seen.get(asset.filename)
    if plan.kind is Kind.CAPTION:
        cues = plan.cues or time_script(plan.script, source.duration_ms)
        style = resolve(plan.overrides)
    elif before is not None:
        cues, style = before[0], resolve(plan.overrides, base=before[1])
    else:
        return None
    cues = tuple(cue for cue in cues if cue.start_ms < source.duration_ms)
    if not cues:
        return None
    session.captions = {**seen, asset.filename: (cues, style)}
    session.current = asset.filename
    draft = build_draft(source, cues, style, title=session.task_name)
    if plan.resolution:
        draft["m"]["resolution"] = plan.resolution
    session.draft = draft
    return Edit(asset.filename, len(cues), style.preset)


def answer_text(plan: Plan, edit: Edit | None) -> str:
    """Writes the agent's closing words."""
    match plan.kind:
        case Kind.EXPORT_WORDS:
            return "Your timeline is ready. Click the Export button to download the video."
        case Kind.NO_CAPTIONS:
            return (
                "I cannot transcribe speech here, so I changed nothing. Please send the captions "
                "as SRT, WebVTT or a plain script."
            )
        case Kind.TALK:
            return "I did not find an editing task in this message, so I changed nothing."
        case _ if edit is None:
            return (
                "I could not find a matching video or any caption within it, so I changed nothing."
            )
        case Kind.GENERATE:
            return "I generated a clip and put it into your media panel."
        case Kind.CAPTION | Kind.RESTYLE:
            return (
                f"Done: {edit.cues} captions in {edit.filename}, {edit.preset} style. "
                "Click the Export button when you are ready."
            )


def _asset(session: Session, plan: Plan) -> Asset | None:
    videos = session.videos()
    if plan.filename:
        named = [asset for asset in videos if asset.filename == plan.filename]
        if named:
            return named[-1]
        return videos[-1] if len(videos) == 1 else None
    current = [asset for asset in videos if asset.filename == session.current]
    if plan.kind is Kind.RESTYLE and current:
        return current[-1]
    return videos[-1] if videos else None
