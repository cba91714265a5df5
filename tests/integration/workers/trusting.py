"""A worker that trusts one authority: `python -m tests.integration.workers.trusting PEM QUEUE`.

All else in it is as in production, where the authorities are those of `certifi`.
"""

from __future__ import annotations

import sys

if {"flow", "hooks"}.intersection(sys.argv):
    from gevent import monkey

    monkey.patch_all()  # as in workers/__main__.py

import certifi

if __name__ == "__main__":
    certifi.where = lambda: sys.argv[1]  # before requests asks for it

    from workers.command import main

    sys.exit(main(sys.argv[2:]))
