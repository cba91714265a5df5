"""A worker in which so many low descriptors are taken: `python -m ...crowded COUNT QUEUE`.

Whatever a process has open takes the lowest numbers; this stands for all that it may come to have.
Each SIGUSR1 takes 25 more, as streams do that begin while the broker is away.
"""

from __future__ import annotations

import os
import signal
import sys

if {"flow", "hooks"}.intersection(sys.argv):
    from gevent import monkey

    monkey.patch_all()  # as in workers/__main__.py

from workers.command import main

if __name__ == "__main__":
    taken = [os.open(os.devnull, os.O_RDONLY) for _ in range(int(sys.argv[1]))]

    def take_more(*_: object) -> None:
        taken.extend(os.open(os.devnull, os.O_RDONLY) for _ in range(25))

    signal.signal(signal.SIGUSR1, take_more)
    sys.exit(main(sys.argv[2:]))
