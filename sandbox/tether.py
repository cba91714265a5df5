"""Becomes another program that ends with its parent: `tether.py PARENT_PID COMMAND...`.

Run by path, without site packages: a killed sandbox cannot end its ffmpeg, but Linux can.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(argv: list[str]) -> None:
    """Asks for SIGKILL at the parent's death, where that exists, and runs the command."""
    parent_pid, command = int(argv[0]), argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # the parent may have died before the request was in force
    if os.getppid() != parent_pid:
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - the whole purpose; no shell


if __name__ == "__main__":
    main(sys.argv[1:])
