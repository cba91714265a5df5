"""How far many jobs are, and what has happened to them since: for whoever listens to them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.model.lifecycle import JobStatus
from service.store.connection import Connection


@dataclass(frozen=True, slots=True)
class Standing:
    """A job's status and the sequence of its latest event."""

    status: JobStatus
    sequence: int


def read_standings(connection: Connection, job_ids: Sequence[str]) -> dict[str, Standing]:
    """Those of some jobs that exist, in one exchange.

    Raises:
        StoreUnavailable: Redis does not answer.
    """

    def ask(client: Any) -> Any:
        pipeline = client.pipeline(transaction=False)
        for job_id in job_ids:
            pipeline.hmget(connection.keys.job(job_id), "status", "sequence")
        return pipeline.execute()

    found = connection.read(ask) if job_ids else []
    return {
        job_id: Standing(JobStatus(status), int(sequence))
        for job_id, (status, sequence) in zip(job_ids, found, strict=True)
        if status
    }


def read_bodies(connection: Connection, after: Mapping[str, int]) -> dict[str, list[str]]:
    """The frozen bodies of some jobs' events behind a sequence of each, in one exchange.

    Raises:
        StoreUnavailable: Redis does not answer.
    """

    def ask(client: Any) -> Any:
        pipeline = client.pipeline(transaction=False)
        for job_id, sequence in after.items():
            pipeline.lrange(connection.keys.job_events(job_id), sequence, -1)
        return pipeline.execute()

    found = connection.read(ask) if after else []
    return dict(zip(after, found, strict=True))
