"""Child processes: started apart from the terminal, watched, stopped, never left behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cli.interrupt import Interrupt
from service.errors import StartupError

_ROOT = Path(__file__).resolve().parents[1]
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1
_LOG_KEPT_BYTES = 10_000_000
_LOG_TAIL_LINES = 12
_LOOK_EVERY_S = 0.05


@dataclass(slots=True)
class Child:
    """One process of the system. `is_ready` gets what it has printed since its start."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(repr=False)
    log: Path
    is_ready: Callable[[str], bool]
    ready_s: float = 60.0
    stop_s: float = 10.0
    death_signal: int = signal.SIGKILL
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0
    _log_start: int = 0

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C reaches only this program."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        _rotate(self.log)
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                list(self.argv),
                env=dict(self.env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=self._tether,  # noqa: PLW1509  it makes one system call
            )

    def wait_ready(self, interrupt: Interrupt) -> None:
        """Wait until it says that it serves.

        Raises:
            StartupError: it ended, or said nothing in time; its last lines are told.
            Interrupted: the user asked to stop.
        """
        limit_s = time.monotonic() + self.ready_s
        while not self.is_ready(self.printed()):
            if not self.running:
                raise StartupError(f"{self.name} ended at once.\n{self.last_lines()}")
            if time.monotonic() > limit_s:
                raise StartupError(
                    f"{self.name} was not ready in {self.ready_s:.0f} s.\n{self.last_lines()}"
                )
            interrupt.wait(_LOOK_EVERY_S)

    def printed(self) -> str:
        """What it has written since its start."""
        with contextlib.suppress(FileNotFoundError), self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read(1_000_000).decode(errors="replace")
        return ""

    def last_lines(self) -> str:
        """The end of its log, and where the rest is."""
        lines = self.printed().splitlines()[-_LOG_TAIL_LINES:]
        return "\n".join([*(f"  | {line}" for line in lines), f"  Its log: {self.log}"])

    def ask_to_stop(self) -> None:
        if self.running and self.process:
            self.process.terminate()

    def stop(self) -> None:
        """Stop it and whatever is left of its session; kill what does not end in time."""
        if self.process is None:
            return
        self.ask_to_stop()
        try:
            self.process.wait(self.stop_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def _tether(self) -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(self.death_signal))


def with_our_code(env: Mapping[str, str]) -> dict[str, str]:
    """An environment in which `python -m api` is ours.

    Else a folder `api` of where a command was started would be it, or one that PYTHONPATH names.
    """
    way = os.pathsep.join(filter(None, (str(_ROOT), env.get("PYTHONPATH", ""))))
    return {**env, "PYTHONPATH": way, "PYTHONSAFEPATH": "1"}


def says(line_start: str) -> Callable[[str], bool]:
    """Readiness by a line on standard output."""
    return lambda printed: any(line.startswith(line_start) for line in printed.splitlines())


def free_port() -> int:
    """A port of this machine that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def check_port(port: int) -> None:
    """See that a port can be had.

    Raises:
        StartupError: somebody listens on it.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise StartupError(
                f"Port {port} is taken.", hint="Choose another with --port."
            ) from None


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > _LOG_KEPT_BYTES:
        log.replace(log.with_suffix(".log.1"))
