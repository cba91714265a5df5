"""`caption-ab doctor`: is everything here as it must be?"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cli.children import with_our_code
from cli.credentials import DATA, find_folder, read_environment, without_client_names
from cli.terminal import say
from service.errors import StartupError

_LONGEST_S = 120
#: With the sandbox beside the program, and where the images have them.
_FONT_FOLDERS = (
    Path(__file__).resolve().parents[1] / "sandbox" / "fonts",
    Path("/usr/share/fonts/caption-ab"),
)
_FONTS = ("DejaVuSans.ttf", "Inter-Bold.otf", "Anton-Latin.ttf")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "doctor", help="examine configuration, Redis, files, ffmpeg and backend; spends nothing"
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="FOLDER",
        help=f"of an `up` to examine; else the system of the environment, else {DATA}",
    )
    parser.set_defaults(action=run)


def run(options: argparse.Namespace) -> int:
    """Print each check as a line; 1 when one has failed, 0 with warnings only."""
    env = choose_environment(options.data)
    counted = Counter(report(finding) for finding in examine(env))
    counted[report(look_at_fonts())] += 1
    say(f"\n{counted['ok']} ok, {counted['warn']} warnings, {counted['fail']} failed")
    return 1 if counted["fail"] else 0


def choose_environment(given: Path | None) -> dict[str, str]:
    """The environment to examine; says which where it was not asked for."""
    try:
        folder = find_folder(given, os.environ)
    except StartupError as error:
        say(f"{error.detail} {error.hint_text}\nExamining this machine without settings:\n")
        folder = None
    if folder and given is None:
        say(f"Examining the `caption-ab up` of {folder}:\n")
    return read_environment(folder) if folder else without_client_names(os.environ)


def examine(env: dict[str, str], *, longest_s: float = _LONGEST_S) -> list[dict[str, Any]]:
    """What the service finds when it looks over itself in this environment."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "workers.doctor"],
            env=with_our_code(env),
            capture_output=True,
            text=True,
            timeout=longest_s,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        said: Any = late.stdout or b""  # bytes here, whatever was asked for
        found = _read(said.decode(errors="replace"))
        last = found[-1]["name"] if found else "none"
        text = f"the examination had not ended after {longest_s} s; its last word: {last}"
        hint = "Look at what comes next: redis, clock, workers, files, ffmpeg, backend."
        return [*found, {"name": "doctor", "verdict": "fail", "text": text, "hint": hint}]
    found = _read(done.stdout)
    if done.returncode not in {0, 1} or not found:
        said = done.stderr.strip().splitlines()
        text = f"the examination itself broke off: {said[-1] if said else done.returncode}"
        found.append({"name": "doctor", "verdict": "fail", "text": text, "hint": "Report this."})
    return found


def _read(printed: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed.splitlines() if line.startswith("{")]


def look_at_fonts(folders: Sequence[Path] = _FONT_FOLDERS) -> dict[str, Any]:
    """The fonts that captions and labels are drawn with; API, flow and others need none."""
    folder = next((each for each in folders if each.is_dir()), None)
    if folder is None:
        text = "none here; only media workers and the sandbox draw"
        return {"name": "fonts", "verdict": "ok", "text": text, "hint": ""}
    missing = [name for name in _FONTS if not (folder / name).is_file()]
    if missing:
        text = f"{', '.join(missing)} not found in {folder}"
        hint = "Install the program again."
        return {"name": "fonts", "verdict": "fail", "text": text, "hint": hint}
    return {"name": "fonts", "verdict": "ok", "text": f"{len(_FONTS)} families", "hint": ""}


def report(finding: dict[str, Any]) -> str:
    """Print a finding; its verdict."""
    say(f"{finding['verdict']:<5} {finding['name']:<14} {finding['text']}")
    if finding["hint"]:
        say(f"{'':<20} {finding['hint']}")
    return str(finding["verdict"])
