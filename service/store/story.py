"""Reading everything the store holds of one job, for whoever asks what happened to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.model.cut import CutDoc
from service.model.documents import read_document
from service.model.lifecycle import RowKind
from service.model.rows import row_kind
from service.store.connection import Connection


@dataclass(frozen=True, slots=True)
class RowSeen:
    """A row as it stands: the engine's fields and its document."""

    row: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class JobSeen:
    """The rows of a job, what was seen of its paid calls (edit id to kind to text), its origin."""

    rows: Sequence[RowSeen]
    evidence: Mapping[str, Mapping[str, str]]
    origin: str = ""


def read_seen(connection: Connection, job_id: str) -> JobSeen:
    """All rows of a job with their evidence, in four exchanges.

    Raises:
        StoreUnavailable: Redis does not answer.
    """
    keys = connection.keys
    names = sorted(connection.read(lambda client: client.smembers(keys.job_rows(job_id))))
    found = _read_all(connection, [keys.row(name) for name in names])
    rows = [RowSeen(name, fields) for name, fields in zip(names, found, strict=True) if fields]
    edits = [edit_id for row in rows for edit_id in _edit_ids(row)]
    kept = _read_all(connection, [keys.evidence(edit_id) for edit_id in edits])
    origin = connection.read(lambda client: client.hget(keys.job(job_id), "origin")) or ""
    return JobSeen(rows, dict(zip(edits, kept, strict=True)), origin)


def _edit_ids(row: RowSeen) -> list[str]:
    if row_kind(row.row) is not RowKind.CUT:
        return []
    intent = read_document(CutDoc, row.fields["doc"]).intent
    return [intent.edit_id] if intent is not None else []


def _read_all(connection: Connection, keys: Sequence[str]) -> list[dict[str, str]]:
    def ask(client: Any) -> Any:
        pipeline = client.pipeline(transaction=False)
        for key in keys:
            pipeline.hgetall(key)
        return pipeline.execute()

    return list(connection.read(ask)) if keys else []
