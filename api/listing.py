"""A page of a tenant's jobs. The cursor is opaque to callers: time and id of the last one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from api.cursors import read_cursor, write_cursor
from service.ids import is_id
from service.model.job import Job
from service.store.jobs import JobStore

#: Jobs of one tenant accepted in the same millisecond, at most, that a page's edge may cut apart.
SAME_MS = 16
#: Pages of the store read for one page of a filtered list; then the caller goes on by cursor.
MAX_READS = 10
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """Some jobs, newest first; `next_cursor` is None at the end."""

    jobs: list[Job]
    next_cursor: str | None


def list_jobs(jobs: JobStore, tenant_id: str, query: Mapping[str, Any]) -> Page:
    """Read the page a query asks for.

    Raises:
        InvalidRequest: the cursor is none of ours.
    """
    limit, status = int(query["limit"]), query.get("status")
    after = read_cursor(query["cursor"], is_job_id) if query["cursor"] else None
    found: list[Job] = []
    for _ in range(MAX_READS):
        batch, more = _read_batch(jobs, tenant_id, after, limit)
        for job in batch:
            if status is None or job.status == status:
                found.append(job)
            after = (job.created_ms, job.id)
            if len(found) == limit:
                return Page(found, write_cursor(*after) if more or job is not batch[-1] else None)
        if not more:
            return Page(found, None)
    return Page(found, write_cursor(*after) if after else None)


def _read_batch(
    jobs: JobStore, tenant_id: str, after: tuple[int, str] | None, limit: int
) -> tuple[list[Job], bool]:
    """Jobs strictly after a place in the list, and whether the store may hold more."""
    count = limit + SAME_MS
    before_ms = None if after is None else after[0] + 1
    read = jobs.page(tenant_id, before_ms=before_ms, limit=count)
    rest = [job for job in read if after is None or (job.created_ms, job.id) < after]
    return rest[:limit], len(rest) > limit or len(read) == count


def read_items(
    read: Callable[[int | None, int], list[T]],
    place: Callable[[T], tuple[int, str]],
    *,
    prefix: str,
    cursor: str,
    limit: int,
) -> tuple[list[T], str | None]:
    """One page of any list that the store gives newest first, and the cursor of the next.

    `read` takes a time (milliseconds, exclusive, or none) and how many; `place` is an item's time
    and id, whose prefix is given.

    Raises:
        InvalidRequest: the cursor is none of this list's.
    """
    after = read_cursor(cursor, lambda text: is_id(text, prefix)) if cursor else None
    got = read(None if after is None else after[0] + 1, limit + SAME_MS)
    rest = [item for item in got if after is None or place(item) < after]
    more = len(rest) > limit or len(got) == limit + SAME_MS
    page = rest[:limit]
    return page, write_cursor(*place(page[-1])) if more and page else None


def is_job_id(text: str) -> bool:
    """Whether a text is the id of a job."""
    return is_id(text, "job")
