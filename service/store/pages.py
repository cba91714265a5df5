"""Jobs by time, for lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from service.model.job import Job
from service.store.connection import Connection
from service.store.jobs import job_of


def read_page(
    connection: Connection,
    tenant_id: str,
    *,
    since_ms: int = 0,
    before_ms: int | None = None,
    limit: int,
) -> tuple[int, list[Job]]:
    """A tenant's jobs, newest first, created from one time (milliseconds) to before another.

    Returns how many are listed, and those of them that still exist; in two exchanges.
    """
    keys = connection.keys
    top = "+inf" if before_ms is None else f"({before_ms}"
    ids: Sequence[str] = connection.read(
        lambda client: client.zrange(
            keys.tenant_jobs(tenant_id),
            top,
            since_ms or "-inf",
            desc=True,
            byscore=True,
            offset=0,
            num=limit,
        )
    )

    def ask(client: Any) -> Any:
        pipeline = client.pipeline(transaction=False)
        for each in ids:
            pipeline.hgetall(keys.job(each))
        return pipeline.execute()

    found = connection.read(ask) if ids else []
    return len(ids), [
        job_of(each, fields) for each, fields in zip(ids, found, strict=True) if fields
    ]
