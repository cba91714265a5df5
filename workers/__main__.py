"""Starts a worker: `python -m workers flow|transfer|media|hooks`."""

from __future__ import annotations

import sys

if {"flow", "hooks"}.intersection(sys.argv[1:2]):
    from gevent import monkey

    monkey.patch_all()  # before anything else is imported, or sockets stay blocking

from workers.command import main

sys.exit(main())
