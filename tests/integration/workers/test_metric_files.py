"""Folders in which processes share their counts do not outlive them."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from service.exposition import open_outlet
from service.metric_files import make_folder, sweep_folders
from service.settings import Settings

_KEEPER = """
import os, sys
from service.metric_files import make_folder
folder = make_folder(sys.argv[1])
(folder.path / "counter_1.db").write_bytes(b"x")
if os.fork() == 0:
    os.close(1)
    sys.stdin.read()
    os._exit(0)
print(folder.path, flush=True)
sys.stdin.read()
"""


def test_a_folder_lasts_as_long_as_any_process_that_uses_it(tmp_path):
    # Given a process that has forked a child and is killed
    keeper = subprocess.Popen(
        [sys.executable, "-c", _KEEPER, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    folder = Path(keeper.stdout.readline().strip())
    keeper.kill()
    keeper.wait()
    # When another starts while the child lives, then the folder stays
    own = make_folder(str(tmp_path))
    assert sorted(tmp_path.iterdir()) == sorted([folder, own.path])
    # When the child is gone too, then the next start sweeps it, and it alone
    keeper.stdin.close()
    keeper.stdout.close()
    until_s = time.monotonic() + 10
    while folder.exists() and time.monotonic() < until_s:
        sweep_folders(str(tmp_path))
    assert list(tmp_path.iterdir()) == [own.path]
    own.close()
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_ours_is_left_alone(tmp_path):
    # Given a folder of another program, a file with our name, and a folder without a lock
    (tmp_path / "somebody-else").mkdir()
    (tmp_path / "caption-ab-metrics-file").write_text("x")
    (tmp_path / "caption-ab-metrics-bare").mkdir()
    sweep_folders(str(tmp_path))
    assert len(list(tmp_path.iterdir())) == 3


def test_every_start_sweeps(tmp_path):
    # Given what a killed process has left
    left = tmp_path / "caption-ab-metrics-left"
    left.mkdir()
    (left / "lock").touch()
    # When a process starts that shares nothing itself, then it is gone
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = replace(Settings(), metrics_port=port, metrics_folder=str(tmp_path))
    open_outlet(settings, shared=False).close()
    assert list(tmp_path.iterdir()) == []
