"""Everything one sandbox holds, built once and handed to the routes."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.accounts import Accounts
from sandbox.books import Books
from sandbox.config import SandboxClock, SandboxConfig
from sandbox.link import Links
from sandbox.render import Renders
from sandbox.sessions import Sessions
from sandbox.switches import SwitchBoard


@dataclass(frozen=True, slots=True)
class World:
    """The parts of one running sandbox; `stopping` is set once it ends."""

    config: SandboxConfig
    clock: SandboxClock
    board: SwitchBoard
    books: Books
    accounts: Accounts
    sessions: Sessions
    renders: Renders
    uploads: Path
    links: Links = field(default_factory=Links)
    stopping: threading.Event = field(default_factory=threading.Event)


def build_world(config: SandboxConfig) -> World:
    """Builds a sandbox's parts and its folders below `config.data`."""
    uploads = config.data / "uploads"
    uploads.mkdir(parents=True, exist_ok=True)
    clock, board = SandboxClock(), SwitchBoard(config.switches)
    sessions = Sessions(clock)
    return World(
        config=config,
        clock=clock,
        board=board,
        books=Books(),
        accounts=Accounts(clock, board),
        sessions=sessions,
        renders=Renders(config, clock, sessions),
        uploads=uploads,
    )
