"""Takes guards out of a copy of the code: whoever looks for faults must then find one.

A guard is the piece of code that holds a rule. Each suite names its guards and what has to miss
them, in a module of its own of this name, which is run by `python -m`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: Where the store's commands are.
LUA = "service/store/lua/"
#: What a copy holds: all that any suite imports.
_PARTS = ("api", "cli", "sandbox", "service", "tests", "workers", "pyproject.toml")
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "fixtures")


@dataclass(frozen=True, slots=True)
class Edit:
    """A piece of code, and what stands there without the guard."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Guard:
    """A rule, and the edit that takes it away; `first` is where to begin to look for its loss."""

    name: str
    edit: Edit
    first: int = 1


def try_each(tries: Iterable[tuple[str, Callable[[], str]]]) -> int:
    """Call each by its name for what noticed the loss, and print it; how many nobody missed."""
    unmissed = 0
    for name, notice in tries:
        noticed = notice()
        unmissed += not noticed
        print(f"{name}: {noticed or 'NOT MISSED'}", flush=True)
    return unmissed


def run_without(
    edits: Sequence[Edit], args: Sequence[str], env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `python -m <args>` in a copy of the code without a guard.

    Raises RuntimeError where it ended with neither 0, all is well, nor 1, a fault was found.
    """
    with tempfile.TemporaryDirectory(prefix="cab-guard-") as text:
        copy = Path(text)
        for part in _PARTS:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, copy / part, ignore=_LEFT_OUT)
            else:
                shutil.copy(source, copy / part)
        for edit in edits:
            target = copy / edit.path
            code = target.read_text(encoding="utf-8")
            assert code.count(edit.old) == 1, f"{edit.path} does not hold it once: {edit.old}"
            target.write_text(code.replace(edit.old, edit.new), encoding="utf-8")
        environment = {**os.environ, **(env or {}), "PYTHONPATH": str(copy)}
        done = subprocess.run(
            [sys.executable, "-m", *args],
            cwd=copy,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    # An import that fails ends with 1 as well, and has printed nothing.
    if done.returncode not in {0, 1} or (done.returncode and not done.stdout.strip()):
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    return done
