"""Signals that end a command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
HEARING = """
from cli.interrupt import Interrupt, Interrupted
interrupt = Interrupt()
interrupt.install()
os.kill(os.getpid(), sign)
try:
    interrupt.wait(seconds)
    print("not interrupted")
except Interrupted:
    print("interrupted")
"""


def heard(sign: str, *deaf: str, seconds: float = 10) -> str:
    """What a process says that heeds signals, started deaf in some ways, when one comes."""
    lines = ["import os, signal", f"sign, seconds = signal.{sign}, {seconds}", *deaf]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines) + HEARING],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
    )
    assert done.stderr == ""
    return done.stdout.strip()


IGNORED = "signal.signal(sign, signal.SIG_IGN)"
BLOCKED = "signal.pthread_sigmask(signal.SIG_BLOCK, [sign])"


@pytest.mark.parametrize(
    ("sign", "deaf"),
    [("SIGINT", (IGNORED, BLOCKED)), ("SIGTERM", (IGNORED, BLOCKED)), ("SIGHUP", (BLOCKED,))],
)
def test_a_process_that_was_started_deaf_hears_again(sign, deaf):
    # Given a process whose parent handed a signal down ignored or blocked; then it hears it
    assert heard(sign, *deaf) == "interrupted"


def test_nohup_is_heeded():
    # Given a process that was started to outlive its terminal; then it does
    assert heard("SIGHUP", IGNORED, seconds=0.3) == "not interrupted"


def test_a_child_that_fails_has_failed_whatever_the_parent_ignores():
    # Given a command whose parent handed SIGCHLD down ignored
    text = """
import os, signal, subprocess, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
from cli.main import quietly
from cli.interrupt import heed_children
heed_children()
print(subprocess.run([sys.executable, "-c", "raise SystemExit(3)"]).returncode)
"""
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, timeout=60, cwd=ROOT
    )
    # Then it learns how its children end
    assert done.stdout == "3\n", done.stderr
