"""What the page of a job is drawn from: values only, the same for a session and a share link.

`render_job_page(PageView) -> str` turns it into HTML. Everything in it may be shown to whoever
looks: what a viewer with a share link must not see has been taken out before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from service.experiments.looks import Point
from service.experiments.plan import Plan


@dataclass(frozen=True, slots=True)
class PageRights:
    """What the viewer may do besides looking. `owner` came with a key, not with a share link."""

    owner: bool = False
    may_prefer: bool = False
    may_cancel: bool = False


@dataclass(frozen=True, slots=True)
class ShownExperiment:
    """A job's experiment as whoever looks may see it.

    `access` is `shown`, `hidden` (the link asks for an opinion that nothing should sway) or `away`
    (its counters could not be read); in the last two nothing else is told. `status` is `waiting`,
    `running`, `decided` or `dropped`. `verdict` is the document of the verdict, frozen or of now;
    empty while the experiment waits. `looks` are the points of its history, oldest first. `counted`
    are the units of each variant by now, in the plan's order: more than those of the verdict where
    that is frozen. `key` is a publishable key, with which its owner sees what a viewer sees; empty
    where there is none, and for others. Times are milliseconds of Unix time, 0 where it has not
    come to that.
    """

    access: str = "shown"
    status: str = ""
    plan: Plan | None = None
    verdict: Mapping[str, Any] = field(default_factory=dict)
    looks: Sequence[Point] = ()
    counted: Sequence[int] = ()
    attached_ms: int = 0
    started_ms: int = 0
    decided_ms: int = 0
    key: str = ""


@dataclass(frozen=True, slots=True)
class PageView:
    """One job as one viewer sees it.

    `job` is the job resource (`service.jobs.view.job_data`) without what the viewer must not see;
    every `video.url` in it is below `base` and carries `query`. `report` is the full comparison,
    None until there is one; the `url` of its pictures is changed likewise. `base` is
    `/jobs/<job>`. `query` is empty or `share=<token>`, and is part of every address that the page
    names: use `address`. `state` is what `{base}/state` answers (see `api.page_state`).
    `preferences` is what `{base}/preferences` answers: counts by clip and pair. `csrf` goes with
    every form as the hidden field `csrf`; it is empty for a share link. `story` are the lines of
    the job's story, for owners only. `notice` is what a form has led to, in words, or empty.
    `experiment` is None where the job has none.
    """

    job: Mapping[str, Any]
    report: Mapping[str, Any] | None
    base: str
    query: str
    now_ms: int
    rights: PageRights
    csrf: str = ""
    state: Mapping[str, Any] = field(default_factory=dict)
    preferences: Mapping[str, Any] = field(default_factory=dict)
    story: Sequence[Mapping[str, Any]] = ()
    notice: str = ""
    experiment: ShownExperiment | None = None

    def address(self, path: str = "", **values: object) -> str:
        """An address below the job's page; `path` begins with `/` or is empty. Not escaped."""
        asked = urlencode({name: value for name, value in values.items() if value is not None})
        query = "&".join(each for each in (asked, self.query) if each)
        return f"{self.base}{path}{'?' + query if query else ''}"

    def video(
        self, label: str, clip: int, revision: int | None = None, *, download: bool = False
    ) -> str:
        """Where a variant's video of a clip is; without a revision, of the latest that is there."""
        path = f"/video/{quote(label, safe='')}"
        return self.address(
            path, clip=clip, revision=revision, download="true" if download else None
        )

    def picture(self, clip: int, name: str) -> str:
        """Where a picture of the comparison is, by its name in the report."""
        return self.address(f"/pictures/{clip}/{quote(name, safe='')}")
