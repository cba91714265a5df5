"""What one accept writes, and what comes of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from service.model.documents import write_document
from service.model.job import JobSpec, uploads_of
from service.model.lifecycle import Queue
from service.model.limits import KeyUse


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row to be created with its job. `after` names rows it waits for."""

    row: str
    queue: Queue
    state: str
    doc: str
    account_id: str = ""
    after: tuple[str, ...] = ()
    limit_ms: int = 0
    look_ms: int = 0

    def as_dict(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "row": self.row,
            "queue": self.queue,
            "state": self.state,
            "doc": self.doc,
            "account": self.account_id,
            "after": " ".join(self.after),
            "limit_ms": self.limit_ms,
        }
        if self.look_ms:
            body["look_ms"] = self.look_ms
        return body


@dataclass(frozen=True, slots=True)
class NewJob:
    """Everything that one accept writes."""

    id: str
    tenant_id: str
    account_id: str
    spec: JobSpec
    rows: Sequence[NewRow]
    cuts: int
    event: str
    quota: int
    ttl_ms: int
    idempotency_ttl_ms: int
    warn_ms: int = 86_400_000
    idempotency_key: str = ""
    fingerprint: str = ""
    retry_of: str = ""
    origin: str = ""
    use: KeyUse | None = None
    #: The plan of its experiment in its one form, and its digest.
    plan: tuple[str, str] | None = None

    def as_change(self) -> dict[str, Any]:
        """What `create_job` takes as its change."""
        change: dict[str, Any] = {
            "spec": write_document(self.spec),
            "ttl_ms": self.ttl_ms,
            "warn_ms": self.warn_ms,
            "hooks": self.spec.webhook is not None,
            "cuts": self.cuts,
            "rows": [row.as_dict() for row in self.rows],
            "uploads": uploads_of(self.spec),
            "event": self.event,
        }
        if self.retry_of:
            change["retry_of"] = self.retry_of
        if self.origin:
            change["origin"] = self.origin
        if self.use is not None:
            change["use"] = self.use.as_dict()
        if self.plan is not None:
            change["plan"], change["digest"] = self.plan
        return change


@dataclass(frozen=True, slots=True)
class Accepted:
    """The id of the job, and whether it is an earlier one replayed."""

    job_id: str
    replayed: bool
