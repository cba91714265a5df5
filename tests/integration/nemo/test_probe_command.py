"""The command `caption-ab probe`, as a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from sandbox.config import SandboxConfig
from sandbox.server import start_sandbox
from sandbox.switches import Switches


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    switches = Switches(edit_s=20.0, heartbeat_every_s=0.05, silent_rate=0.0)
    running = start_sandbox(SandboxConfig(tmp_path_factory.mktemp("sandbox"), switches=switches))
    yield running
    running.stop()


def command(sandbox, clip: Path, out: Path, *more: str, token="", api=""):
    env = {name: value for name, value in os.environ.items() if name != "NEMO_TOKEN"}
    env |= {"NEMO_API_URL": api or sandbox.url, "CAPTION_AB_POLL_EVERY_S": "0.1"}
    env |= {"NEMO_TOKEN": token} if token else {}
    argv = [sys.executable, "-m", "cli", "probe", str(clip), "--out", str(out), *more]
    return subprocess.Popen(
        argv,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=Path(__file__).resolve().parents[3],
    )


def signals_of(pid: int) -> str:
    """What a process is called and which signals it blocks, ignores and catches."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return " ".join(line for line in lines if line.startswith(("Name", "Sig", "Shd")))


def test_without_a_terminal_the_command_takes_yes(sandbox, small_clip, tmp_path):
    process = command(sandbox, small_clip, tmp_path / "o", "--loopback", token="nmv_usr_sbx_t_100")
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "--yes" in said
    assert not (tmp_path / "o").exists()


def test_loopback_keeps_a_run_from_the_cloud(sandbox, small_clip, tmp_path):
    """Given --loopback and an address elsewhere, then nothing is called."""
    more = ("--loopback", "--yes")
    api = "https://mega-api-prod.nemovideo.ai"
    process = command(sandbox, small_clip, tmp_path / "o", *more, token="nmv_usr_x", api=api)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "is not on this machine" in said


def test_without_a_token_it_says_which_variable_is_missing(sandbox, small_clip, tmp_path):
    process = command(sandbox, small_clip, tmp_path / "o", "--loopback", "--token-env", "MY_TOKEN")
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "MY_TOKEN is not set" in said


def test_a_folder_with_something_in_it_is_left_alone(sandbox, small_clip, tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    process = command(sandbox, small_clip, tmp_path, "--loopback", "--yes", token="nmv_usr_sbx_t_9")
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "is not empty" in said
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_ctrl_c_in_the_middle_of_the_stream(sandbox, small_clip, tmp_path):
    # Given an edit that takes long, when Ctrl-C comes while its stream runs,
    token = f"nmv_usr_sbx_{uuid.uuid4().hex[:8]}_100"
    process = command(sandbox, small_clip, tmp_path / "o", "--loopback", "--yes", token=token)
    until = time.monotonic() + 30
    running = tmp_path / "o" / "report.json"
    while not (running.exists() and json.loads(running.read_text())["messages_sent"]):
        assert time.monotonic() < until
        time.sleep(0.05)
    time.sleep(0.5)  # some heartbeats come
    heeded = signals_of(process.pid)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    # then the stream so far is a fixture, and the report says that it may have cost something.
    assert process.returncode == 130, f"{said}\n{heeded}"
    report = json.loads(running.read_text())
    assert report["last_step"] == "edit"
    assert "One message was sent" in report["charge"]
    edit = json.loads(next((tmp_path / "o" / "fixtures").glob("*-edit.json")).read_text())
    assert edit["error"] == "KeyboardInterrupt"
    assert "data:" in edit["reply"]["body"]
    assert token not in said
