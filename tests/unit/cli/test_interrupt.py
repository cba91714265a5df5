"""Signals that end a command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("sign", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_process_that_was_started_deaf_hears_again(sign):
    # Given a process whose parent handed the signal down ignored and blocked,
    deaf = f"signal.signal(signal.{sign}, signal.SIG_IGN)\n"
    deaf += f"signal.pthread_sigmask(signal.SIG_BLOCK, [signal.{sign}])\n"
    # when a command heeds signals and one comes,
    hearing = f"""
from cli.interrupt import Interrupt, Interrupted
interrupt = Interrupt()
interrupt.install()
os.kill(os.getpid(), signal.{sign})
try:
    interrupt.wait(10)
except Interrupted:
    print("interrupted")
"""
    done = subprocess.run(
        [sys.executable, "-c", "import os, signal\n" + deaf + hearing],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).resolve().parents[3],
    )
    # then it is interrupted.
    assert done.stdout == "interrupted\n", done.stderr
