"""Later revisions of a job's cuts: one write adds the next, also to a job that has ended."""

from __future__ import annotations

import json
from dataclasses import dataclass

from service.model.cut import CutDoc
from service.model.documents import write_document
from service.model.job import MAX_REVISIONS
from service.model.lifecycle import CutState, Queue
from service.model.limits import KeyUse
from service.store import scripts
from service.store.connection import Connection, Refused
from service.store.refusals import cut_refusal


@dataclass(frozen=True, slots=True)
class NewCut:
    """What a message adds. `event` says `"revision":0`, which the store fills in."""

    tenant_id: str
    job_id: str
    clip: int
    label: str
    wish: str
    event: str
    idempotency_key: str
    fingerprint: str
    idempotency_ttl_ms: int
    limit_ms: int
    look_ms: int
    origin: str = ""
    use: KeyUse | None = None


@dataclass(frozen=True, slots=True)
class AddedCut:
    """The cut that stands for a message, and whether an earlier request is replayed."""

    row: str
    revision: int
    replayed: bool


def add_cut(connection: Connection, new: NewCut, *, now_ms: int) -> AddedCut:
    """Add the next revision: on disk before this returns.

    Raises:
        IdempotencyReused: the key was used with another request.
        Gone: the job has expired.
        Conflict: it is being canceled.
        QuotaExceeded: the cut has as many revisions as it may.
        CreditQuotaExceeded: it could cost more than the key has left of its month.
        StoreUnavailable: Redis has little memory left, which running jobs need.
    """
    doc = CutDoc(new.clip, new.label, revision=0, wish=new.wish)
    change = {
        "queue": Queue.FLOW,
        "state": CutState.QUEUED,
        "doc": write_document(doc),
        "limit_ms": new.limit_ms,
        "look_ms": new.look_ms,
        "event": new.event,
        **({"origin": new.origin} if new.origin else {}),
        **({"use": new.use.as_dict()} if new.use else {}),
    }
    try:
        row, revision, replayed = connection.run(
            scripts.ADD_CUT,
            now_ms,
            new.tenant_id,
            new.job_id,
            new.idempotency_key,
            new.fingerprint,
            new.idempotency_ttl_ms,
            new.clip,
            new.label,
            MAX_REVISIONS,
            json.dumps(change, ensure_ascii=False, separators=(",", ":")),
        )
    except Refused as refused:
        raise cut_refusal(refused, new.use) from None
    return AddedCut(row, int(revision), replayed == "1")


def find_added(
    connection: Connection, tenant_id: str, idempotency_key: str, fingerprint: str
) -> AddedCut | None:
    """The cut that the same request has added before, if any."""
    key = connection.keys.idempotency(tenant_id, idempotency_key)
    names = ("fingerprint", "cut", "revision")
    found, row, revision = connection.read(lambda client: client.hmget(key, *names))
    if found != fingerprint or not row:
        return None
    return AddedCut(row, int(revision), replayed=True)
