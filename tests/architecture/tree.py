"""The files of the project, for the checks that read them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("service", "api", "workers", "sandbox", "cli")


def python_files(*tops: str) -> Iterator[Path]:
    """The Python files below some folders of the project."""
    for top in tops:
        yield from sorted((ROOT / top).rglob("*.py"))


def tracked_files() -> list[Path]:
    """The files that belong to the project; those in its folders where there is no git."""
    git = shutil.which("git")
    if git and (ROOT / ".git").exists():
        listed = subprocess.run(
            [git, "-c", f"safe.directory={ROOT}", "ls-files", "-z"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]
    tops = (*PACKAGES, "tests", "docs", "deploy", "benchmarks", ".ci")
    below = [path for top in tops for path in (ROOT / top).rglob("*") if path.is_file()]
    return [*(path for path in ROOT.iterdir() if path.is_file()), *below]


def relative(path: Path) -> str:
    """A path as a reader of the project names it."""
    return path.relative_to(ROOT).as_posix()
