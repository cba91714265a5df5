"""Processes of ours: bounded in what they say, and gone with whoever started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from service.media import child
from service.media.child import ChildFailed, Work, run_child
from service.media.ffmpeg import run_ffmpeg
from tests.conftest import ROOT


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Makes a module of the given text that a child can run."""
    way = f"{child.ENVIRONMENT['PYTHONPATH']}:{tmp_path}"
    monkeypatch.setitem(child.ENVIRONMENT, "PYTHONPATH", way)

    def make(text: str) -> str:
        (tmp_path / "planted.py").write_text(text)
        return "planted"

    return make


def is_alive(pid: int) -> bool:
    """Whether it runs: a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_what_a_child_prints_of_its_input_and_arguments_is_heard(module):
    name = module("import sys; print(sys.argv[1:], sys.stdin.read())")
    said = run_child(Work(name, ("a", "b"), b"given"), deadline_s=20, most_bytes=100)
    assert said == b"['a', 'b'] given\n"


def test_a_folder_called_as_ours_where_a_worker_was_started_is_not_taken(
    module, tmp_path, monkeypatch
):
    (tmp_path / "service").mkdir()
    (tmp_path / "service" / "__init__.py").write_text("raise SystemExit('of another project')\n")
    monkeypatch.chdir(tmp_path)
    name = module("import service; print(service.__path__)")
    said = run_child(Work(name), deadline_s=60, most_bytes=1000)
    assert said.decode() == f"{[str(ROOT / 'service')]}\n"


def test_a_child_that_never_stops_talking_is_ended(module):
    """Given a process that a file has taken over, then no more of it is read than it may say."""
    name = module("import sys\nwhile True: sys.stdout.write('x' * 4096)")
    with pytest.raises(ChildFailed, match="more than 100000 bytes") as caught:
        run_child(Work(name), deadline_s=60, most_bytes=100_000)
    assert not caught.value.late


def test_a_deadline_ends_a_child_and_what_it_started(module, tmp_path):
    note = tmp_path / "pid"
    name = module(
        "import subprocess, sys, time\n"
        "inner = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(note)!r}, 'w').write(str(inner.pid))\n"
        "time.sleep(60)"
    )
    with pytest.raises(ChildFailed) as caught:
        run_child(Work(name), deadline_s=3, most_bytes=1)
    assert caught.value.late
    # A killed process is gone when the system gets to it, not when the signal is sent.
    inner, until_s = int(note.read_text()), time.monotonic() + 10
    while is_alive(inner) and time.monotonic() < until_s:
        time.sleep(0.02)
    assert not is_alive(inner)


def test_how_a_child_ended_is_named_with_its_last_words(module):
    name = module(
        "import os, sys; print('oh', file=sys.stderr, flush=True); os.kill(os.getpid(), 9)"
    )
    with pytest.raises(ChildFailed, match="ended with SIGKILL") as caught:
        run_child(Work(name), deadline_s=20, most_bytes=1)
    assert caught.value.words == "oh\n"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_child_is_gone_when_its_parent_was_killed(module, tmp_path):
    # Given a parent that waits for a child which works for a minute,
    note = tmp_path / "pid"
    name = module(
        f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    )
    starting = (
        "from service.media import child\n"
        f"child.ENVIRONMENT['PYTHONPATH'] = {child.ENVIRONMENT['PYTHONPATH']!r}\n"
        f"child.run_child(child.Work({name!r}), deadline_s=60, most_bytes=1)"
    )
    parent = subprocess.Popen([sys.executable, "-c", starting], env=child.ENVIRONMENT)
    until_s = time.monotonic() + 20
    while not (note.exists() and note.read_text()) and time.monotonic() < until_s:
        time.sleep(0.02)
    pid = int(note.read_text())
    assert is_alive(pid)
    # When the parent is killed, then the child ends too.
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    while is_alive(pid) and time.monotonic() < until_s:
        time.sleep(0.02)
    assert not is_alive(pid)


def test_a_child_whose_parent_was_gone_before_does_nothing():
    done = subprocess.run(
        [sys.executable, "-m", "service.media.child", str(os.getpid() + 1), "this"],
        env=child.ENVIRONMENT,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, b"")


def test_ffmpeg_knows_no_secret(monkeypatch, tmp_path):
    """Given a worker with a key in its environment, then ffmpeg is started without it."""
    monkeypatch.setenv("CAPTION_AB_MASTER_KEY", "not for ffmpeg")
    spy = tmp_path / "spy"
    spy.write_text("#!/bin/sh\nenv > seen\n", encoding="utf-8")
    spy.chmod(0o700)
    run_ffmpeg(str(spy), [], cwd=tmp_path, deadline_s=20)
    seen = (tmp_path / "seen").read_text(encoding="utf-8")
    assert "PATH=" in seen
    assert "not for ffmpeg" not in seen
