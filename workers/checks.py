"""What a worker process checks before it takes work."""

from __future__ import annotations

import logging

from service.errors import StartupError
from service.jobs.context import Services
from service.media.workspaces import sweep_workspaces
from service.model.lifecycle import Queue
from service.settings import Settings
from service.store.policy import check_counting, check_policy, wait_for_store

_log = logging.getLogger(__name__)

#: kombu's poller under gevent is select(2): a broker socket at 1024 or above ends the worker.
MOST_STREAMS = 800


def check_sizes(settings: Settings) -> None:
    """Refuse pools that the process cannot carry.

    Raises:
        StartupError: more streams than file descriptors below 1024 allow, or an empty pool.
    """
    sizes = {
        "CAPTION_AB_FLOW_STREAMS": settings.flow_streams,
        "CAPTION_AB_TRANSFER_THREADS": settings.transfer_threads,
        "CAPTION_AB_MEDIA_PROCESSES": settings.media_processes,
        "CAPTION_AB_HOOKS_GREENLETS": settings.hooks_greenlets,
    }
    for name, size in sizes.items():
        if size < 1:
            raise StartupError(f"{name} is {size}; a worker needs at least 1.")
    for name in ("CAPTION_AB_FLOW_STREAMS", "CAPTION_AB_HOOKS_GREENLETS"):
        if sizes[name] > MOST_STREAMS:
            raise StartupError(
                f"{name} is {sizes[name]}; one process carries at most {MOST_STREAMS}.",
                hint="Start more worker processes instead.",
            )


def check_surroundings(queue: Queue, services: Services) -> None:
    """Check Redis' policy, the store of files, and for `media` ffmpeg; sweep what the dead left.

    Raises:
        StartupError: an accepted job could be lost, or this process sees other files.
        StoreUnavailable: Redis did not answer for `store_wait_s`.
    """
    wait_for_store(services.connection, services.clock, services.settings)
    policy = check_policy(services.connection, services.settings)
    check_counting(services.experiments.connection, services.connection, services.settings)
    if not policy.durable:
        _log.warning("accept_fast", extra={"appendfsync": policy.appendfsync})
    if queue in {Queue.TRANSFER, Queue.MEDIA}:
        check_files(services)
        sweep_workspaces()
    if queue is Queue.MEDIA:
        from service.media.ffmpeg import check_ffmpeg, find_ffmpeg

        check_ffmpeg(find_ffmpeg(services.settings.ffmpeg))


def check_files(services: Services) -> None:
    """Every process must see the same folder of files; the first one records which it is.

    Raises:
        StartupError: the folder is another one than the peers'.
    """
    own = services.files.store_id()
    key = services.connection.keys.store_id
    services.connection.read(lambda client: client.set(key, own, nx=True))
    shared = services.connection.read(lambda client: client.get(key))
    if shared != own:
        raise StartupError(
            f"The store of files ({services.settings.files}) is not the one of the other "
            f"processes (store id {own[:8]}..., theirs {shared[:8]}...).",
            hint="Give every process the same CAPTION_AB_FILES, or start with an empty Redis.",
        )
