"""A comparison on the terminal: its verdict in words, and a table of what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.client import Client
from cli.terminal import say

Report = Mapping[str, Any]
_CONTROLLED = {
    True: "Only the captions differ.",
    False: "More than the captions differs:",
    None: "Whether only the captions differ is not known.",
}


def fetch_comparison(client: Client, job: Report, folder: Path, console: Console) -> Path | None:
    """Print the comparison of an ended job, and keep its page as one file; where that is.

    Raises:
        Problem: the API refuses, or cannot be reached.
    """
    report = client.comparison(job["id"])
    if report is None:
        return None
    show_comparison(report, console)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "report.html"
    client.download(f"/v1/jobs/{job['id']}/comparison/report.html", target, lambda _: None)
    say(f"Report: {target}")
    return target


def show_comparison(report: Report, console: Console) -> None:
    """Print what a full report says: the verdict, whether it is controlled, each clip's figures."""
    verdict = report.get("verdict")
    if verdict:
        console.print(Text(verdict["text"], style="bold"))
        for caveat in verdict.get("caveats") or ():
            console.print(Text(f"  {caveat}", style="yellow"))
    clips = report.get("clips") or ()
    for clip in clips:
        heading = f"Clip {clip['clip'] + 1}: " if len(clips) > 1 else ""
        for line in tell_control(clip):
            console.print(Text(heading + line))
        table = draw_table(clip, heading)
        if table is not None:
            console.print(table)


def tell_control(clip: Report) -> Iterator[str]:
    """Whether only the captions differ between a clip's videos, and what else does."""
    if clip.get("reason"):
        yield f"It could not be compared: {clip['reason']}"
        return
    yield _CONTROLLED[clip.get("controlled")]
    control = clip.get("control") or {}
    for each in control.get("differences") or ():
        yield f"  {', '.join(each['variants'])}: {each['detail']}"
    for text in control.get("unsure") or ():
        yield f"  not sure: {text}"


def draw_table(clip: Report, title: str = "") -> Table | None:
    """A row for each measure and a column for each variant; none where nothing was measured."""
    measures: Mapping[str, Report] = clip.get("measures") or {}
    if not measures:
        return None
    labels = [label for label in clip["variants"] if label in measures]
    table = Table(title=title or None, title_justify="left")
    table.add_column("legibility")
    for label in labels:
        table.add_column(label, justify="right")
    for name, read in _ROWS:
        cells = [_cell(read, measures[label]) for label in labels]
        if any(cells):
            table.add_row(name, *(cell or "-" for cell in cells))
    return table


def _cell(read: Callable[[Report], str | None], measures: Report) -> str:
    try:
        return read(measures) or ""
    except (KeyError, TypeError, ValueError):
        return ""  # this variant's was not measured


def _score(measures: Report) -> str | None:
    score = measures["score"]
    doubt = "" if score.get("confident", True) else " ?"
    return f"{score['value']:.0f} of 100{doubt}"


def _cues(measures: Report) -> str:
    cues = measures["cues"]
    parts = [f"{cues['measured']} measured"]
    parts += [f"{cues['invisible']} invisible"] if cues["invisible"] else []
    parts += [f"{cues['flagged']} unsure"] if cues["flagged"] else []
    return ", ".join(parts)


def _platforms(measures: Report) -> str | None:
    fitting = [each for each in measures["platforms"] if each["right_shape"]]
    if not fitting:
        return None
    hit = [each["label"] for each in fitting if not each["fits"]]
    return f"covered on {', '.join(hit)}" if hit else "clear"


_ROWS: tuple[tuple[str, Callable[[Report], str | None]], ...] = (
    ("score", _score),
    ("contrast, median", lambda of: f"{of['contrast']['median']:.1f} : 1"),
    ("contrast, weakest tenth", lambda of: f"{of['contrast']['weakest']:.1f} : 1"),
    ("below 4.5 : 1", lambda of: f"{of['contrast']['below_4_5']:.0%}"),
    ("below 3 : 1", lambda of: f"{of['contrast']['below_3']:.0%}"),
    ("height of lines", lambda of: f"{of['text_height']['percent']:.1f} %"),
    ("characters a second, most", lambda of: f"{of['timing']['cps_highest']:.1f}"),
    ("characters a line, as sent", lambda of: str(of["timing"]["line_chars_most"])),
    ("lines, as sent", lambda of: str(of["timing"]["lines_most"])),
    ("buttons of platforms", _platforms),
    ("captions", _cues),
)
