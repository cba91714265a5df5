"""The commands as processes of their own, each in a session like that of a terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SRT = "1\n00:00:00,200 --> 00:00:00,900\nHello there\n\n2\n00:00:01,000 --> 00:00:01,800\nBye\n"


@dataclass
class Program:
    """A running `caption-ab`; everything it starts has `folder` in its environment."""

    process: subprocess.Popen[bytes]
    output: Path
    folder: Path

    def printed(self) -> str:
        return self.output.read_text(errors="replace")

    def wait_for(self, text: str, seconds: float = 60) -> str:
        """Wait until it has printed a text."""
        limit_s = time.monotonic() + seconds
        while text not in self.printed():
            if time.monotonic() > limit_s or self.process.poll() is not None:
                pytest.fail(f"no {text!r} in {seconds} s:\n{self.printed()}", pytrace=False)
            time.sleep(0.05)
        return self.printed()

    def wait(self, seconds: float) -> int:
        """Its exit code."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            pytest.fail(f"not ended in {seconds} s:\n{self.printed()}", pytrace=False)

    def press_ctrl_c(self) -> None:
        """What a terminal does: SIGINT to the whole foreground process group."""
        os.killpg(self.process.pid, signal.SIGINT)

    def left_over(self, seconds: float = 0) -> list[str]:
        """Processes of this program that are still there after so many seconds."""
        limit_s = time.monotonic() + seconds
        found = processes_with(str(self.folder))
        while found and time.monotonic() < limit_s:
            time.sleep(0.1)
            found = processes_with(str(self.folder))
        return found


def processes_with(marker: str) -> list[str]:
    """Command lines of processes that carry a text in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if marker.encode() in (entry / "environ").read_bytes():
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                if state != "Z":
                    found.append((entry / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


@dataclass
class Desk:
    """Starts programs; what is still there when the test ends is killed."""

    folder: Path
    programs: list[Program]

    def run(self, *arguments: str, **env: str) -> Program:
        output = self.folder / f"output-{len(self.programs)}.txt"
        with output.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "cli", *arguments],
                env={**os.environ, "TMPDIR": str(self.folder), **env},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self.programs.append(Program(process, output, self.folder))
        return self.programs[-1]

    def close(self) -> None:
        for program in self.programs:
            if program.process.poll() is None:
                program.process.kill()
                program.process.wait()
            program.left_over(20)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path, [])
    yield desk
    desk.close()


@pytest.fixture
def captions(tmp_path: Path) -> Path:
    path = tmp_path / "small.srt"
    path.write_text(SRT, encoding="utf-8")
    return path
