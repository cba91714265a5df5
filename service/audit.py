"""Who has administered what: one list for the whole installation, only ever added to.

An entry names the act, who did it, and the thing it was done to; it never holds a secret. The list
is bounded in length: the oldest entries leave it. Each is a log line as well.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from service.errors import StoreUnavailable
from service.store.connection import Connection

#: Entries kept, at least; Redis drops older ones in blocks of some hundred.
KEPT_ENTRIES = 10_000
#: Entries read at once while looking for those of one tenant.
_BATCH = 1_000
#: The actor of what is done with direct access to the store.
COMMAND_LINE = "command line"
_log = logging.getLogger("caption_ab.audit")


class Act(StrEnum):
    """What can be done to an installation, as `<thing>.<what was done>`."""

    TENANT_CREATED = "tenant.created"
    KEY_CREATED = "key.created"
    KEY_REVOKED = "key.revoked"
    KEY_ROTATED = "key.rotated"
    TOKEN_ATTACHED = "token.attached"  # noqa: S105  an act, not a secret
    TOKEN_DETACHED = "token.detached"  # noqa: S105  an act, not a secret
    SECRET_ROTATED = "webhook_secret.rotated"  # noqa: S105  an act, not a secret
    ENDPOINT_CREATED = "endpoint.created"
    ENDPOINT_CHANGED = "endpoint.changed"
    ENDPOINT_DELETED = "endpoint.deleted"
    RETENTION_CHANGED = "retention.changed"
    JOB_DELETED = "job.deleted"
    UPLOAD_DELETED = "upload.deleted"
    SHARE_CREATED = "share.created"
    SHARE_REVOKED = "share.revoked"
    PUBLIC_KEY_CREATED = "public_key.created"
    PUBLIC_KEY_REVOKED = "public_key.revoked"


@dataclass(frozen=True, slots=True)
class Entry:
    """One act. `id` sorts by time; `actor` is the id of a key, or `command line`."""

    id: str
    at_ms: int
    act: str
    actor: str
    tenant_id: str
    object_id: str


def record(
    connection: Connection, act: Act, *, actor: str, tenant_id: str, object_id: str, now_ms: int
) -> None:
    """Add an entry after an act has been done; never fails it.

    While Redis does not take the entry, the log line is all there is of it.
    """
    entry = {"act": act.value, "actor": actor, "tenant": tenant_id, "object": object_id}
    written = {"at": now_ms, **entry}
    key = connection.keys.audit
    try:
        connection.read(
            lambda client: client.xadd(key, written, maxlen=KEPT_ENTRIES, approximate=True)
        )
    except StoreUnavailable:
        _log.exception("audit_unwritten", extra=entry)
    else:
        _log.info("audit", extra=entry)


def read_entries(
    connection: Connection, *, tenant_id: str | None, before: str, limit: int
) -> list[Entry]:
    """The newest entries first: all of them, or one tenant's; `before` is an id, or empty."""
    found: list[Entry] = []
    while len(found) < limit:
        batch = _read_batch(connection, before)
        found += [each for each in batch if tenant_id is None or each.tenant_id == tenant_id]
        if len(batch) < _BATCH:
            break
        before = batch[-1].id
    return found[:limit]


def _read_batch(connection: Connection, before: str) -> Sequence[Entry]:
    top = f"({before}" if before else "+"
    key = connection.keys.audit
    rows: Any = connection.read(lambda client: client.xrevrange(key, top, "-", count=_BATCH))
    return [
        Entry(row, int(got["at"]), got["act"], got["actor"], got["tenant"], got["object"])
        for row, got in rows
    ]
