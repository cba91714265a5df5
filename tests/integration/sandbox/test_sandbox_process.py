"""The sandbox as a process: start, ready line, load, flat memory, clean end."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests


@pytest.fixture
def process(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A sandbox process with quick edits, and its address."""
    command = [sys.executable, "-m", "sandbox", "--data", str(tmp_path / "data")]
    options = ["--ready-file", str(tmp_path / "ready"), "--edit-s", "1.0", "--poll-delay", "0,0"]
    started = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    line = started.stdout.readline()
    assert line.startswith("sandbox ready http://127.0.0.1:")
    address = line.split()[-1]
    assert (tmp_path / "ready").read_text().strip() == address
    yield started, address
    started.send_signal(signal.SIGKILL)
    started.wait()
    started.stdout.close()


def rss_mb(pid: int) -> float:
    """Returns the resident memory of a process in MB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    line = next(row for row in status.splitlines() if row.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def children_of(pid: int) -> list[int]:
    """Returns the direct children of a process."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text(encoding="utf-8")
            except OSError:
                continue
            if int(stat.rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(entry.name))
    return found


def is_running(pid: int) -> bool:
    """Tells whether a process lives; a zombie that nobody reaped does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return stat.rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_it_ends_cleanly_and_takes_a_running_ffmpeg_with_it(
    process: Any, sign: signal.Signals, make_caller_at: Callable[[str], Any], make_clip: Any,
    caption_message: str,
) -> None:  # fmt: skip
    started, address = process
    caller = make_caller_at(address)
    # Given a render that takes a while, and an open stream
    long = make_clip("long.mp4", "-vf", "loop=800:1", "-c:v", "libx264", "-preset", "ultrafast")
    session_id = caller.session()
    caller.upload(session_id, long)
    caller.say(session_id, caption_message)
    caller.submit(session_id, "r1")
    deadline = time.monotonic() + 10
    while not (ffmpegs := children_of(started.pid)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert ffmpegs
    # When the process is told to end
    began = time.monotonic()
    started.send_signal(sign)
    # Then it is gone within seconds, with code 0 unless it was killed, and so is ffmpeg
    assert started.wait(timeout=10) == (-9 if sign is signal.SIGKILL else 0)
    while any(map(is_running, ffmpegs)) and time.monotonic() - began < 5:
        time.sleep(0.02)
    assert not any(map(is_running, ffmpegs))


def test_three_hundred_streams_at_once(
    process: Any, make_caller_at: Callable[[str], Any], read_texts: Any
) -> None:
    _, address = process
    caller = make_caller_at(address)
    changes = {"heartbeat_every_s": 1.0, "edit_s": 8.0}
    requests.post(f"{address}/_sandbox/switches", json=changes, timeout=10)
    session_id = caller.session()
    answers: list[list[str]] = []

    def talk() -> None:
        answers.append(read_texts(caller.say(session_id, "hello")))

    threads = [threading.Thread(target=talk) for _ in range(300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(texts) for texts in answers] == [1] * 300
    books = requests.get(f"{address}/_sandbox/books", timeout=10).json()
    # All are served; how many of them overlap depends on how fast this machine opens them.
    assert 100 <= books["peak_streams"] <= 300
    assert books["streams"] == 0


@pytest.mark.slow
def test_a_500_mb_upload_needs_little_memory(process: Any, make_caller_at: Any) -> None:
    # Given a body of nearly 500 MB that is generated while it is sent
    started, address = process
    caller = make_caller_at(address)
    session_id = caller.session()
    before = rss_mb(started.pid)
    head = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.mp4"\r\n\r\n'
    piece, count = os.urandom(1_000_000), 499

    def body() -> Iterator[bytes]:
        yield head
        for _ in range(count):
            yield piece
        yield b"\r\n--b--\r\n"

    length = len(head) + count * len(piece) + 9
    more = {"Content-Type": "multipart/form-data; boundary=b", "Content-Length": str(length)}
    line = http.client.HTTPConnection(address.removeprefix("http://"), timeout=120)
    path = f"/api/upload-video/nemo_agent/me/{session_id}"
    line.request("POST", path, body=body(), headers={**caller.headers, **more})
    answer = json.loads(line.getresponse().read())
    line.close()
    # Then it is refused for its content, not its size, and memory stayed flat
    assert answer["code"] == 4001
    assert rss_mb(started.pid) - before < 60


def test_an_upload_that_breaks_off_leaves_nothing(
    process: Any, make_caller_at: Any, tmp_path: Path
) -> None:
    # Given a client that promises a megabyte and goes away after a little of it
    _, address = process
    caller = make_caller_at(address)
    path = f"/api/upload-video/nemo_agent/me/{caller.session()}"
    line = http.client.HTTPConnection(address.removeprefix("http://"), timeout=10)
    line.putrequest("POST", path)
    more = {"Content-Type": "multipart/form-data; boundary=b", "Content-Length": "1000000"}
    for name, value in {**caller.headers, **more}.items():
        line.putheader(name, value)
    line.endheaders()
    part = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.mp4"\r\n\r\n'
    line.send(part + b"x" * 200_000)
    uploads = tmp_path / "data" / "uploads"
    deadline = time.monotonic() + 5
    while not list(uploads.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert list(uploads.iterdir())
    # When the connection closes, then what was received is removed
    line.close()
    while list(uploads.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert list(uploads.iterdir()) == []


def test_a_bad_scenario_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text('{"switches": {"nope": 1}}')
    command = [sys.executable, "-m", "sandbox", "--data", str(tmp_path)]
    ended = subprocess.run(
        [*command, "--scenario", str(tmp_path / "s.json")],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert ended.returncode == 2
    assert "there is no switch nope" in ended.stderr


def test_an_ffmpeg_that_cannot_burn_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sandbox", "--data", str(tmp_path)]
    environment = {**os.environ, "CAPTION_AB_FFMPEG": "/bin/true"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20)
    assert ended.returncode == 2
    assert "ffmpeg lacks ass, libx264" in ended.stderr


def test_a_scenario_file_is_in_force_from_the_start(tmp_path: Path) -> None:
    # Given a scenario with switches and a rule, and an option that says otherwise
    rule = {"endpoint": "credits", "nth": 1, "status": 503, "body": "html"}
    scenario = {"switches": {"edit_s": 0.2, "render": "copy"}, "rules": [rule]}
    (tmp_path / "s.json").write_text(json.dumps(scenario), encoding="utf-8")
    command = [sys.executable, "-m", "sandbox", "--data", str(tmp_path / "data"), "--edit-s", "0.4"]
    started = subprocess.Popen(
        [*command, "--scenario", str(tmp_path / "s.json")], stdout=subprocess.PIPE, text=True
    )
    try:
        assert started.stdout is not None
        address = started.stdout.readline().split()[-1]
        # Then the option wins over the file, and the rule strikes
        switches = requests.get(f"{address}/_sandbox/switches", timeout=10).json()["global"]
        assert (switches["edit_s"], switches["render"]) == (0.4, "copy")
        reply = requests.get(f"{address}/api/credits/balance/simple", timeout=10)
        assert (reply.status_code, reply.text[:6]) == (503, "<html>")
    finally:
        started.terminate()
        started.wait(10)
        started.stdout.close()


def test_it_ends_however_many_signals_come_at_once(process: Any) -> None:
    started, _ = process
    # Given a process that is told to end again and again, while it is about to
    for _ in range(5000):
        started.send_signal(signal.SIGTERM)
        started.send_signal(signal.SIGINT)
    # Then it is gone within seconds, with code 0
    assert started.wait(timeout=10) == 0
