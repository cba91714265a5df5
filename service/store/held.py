"""Writes of whoever holds a row: one that has lost it writes nothing."""

from __future__ import annotations

from service.errors import StoreError, StoreRefused
from service.store.connection import Connection, Refused
from service.store.scripts import Refusal, Script


class LeaseLost(StoreRefused):
    """Another worker has taken this row; nothing was written."""

    code = "lease_lost"


def run_held(connection: Connection, script: Script, now_ms: int, *args: str | int) -> list[str]:
    """Run a command on a row, whose name is the first argument.

    Raises:
        LeaseLost: somebody else has the row; nothing was written.
        Refused: there are too few credits, or they are over a limit.
    """
    try:
        return connection.run(script, now_ms, *args)
    except Refused as refused:
        if refused.refusal in {Refusal.GONE, Refusal.ENDED, Refusal.FENCED}:
            raise LeaseLost(f"{args[0]}: {refused.refusal.name}") from None
        if refused.refusal in {Refusal.CREDITS, Refusal.LIMIT}:
            raise
        raise StoreError(f"{script.name} {args[0]}: {refused.refusal.name}") from None
