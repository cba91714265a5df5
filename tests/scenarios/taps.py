"""Taps on the engine: a play hears of every call to the backend and of every commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from service.store.commands import Commands

if TYPE_CHECKING:
    from tests.scenarios.runner import Play


class TappedNemo:
    """A backend client that tells the play of every call."""

    def __init__(self, nemo: Any, play: Play) -> None:
        self._nemo, self._play = nemo, play

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._nemo, name)
        if not callable(found):
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            self._play.before(name)
            if hear := kwargs.get("on_event"):
                kwargs["on_event"] = lambda event: (self._play.follow(), hear(event))
            if name == "submit_render":
                self._play.submits(kwargs["draft"])
            hushed = name == "converse" and self._play.is_hushed()
            try:
                answer = (self._play.converse if hushed else found)(*args, **kwargs)
            finally:
                self._play.follow()
            self._play.after(name)
            return answer

        return call


def tap_commits(commands: Commands, play: Play) -> Commands:
    """The store's commands, with a word to the play after every commit."""
    commit = commands.commit

    def commit_and_tell(claim: Any, change: Any, *, now_ms: int) -> bool:
        canceled = commit(claim, change, now_ms=now_ms)
        if claim.row.startswith("cut:"):
            play.committed(change.state)
        return canceled

    commands.commit = commit_and_tell  # type: ignore[method-assign]
    return commands
