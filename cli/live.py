"""Progress on the terminal: a live table where there is one, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from rich.console import Console
from rich.live import Live
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

from cli.client import Progress as Advance
from cli.jobs import Changes, units
from cli.terminal import say, size_text

_COLOURS = {
    "succeeded": "green",
    "ready": "green",
    "failed": "red",
    "expired": "red",
    "partial": "yellow",
    "canceled": "yellow",
    "action_required": "yellow",
}


class View(Protocol):
    """Shows a job."""

    def look(self, job: Mapping[str, Any]) -> None: ...


class Lines:
    """One line each time something has changed."""

    def __init__(self) -> None:
        self._changes = Changes()

    def look(self, job: Mapping[str, Any]) -> None:
        for seen in self._changes.since_last(job):
            note = f"  ({seen.note})" if seen.note else ""
            say(f"{seen.at_s:7.1f} s  {seen.what:<6} {seen.status}{note}")


class LiveTable:
    """A table that is drawn anew at each look."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def look(self, job: Mapping[str, Any]) -> None:
        table = Table(title=f"{job['id']}  {job['status']}", title_justify="left")
        for heading in ("", "state", ""):
            table.add_column(heading)
        for what, status, note in list(units(job))[1:]:
            table.add_row(what, Text(status, style=_COLOURS.get(status, "cyan")), Text(note))
        self._live.update(table)


@contextlib.contextmanager
def job_view(console: Console) -> Iterator[View]:
    """A view that fits where standard output goes."""
    if not sys.stdout.isatty():
        yield Lines()
        return
    with Live(console=console, refresh_per_second=8) as live:
        yield LiveTable(live)


@contextlib.contextmanager
def byte_progress(console: Console, text: str, total: int) -> Iterator[Advance]:
    """Shows how many bytes have gone; a line at the start where there is no terminal."""
    if not sys.stdout.isatty():
        say(f"{text} ({size_text(total)})" if total else text)
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, TransferSpeedColumn(), console=console, transient=True) as bars:
        task = bars.add_task(text, total=total or None)
        yield lambda amount: bars.advance(task, amount)


@contextlib.contextmanager
def row_progress(text: str, total: int) -> Iterator[Advance]:
    """Shows how many rows have gone, where there is a terminal; elsewhere nothing."""
    if not sys.stdout.isatty():
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, transient=True) as bars:
        task = bars.add_task(text, total=total)
        yield lambda amount: bars.advance(task, amount)
