"""What the demo leaves behind, and the pictures that put A and B next to each other."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from cli.children import Child
from cli.interrupt import Interrupt
from cli.terminal import say
from service.errors import StartupError

FILES = {
    "A.mp4": "the first variant",
    "B.mp4": "the second one",
    "side-by-side.mp4": "both at once",
    "contact-sheet.jpg": "A above B, one column per caption",
    "job.json": "the job as the API tells it",
    "webhooks.jsonl": "the webhooks that came, with their signatures",
}


def remove_old(folder: Path) -> None:
    """Remove what an earlier demo left, and nothing else."""
    for name in FILES:
        (folder / name).unlink(missing_ok=True)


def make_pictures(
    folder: Path,
    captions: Path | None,
    *,
    env: Mapping[str, str],
    log: Path,
    interrupt: Interrupt,
) -> None:
    """Make `side-by-side.mp4` and `contact-sheet.jpg` of the folder's A and B.

    Raises:
        StartupError: they could not be made.
        Interrupted: the user asked to stop.
    """
    say("Putting A and B next to each other ...")
    videos = [str(folder / f"{label}.mp4") for label in "AB"]
    argv = [sys.executable, "-m", "cli.demo.pictures", *videos, str(folder)]
    argv += [str(captions)] if captions else []
    child = Child("pictures", argv, env, log, is_ready=lambda _: True)
    child.start()
    try:
        while child.running:
            interrupt.wait(0.1)
    finally:
        child.stop()
    if child.process is None or child.process.returncode:
        raise StartupError(f"The pictures could not be made.\n{child.last_lines()}")
