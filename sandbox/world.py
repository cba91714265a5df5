"""Everything one sandbox holds, built once and handed to the routes."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.accounts import Accounts
from sandbox.agenda import Agenda
from sandbox.board import SwitchBoard
from sandbox.books import Books
from sandbox.clock import SandboxClock
from sandbox.config import SandboxConfig
from sandbox.faults import Faults
from sandbox.link import Links
from sandbox.render import Renders
from sandbox.sessions import Sessions


@dataclass(frozen=True, slots=True)
class World:
    """The parts of one running sandbox; `stopping` is set once it ends."""

    config: SandboxConfig
    clock: SandboxClock
    agenda: Agenda
    board: SwitchBoard
    faults: Faults
    books: Books
    accounts: Accounts
    sessions: Sessions
    renders: Renders
    uploads: Path
    links: Links = field(default_factory=Links)
    stopping: threading.Event = field(default_factory=threading.Event)

    def clear(self) -> None:
        """Forgets accounts, sessions, renders and all that was to happen; files stay on disk."""
        self.agenda.clear()
        self.sessions.clear()
        self.renders.clear()
        self.accounts.clear()


def build_world(config: SandboxConfig) -> World:
    """Builds a sandbox's parts and its folders below `config.data`."""
    uploads = config.data / "uploads"
    uploads.mkdir(parents=True, exist_ok=True)
    clock = SandboxClock()
    board = SwitchBoard(config.switches, lambda switches: clock.set_mode(switches.clock))
    sessions = Sessions(clock, board)
    return World(
        config=config,
        clock=clock,
        agenda=Agenda(clock),
        board=board,
        faults=Faults(config.seed),
        books=Books(),
        accounts=Accounts(clock, board),
        sessions=sessions,
        renders=Renders(config, clock, sessions),
        uploads=uploads,
    )
