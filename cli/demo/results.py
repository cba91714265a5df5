"""What the demo leaves behind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli.client import Client
from cli.comparison import fetch_comparison
from cli.interrupt import Interrupt
from cli.jobs import download_results
from cli.terminal import Screen

FILES = {
    "A.mp4": "the first variant",
    "B.mp4": "the second one",
    "side-by-side.mp4": "both at once",
    "contact-sheet.jpg": "A above B, one column per caption",
    "report.html": "the comparison, to be opened in a browser",
    "page.png": "the page of the job, with the verdict of the experiment",
    "verdict.json": "that verdict",
    "snapshot.json": "what it is made from: caption-ab verdict --from demo-output/snapshot.json",
    "job.json": "the job as the API tells it",
    "webhooks.jsonl": "the webhooks that came, with their signatures",
}
#: What is kept of the pictures of a comparison.
_PICTURES = {"side_by_side": "side-by-side.mp4", "contact_sheet": "contact-sheet.jpg"}


def remove_old(folder: Path) -> None:
    """Remove what an earlier demo left, and nothing else."""
    for name in FILES:
        (folder / name).unlink(missing_ok=True)


def fetch_results(
    client: Client, job: Mapping[str, Any], folder: Path, interrupt: Interrupt
) -> None:
    """Fetch the videos, the pictures that show both, and the comparison, which is printed too.

    Raises:
        Problem: the API refuses, or cannot be reached.
        Interrupted: the user asked to stop.
    """
    text = json.dumps(client.job(job["id"]), ensure_ascii=False, indent=1)
    (folder / "job.json").write_text(text, encoding="utf-8")
    download_results(client, job, folder, lambda _: interrupt.check())
    report = client.comparison(job["id"]) or {}
    for clip in (report.get("clips") or ())[:1]:
        for each in (clip.get("pictures") or {}).get("files") or ():
            if each["name"] in _PICTURES:
                target = folder / _PICTURES[each["name"]]
                client.download(each["url"], target, lambda _: interrupt.check())
    fetch_comparison(client, job, folder, Screen())
