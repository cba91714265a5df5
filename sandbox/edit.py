"""Applies a plan to a session, and puts into words what was done."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.agent import Kind, Plan
from sandbox.cues import Cue, time_script
from sandbox.draft import build_draft, join_drafts
from sandbox.sessions import Asset, Session
from sandbox.style import Style, resolve


@dataclass(frozen=True, slots=True)
class Edit:
    """What an applied plan changed."""

    filename: str
    cues: int = 0
    preset: str = ""


def apply_plan(
    session: Session,
    plan: Plan,
    seen: Mapping[str, tuple[tuple[Cue, ...], Style]],
    *,
    joins: bool = False,
    obeys: bool = True,
) -> Edit | None:
    """Changes the session; None when nothing could be done. Call with the session's lock held.

    `joins`: clips share one timeline. `obeys`: what was added unasked goes if the message says so.

    Works on what the run saw when it started: of two overlapping runs the later one wins (ADK).
    """
    if plan.kind is Kind.GENERATE:
        session.generated.append({"id": f"gen_{secrets.token_hex(4)}", "type": "video"})
        return Edit("generated media")
    strips = plan.strips and obeys and bool(session.extras)
    asset = _asset(session, plan)
    captions = _captions(plan, asset, seen) if asset else None
    if strips:
        session.extras.clear()
    if asset is None or captions is None:
        if strips:
            compose(session, joins=joins)
        return Edit(session.current) if strips else None
    session.captions = {**seen, asset.filename: captions}
    session.current = asset.filename
    session.resolution = plan.resolution or ""
    compose(session, joins=joins)
    return Edit(asset.filename, len(captions[0]), captions[1].preset)


def compose(session: Session, *, joins: bool) -> None:
    """Builds the session's draft anew; call with its lock held and a video uploaded."""
    files = {asset.filename: asset for asset in session.videos()}
    if not session.current:
        session.current = next(reversed(files))
    if not joins:
        session.timeline = []
    if session.current not in session.timeline:
        session.timeline.append(session.current)
    drafts = [
        build_draft(
            files[name].source(),
            *session.captions.get(name, ((), None)),
            title=session.task_name,
        )
        for name in session.timeline
    ]
    draft = join_drafts(drafts) if len(drafts) > 1 else drafts[0]
    if session.resolution:
        draft["m"]["resolution"] = session.resolution
    draft["t"] += session.extras.values()
    session.draft = draft


def _captions(
    plan: Plan, asset: Asset, seen: Mapping[str, tuple[tuple[Cue, ...], Style]]
) -> tuple[tuple[Cue, ...], Style] | None:
    duration_ms, before = asset.source().duration_ms, seen.get(asset.filename)
    if plan.kind is Kind.CAPTION:
        cues = plan.cues or time_script(plan.script, duration_ms)
        style = resolve(plan.overrides)
    elif before is not None and plan.kind is Kind.RESTYLE:
        cues, style = before[0], resolve(plan.overrides, base=before[1])
    else:
        return None
    shown = tuple(cue for cue in cues if cue.start_ms < duration_ms)
    return (shown, style) if shown else None


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
