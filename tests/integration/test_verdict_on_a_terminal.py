"""`caption-ab verdict` where a person reads it, and where a program does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from service.experiments.snapshot import Snapshot, canonical, write_snapshot
from service.experiments.verdict import decide
from tests.conftest import ROOT
from tests.unit.experiments.snapshots import a_snapshot


def read_terminal(*arguments: str) -> bytes:
    """What a command writes to a terminal, whose line ends are two bytes."""
    ours, its = os.openpty()
    command = [sys.executable, "-m", "cli", *arguments]
    with subprocess.Popen(command, stdout=its, stderr=its, stdin=subprocess.DEVNULL, cwd=ROOT):
        os.close(its)
        shown = b""
        try:
            while piece := os.read(ours, 65536):
                shown += piece
        except OSError:  # the other end was closed
            pass
    os.close(ours)
    return shown.replace(b"\r\n", b"\n")


def a_strangers(tmp_path: Path) -> tuple[Snapshot, Path]:
    """A snapshot whose metric is titled with a control that is one character of UTF-8."""
    title = "\x9b2J\x9b1;1Hrate"
    snapshot = a_snapshot((10_000, 500), (10_000, 640))
    primary = replace(snapshot.plan.primary, title=title)
    snapshot = replace(snapshot, plan=replace(snapshot.plan, primary=primary))
    path = tmp_path / "snapshot.json"
    path.write_bytes(canonical(write_snapshot(snapshot)))
    return snapshot, path


def test_on_a_terminal_it_moves_no_cursor(tmp_path):
    snapshot, path = a_strangers(tmp_path)
    shown = read_terminal("verdict", "--from", str(path)).decode()
    assert shown.endswith("}\n")
    assert shown[:-1].isprintable()
    assert json.loads(shown) == json.loads(decide(snapshot).as_bytes())


def test_in_a_pipe_it_is_the_same_to_the_byte(tmp_path):
    snapshot, path = a_strangers(tmp_path)
    command = [sys.executable, "-m", "cli", "verdict", "--from", str(path)]
    done = subprocess.run(command, capture_output=True, check=True, cwd=ROOT)
    assert done.stdout == decide(snapshot).as_bytes()
