"""Runs one worker: its settings, its checks, and Celery with the right pool."""

from __future__ import annotations

import argparse
import os
import socket
import sys

from celery import signals

from service.errors import CaptionAbError
from service.logs import log_json
from service.model.lifecycle import Queue
from service.settings import load_settings
from service.store.keys import queue_key
from workers.app import configure
from workers.checks import check_sizes
from workers.process import POOLS, Process, close, prepare


def main(argv: list[str] | None = None) -> int:
    """Consume one queue until SIGTERM; 2 when the process must not run as configured."""
    options = _parse(argv)
    log_json(options.loglevel)
    signals.setup_logging.connect(lambda **_: None, weak=False)
    try:
        settings = load_settings()
        check_sizes(settings)
        process = prepare(Queue(options.queue), settings)
    except CaptionAbError as error:
        print(f"worker {options.queue}: {error.detail} {error.hint_text}".strip(), file=sys.stderr)  # noqa: T201
        return 2
    try:
        return _consume(process, options.loglevel)
    finally:
        close(process)


def _consume(process: Process, loglevel: str) -> int:
    app = configure(process.settings)
    if process.queue is Queue.MEDIA:
        app.conf.worker_max_tasks_per_child = 200
        app.conf.worker_max_memory_per_child = 600_000
    worker = app.Worker(
        hostname=f"{process.queue}.{os.getpid()}@{socket.gethostname()}",
        pool_cls=POOLS[process.queue],
        concurrency=process.size,
        queues=[queue_key(process.queue)],
        loglevel=loglevel,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    parser.add_argument("queue", choices=[str(each) for each in Queue])
    parser.add_argument("--loglevel", default="info", choices=("debug", "info", "warning"))
    return parser.parse_args(argv)
