"""What the demo leaves behind, and the pictures that put A and B next to each other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cli.terminal import say

FILES = {
    "A.mp4": "the first variant",
    "B.mp4": "the second one",
    "side-by-side.mp4": "both at once",
    "contact-sheet.png": "A above B, one column per caption",
    "job.json": "the job as the API tells it",
    "webhooks.jsonl": "the webhooks that came, with their signatures",
}


def remove_old(folder: Path) -> None:
    """Remove what an earlier demo left, and nothing else."""
    for name in FILES:
        (folder / name).unlink(missing_ok=True)


def make_pictures(
    videos: Mapping[str, Path], captions: Mapping[str, str] | None, folder: Path
) -> None:
    """Make `side-by-side.mp4` and `contact-sheet.png` of variants A and B."""
    say("Putting A and B next to each other ...")
