"""The second stage: music and a title that the backend adds by itself, some time later."""

from __future__ import annotations

from random import Random

from sandbox.draft import music_track, title_track
from sandbox.edit import compose
from sandbox.sessions import Session
from sandbox.style import PRESETS
from sandbox.world import World

_MUSIC = ("Upbeat Morning", "Slow Evening", "City Drive")


def plan_stage(world: World, session: Session, *, after: str, unasked: bool = False) -> None:
    """Plans the second stage of an `edit` or `upload`, if the switches want one.

    `unasked`: the agent was told to change captions only and does not obey; then there is music at
    once where no second stage is set.
    """
    switches = world.board.of(session.session_id)
    kinds = ("bgm", "title") if switches.two_stage == "both" else (switches.two_stage,)
    if switches.two_stage == "none":
        if unasked:
            add_stage(world, session, ("bgm",))
        return
    if not unasked and switches.two_stage_on not in {after, "both"}:
        return
    chance = Random(f"{world.config.seed}:stage:{session.ordinal}")  # noqa: S311 - a die, no secret
    if chance.random() < switches.two_stage_rate:
        due_s = world.clock.running_s() + switches.two_stage_s
        world.agenda.add(due_s, lambda: add_stage(world, session, kinds))


def add_stage(world: World, session: Session, kinds: tuple[str, ...]) -> None:
    """Adds music or a title to a session's draft, each once; nothing where there is no video."""
    joins = world.board.of(session.session_id).batch == "join"
    chance = Random(f"{world.config.seed}:music:{session.ordinal}")  # noqa: S311 - a die, no secret
    with session.lock:
        videos = session.videos()
        if not videos:
            return
        current = [a for a in videos if a.filename == session.current] or videos
        duration_ms = current[-1].source().duration_ms
        if "bgm" in kinds:
            session.extras["bgm"] = music_track(chance.choice(_MUSIC), duration_ms)
        if "title" in kinds:
            title = title_track(session.task_name, duration_ms, PRESETS["plain"])
            session.extras["title"] = title
        compose(session, joins=joins)
