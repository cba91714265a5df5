"""Which Redis counts outcomes: another one, or one that has come back empty, is not counted into.

Its id lies in both, and is `main` where the main one counts. What an operator does about it is in
docs/operations.md.
"""

from __future__ import annotations

import uuid

from service.errors import StoreUnavailable
from service.store.connection import Connection

#: What is noted where the main one counts: processes that are told of another later would not find
#: what it has counted.
_MAIN = "main"
UNKNOWN = (
    "Redis: the one that counts outcomes is not the one that has counted so far, or is empty now."
)


def require_known(counting: Connection, main: Connection) -> None:
    """See that outcomes are counted where they were counted before; the first time notes where.

    Without this, a wrong address or an empty disk would end every experiment as lost, for good.

    Raises:
        StoreUnavailable: they are not, or one of the two does not answer.
    """
    if _is_noted(counting, main):
        return
    own = _MAIN if counting is main else _note(counting, uuid.uuid4().hex)
    if _note(main, own) != own:
        raise StoreUnavailable(UNKNOWN)


def check_known(counting: Connection, main: Connection) -> None:
    """The same for whoever only looks: notes nothing."""
    _is_noted(counting, main)


def _is_noted(counting: Connection, main: Connection) -> bool:
    """Whether the main Redis knows the other; false while it knows none."""
    key = main.keys.counting_id
    # In this order: who notes it writes the main one last.
    noted = main.read(lambda client: client.get(key))
    own = _MAIN if counting is main else counting.read(lambda client: client.get(key))
    if noted is not None and own != noted:
        raise StoreUnavailable(UNKNOWN)
    return noted is not None


def _note(connection: Connection, name: str) -> str:
    """Write an id unless there is one; the one that is there then."""
    key = connection.keys.counting_id
    connection.read(lambda client: client.set(key, name, nx=True))
    return str(connection.read(lambda client: client.get(key)))
