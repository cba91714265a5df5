"""Processes of ours that open strangers' files: bounded, ended, and gone with their parent.

`python -m service.media.child PARENT MODULE ARGUMENT...` runs a module of ours that way.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from service.errors import MediaError

_ROOT = Path(__file__).resolve().parents[2]
_PR_SET_PDEATHSIG = 1
_MOST_WORDS = 500
#: No setting, so no secret. A pool of threads for algebra would reserve memory and gain nothing.
ENVIRONMENT = {
    "PYTHONPATH": str(_ROOT),
    "PYTHONSAFEPATH": "1",  # a folder `service` of where the worker was started is not ours
    "PYTHONDONTWRITEBYTECODE": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


class ChildFailed(MediaError):
    """A process did not do what it was started for; `words` is the end of what it complained of."""

    code = "child_failed"
    hint = "Whoever started it says what that means; a damaged file is the usual cause."

    def __init__(self, detail: str, words: str = "", *, late: bool = False) -> None:
        super().__init__(detail)
        self.words = words
        self.late = late


@dataclass(frozen=True, slots=True)
class Work:
    """A module of ours, what it is called with, and what stands on its input."""

    module: str
    arguments: Sequence[str] = ()
    given: bytes = b""

    @property
    def command(self) -> list[str]:
        own = [sys.executable, "-m", "service.media.child", str(os.getpid())]
        return [*own, self.module, *self.arguments]


def run_child(work: Work, *, deadline_s: float, most_bytes: int) -> bytes:
    """What a process prints, at most so many bytes of it.

    Raises:
        ChildFailed: it passed the deadline (`late`), said more, or ended with an error or a signal.
    """
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as complained:
        given.write(work.given)
        given.seek(0)
        process = subprocess.Popen(
            work.command,
            env=ENVIRONMENT,
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=complained,
            start_new_session=True,
        )
        with ended_after(process, deadline_s) as late:
            said = process.stdout.read(most_bytes + 1) if process.stdout else b""
            if len(said) > most_bytes:
                end_group(process)
            process.wait()
        if late.is_set():
            raise ChildFailed(f"It took longer than {deadline_s:g} s.", late=True)
        if len(said) > most_bytes:
            raise ChildFailed(f"It said more than {most_bytes} bytes.")
        if process.returncode != 0:
            words = read_tail(complained, _MOST_WORDS)
            raise ChildFailed(f"It ended with {name_end(process.returncode)}.", words)
    return said


@contextlib.contextmanager
def ended_after(process: subprocess.Popen[bytes], deadline_s: float) -> Iterator[threading.Event]:
    """Kill a process and what it started at a deadline, or when the block is left early."""
    late = threading.Event()

    def end() -> None:
        late.set()
        end_group(process)

    timer = threading.Timer(deadline_s, end)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()
        end_group(process)
        if process.stdout is not None:
            process.stdout.close()


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that leads a group, with all of the group, unless it has ended."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def name_end(code: int) -> str:
    """How a process ended: the name of its signal, or its code."""
    return signal.Signals(-code).name if code < 0 else f"code {code}"


def read_tail(file: IO[bytes], most_bytes: int) -> str:
    """The end of what a process wrote into a file."""
    file.seek(max(0, file.seek(0, os.SEEK_END) - most_bytes))
    return file.read().decode(errors="replace")


def die_with_parent() -> None:
    """Ask Linux to kill this process when its parent is gone; elsewhere nothing happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main(parent: int, module: str, arguments: Sequence[str]) -> None:
    """Run a module unless the parent is gone already.

    The child itself asks to end with it: a hook between fork and exec is unsafe beside threads.
    """
    die_with_parent()
    if os.getppid() != parent:
        sys.exit(1)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
