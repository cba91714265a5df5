"""Child processes start, are waited for, and end."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from cli.children import Child, says
from cli.interrupt import Interrupt, Interrupted
from service.errors import StartupError

STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print("ready", child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def make(tmp_path):
    children = []

    def make(code: str, **options) -> Child:
        argv = [sys.executable, "-c", code]
        child = Child("part", argv, os.environ, tmp_path / "part.log", says("ready"), **options)
        children.append(child)
        return child

    yield make
    for child in children:
        child.stop_s = 0.1
        child.stop()


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_ready_is_what_it_prints_since_this_start(make, tmp_path):
    # Given a log in which an earlier run said that it was ready
    (tmp_path / "part.log").write_text("ready\n")
    child = make("import time; time.sleep(60)", ready_s=0.3)
    child.start()
    # Then a new run that says nothing is not taken for ready
    with pytest.raises(StartupError, match="was not ready"):
        child.wait_ready(Interrupt())


def test_a_child_that_dies_at_once_is_told_with_its_last_words(make):
    child = make("raise SystemExit('the disk is full')")
    child.start()
    with pytest.raises(StartupError, match="the disk is full"):
        child.wait_ready(Interrupt())


def test_waiting_ends_when_the_user_asks(make):
    # Given a child that is not ready, and a user who has pressed Ctrl-C
    child, interrupt = make("import time; time.sleep(60)"), Interrupt()
    child.start()
    interrupt.asked = 1
    with pytest.raises(Interrupted):
        child.wait_ready(interrupt)


def test_what_ignores_sigterm_is_killed_with_all_it_started(make):
    # Given a child that ignores SIGTERM and has a child of its own
    child = make(STUBBORN, stop_s=0.3)
    child.start()
    child.wait_ready(Interrupt())
    grandchild = int(child.printed().split()[1])
    # When it is stopped; then both are gone
    child.stop()
    assert not child.running
    limit_s = time.monotonic() + 30
    while alive(grandchild):  # a signal is not waited for by its sender
        assert time.monotonic() < limit_s


def test_a_child_has_a_session_of_its_own(make):
    # A terminal's Ctrl-C goes to its foreground group only
    child = make("import os, time; print('ready', flush=True); time.sleep(60)")
    child.start()
    child.wait_ready(Interrupt())
    assert os.getsid(child.pid) == child.pid != os.getsid(0)


def test_secrets_are_not_in_the_text_of_a_child(make):
    child = make("pass")
    child.env = {"CAPTION_AB_KEY_PEPPER": "salty"}
    assert "salty" not in repr(child)
