"""Pages of lists. The cursor is opaque to callers: time and id of the last entry of a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from api.cursors import read_cursor, write_cursor
from api.fields import MAX_METADATA, MAX_METADATA_NAME, MAX_METADATA_VALUE
from service.errors import FieldError, InvalidRequest
from service.ids import is_id
from service.model.job import Job
from service.store.connection import Connection
from service.store.pages import read_page

#: Jobs of one tenant accepted in the same millisecond, at most, that a page's edge may cut apart.
SAME_MS = 16
#: Batches of the store read for one page of a filtered list; then the caller goes on by cursor.
MAX_READS = 10
#: Jobs in a batch of a filtered list, at least.
FILTERED_BATCH = 50
METADATA = "metadata."
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """Some jobs, newest first; `next_cursor` is None at the end."""

    jobs: list[Job]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs are listed: all of it must fit. Times are milliseconds, the later exclusive."""

    statuses: frozenset[str] = frozenset()
    since_ms: int = 0
    before_ms: int | None = None
    name: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)

    def admits(self, job: Job) -> bool:
        """Whether a job is listed; its time of creation the store has looked at."""
        words = job.spec.metadata
        return (
            (not self.statuses or job.status.value in self.statuses)
            and job.spec.name.startswith(self.name)
            and all(words.get(key) == value for key, value in self.metadata.items())
        )

    @property
    def chooses(self) -> bool:
        """Whether it may pass over jobs that the store gives."""
        return bool(self.statuses or self.name or self.metadata)


def read_filter(query: Mapping[str, Any], asked: Iterable[tuple[str, str]]) -> JobFilter:
    """The filter of a checked query; `asked` is the whole query, in which metadata is named.

    Raises:
        InvalidRequest: a `metadata.KEY` cannot be one, or comes twice.
    """
    return JobFilter(
        statuses=frozenset(query.get("status", ())),
        since_ms=query.get("created_after", 0),
        before_ms=query.get("created_before"),
        name=query.get("name", ""),
        metadata=_read_metadata(asked),
    )


def _read_metadata(asked: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    errors: list[FieldError] = []
    for name, value in asked:
        if not name.startswith(METADATA):
            continue
        key = name.removeprefix(METADATA)
        if not 1 <= len(key) <= MAX_METADATA_NAME or len(value) > MAX_METADATA_VALUE:
            errors.append(FieldError("query:/metadata", "is no name or value of metadata"))
        elif key in found:
            errors.append(FieldError("query:/metadata", "names the same entry twice"))
        found[key] = value
    if len(found) > MAX_METADATA:
        errors.append(FieldError("query:/metadata", f"has at most {MAX_METADATA} entries"))
    if errors:
        raise InvalidRequest("The filter by metadata is not valid.", errors)
    return found


def list_jobs(
    connection: Connection, tenant_id: str, *, limit: int, cursor: str, chosen: JobFilter
) -> Page:
    """Read one page; a page of a filtered list may be short, and then has a cursor all the same.

    Raises:
        InvalidRequest: the cursor is none of ours.
    """
    after = read_cursor(cursor, is_job_id) if cursor else None
    size = max(limit, FILTERED_BATCH) if chosen.chooses else limit
    found: list[Job] = []
    for _ in range(MAX_READS):
        batch, more = _read_batch(connection, tenant_id, after, size, chosen)
        for job in batch:
            if chosen.admits(job):
                found.append(job)
            after = (job.created_ms, job.id)
            if len(found) == limit:
                return Page(found, write_cursor(*after) if more or job is not batch[-1] else None)
        if not more:
            return Page(found, None)
    return Page(found, write_cursor(*after) if after else None)


def _read_batch(
    connection: Connection,
    tenant_id: str,
    after: tuple[int, str] | None,
    limit: int,
    chosen: JobFilter,
) -> tuple[list[Job], bool]:
    """Jobs strictly after a place in the list, and whether the store may hold more."""
    count = limit + SAME_MS
    tops = [top for top in (chosen.before_ms, after and after[0] + 1) if top is not None]
    before_ms = min(tops, default=None)
    listed, read = read_page(
        connection, tenant_id, since_ms=chosen.since_ms, before_ms=before_ms, limit=count
    )
    rest = [job for job in read if after is None or (job.created_ms, job.id) < after]
    return rest[:limit], len(rest) > limit or listed == count


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
