"""What the command does when whoever reads its output has gone, as `head` does."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cli.terminal import UNHEARD
from service.experiments.snapshot import canonical, write_snapshot
from tests.conftest import ROOT
from tests.unit.experiments.scenes import TABLE

LIMIT_S = 60
REPORT = {
    "verdict": {"text": "B reads better.", "caveats": ["a caveat"]},
    "clips": [{"clip": 0, "reason": "The videos have another length."}],
}


def run_unread(*arguments: str, both: bool = False) -> subprocess.CompletedProcess[str]:
    """Run the command with a pipe that nobody reads; `both` lets errors go into it too."""
    unread, written = os.pipe()
    os.close(unread)
    try:
        return subprocess.run(
            [sys.executable, *(arguments if "-c" in arguments else ("-m", "cli", *arguments))],
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT if both else subprocess.PIPE,
            text=True,
            timeout=LIMIT_S,
            check=False,
            cwd=ROOT,
            # What is printed waits, as usual, until there is enough of it or the end has come
            env={name: each for name, each in os.environ.items() if name != "PYTHONUNBUFFERED"},
        )
    finally:
        os.close(written)


@pytest.fixture
def snapshot(tmp_path: Path) -> str:
    file = tmp_path / "snapshot.json"
    found = next(each for name, each, *_ in TABLE if name == "B")
    file.write_bytes(canonical(write_snapshot(found)))
    return str(file)


def test_a_command_that_nobody_hears_ends_quietly(snapshot: str):
    # Given lines of its own, bytes, the help of a command, and a secret
    commands = (
        ("doctor",),
        ("verdict", "--from", snapshot),
        ("--help",),
        ("outcomes", "--help"),
        ("keys", "secret"),
    )
    for arguments in commands:
        # When its output goes into a pipe that nobody reads
        done = run_unread(*arguments)
        # Then it ends as other commands do there, without a word
        assert (done.returncode, done.stderr) == (UNHEARD, ""), arguments
    assert UNHEARD == 128 + signal.SIGPIPE


def test_errors_that_nobody_hears_are_quiet_too():
    # Given a command that fails, whose errors go into the same pipe
    done = run_unread("verdict", "--from", "/nowhere", both=True)
    assert done.returncode == UNHEARD


def test_an_error_is_told_where_it_is_heard():
    # Given output that nobody reads, and errors that are read; nothing was printed before it failed
    done = run_unread("verdict", "--from", "/nowhere")
    assert done.returncode == 1
    assert "/nowhere cannot be read" in done.stderr


def test_a_table_that_nobody_hears_is_quiet_too():
    code = (
        "import json, sys; from cli.comparison import show_comparison; "
        "from cli.main import quietly; from cli.terminal import Screen; "
        f"sys.exit(quietly(lambda: show_comparison(json.loads({json.dumps(REPORT)!r}), Screen())))"
    )
    done = run_unread("-c", code)
    assert (done.returncode, done.stderr) == (UNHEARD, "")


def test_what_is_done_on_the_way_out_is_done():
    # Given a command that has something to stop, and tells of that
    code = (
        "import sys; from cli.main import quietly; from cli.terminal import say\n"
        "def act():\n"
        "    try:\n"
        "        say('begun')\n"
        "    finally:\n"
        "        say('stopping')\n"
        "        print('stopped', file=sys.stderr)\n"
        "    return 0\n"
        "sys.exit(quietly(act))"
    )
    # When nobody hears its first line, then it is stopped all the same
    done = run_unread("-c", code)
    assert (done.returncode, done.stderr) == (UNHEARD, "stopped\n")


def test_a_pipe_of_its_own_that_breaks_is_an_error():
    # Given output that is read, and another pipe of the command that is not
    code = (
        "import os, sys; from cli.main import quietly\n"
        "r, w = os.pipe(); os.close(r)\n"
        "sys.exit(quietly(lambda: os.write(w, b'x')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=LIMIT_S,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "BrokenPipeError" in done.stderr


def test_a_listener_ends_when_nobody_reads_it_any_more():
    # Given a listener whose first line is read
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "cli", "listen", "--port", str(port)]
    with subprocess.Popen(
        command,
        env={**os.environ, "WEBHOOK_SECRET": "whsec_" + "A" * 32},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        try:
            assert "Listening on" in process.stdout.readline()
            # When its reader goes, and nothing ever comes
            process.stdout.close()
            # Then it ends by itself
            assert process.wait(LIMIT_S) == UNHEARD
            assert process.stderr.read() == ""
        finally:
            process.kill()
