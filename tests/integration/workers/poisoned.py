"""A worker that one kind of step kills: `python -m tests.integration.workers.poisoned KIND QUEUE`.

All else in it is as in production. A step that runs out of memory, or a library that crashes, ends
its process in the same way.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

if {"flow", "hooks"}.intersection(sys.argv):
    from gevent import monkey

    monkey.patch_all()  # as in workers/__main__.py

from service.jobs import clips, finish, steps
from service.model.lifecycle import ClipState, CutState
from service.nemo.tokens import Tokens
from service.webhooks import deliver
from workers.command import main


def die(*_: Any, **__: Any) -> Any:
    """End this process at once."""
    os.kill(os.getpid(), signal.SIGKILL)


POISONS = {
    "clip": lambda: clips.STEPS.update({ClipState.FETCHING: die}),
    "cut": lambda: steps.STEPS.update({CutState.QUEUED: die}),
    "finish": lambda: setattr(finish, "compare", die),
    "freeze": lambda: setattr(finish, "freeze", die),
    "event": lambda: setattr(deliver, "choose_targets", die),
    "delivery": lambda: setattr(deliver, "signed_headers", die),
    "token": lambda: setattr(Tokens, "renew", die),
}

if __name__ == "__main__":
    POISONS[sys.argv[1]]()
    sys.exit(main(sys.argv[2:]))
