"""A worker process: its parts, how it starts, and how it drains.

On SIGTERM it takes nothing more, streams go on up to `drain_s`, leases are renewed to the last. At
that limit or a second SIGTERM it lets what is under way end for `handback_s`, hands leases that are
left over back, and goes; another worker recovers their rows.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import billiard
from celery import signals
from celery.worker import state

from service.errors import StoreError
from service.jobs.context import Services
from service.media.child import die_with_parent
from service.media.files import run_directly
from service.model.lifecycle import Queue
from service.outbound.descriptors import keep_low_free
from service.settings import Settings
from service.store.keys import queue_key
from service.store.pool import WORKER_POOL_WAIT_S
from service.tracing import start_tracing, stop_tracing
from service.wiring import build_services
from workers.checks import check_surroundings
from workers.handback import Handback
from workers.heartbeat import Heartbeat, Sight
from workers.metrics import Meter
from workers.sweeper import Sweeper
from workers.ticker import Ticker

T = TypeVar("T")
_log = logging.getLogger(__name__)

POOLS = {
    Queue.FLOW: "gevent",
    Queue.TRANSFER: "threads",
    Queue.MEDIA: "prefork",
    Queue.HOOKS: "gevent",
}
_CONNECTIONS = {Queue.FLOW: 64, Queue.HOOKS: 32, Queue.MEDIA: 4}
_WATCH_EVERY_S = 0.2


@dataclass(slots=True)
class Process:
    """One worker process, or one child of a prefork worker."""

    queue: Queue
    settings: Settings
    parts: Services | None = None
    ticker: Ticker | None = None
    heartbeat: Heartbeat | None = None
    meter: Meter | None = None
    sweeper: Sweeper | None = None
    handback: Handback | None = None
    stops_asked: int = 0
    gone: threading.Event = field(default_factory=threading.Event)

    @property
    def services(self) -> Services:
        if self.parts is None:
            raise RuntimeError("The worker process has not been set up.")
        return self.parts

    @property
    def draining(self) -> bool:
        """Whether nothing more may be taken."""
        return self.stops_asked > 0

    def stop_looking(self) -> None:
        """Ring for nothing more and sweep nothing more."""
        for part in (self.ticker, self.sweeper):
            if part is not None:
                part.stop()

    @property
    def size(self) -> int:
        """Rows at work at once, at most."""
        settings = self.settings
        match self.queue:
            case Queue.FLOW:
                return settings.flow_streams
            case Queue.TRANSFER:
                return settings.transfer_threads
            case Queue.MEDIA:
                return settings.media_processes
            case Queue.HOOKS:
                return settings.hooks_greenlets

    @property
    def free(self) -> int:
        """Rows that it could take now."""
        return self.size - len(state.reserved_requests)


_process: Process | None = None


def running() -> Process:
    """The process that this code runs in."""
    if _process is None:
        raise RuntimeError("No worker process was prepared.")
    return _process


def prepare(queue: Queue, settings: Settings) -> Process:
    """Check the surroundings and build the parts of this process, once.

    Raises:
        StartupError: it must not run as configured.
        StoreUnavailable: Redis does not answer.
    """
    global _process  # noqa: PLW0603  one process, one set of parts; Celery's task has no other way in
    process = Process(queue, settings)
    if POOLS[queue] == "gevent" and not keep_low_free():
        _log.warning("descriptors_few", extra={"hint": "Raise the limit of open files to 4096."})
    services = _build(process)
    check_surroundings(queue, services)
    process.meter = Meter(settings, forks=POOLS[queue] == "prefork")
    if POOLS[queue] == "prefork":
        # A socket must not be shared by parent and children: each opens its own after the fork.
        services.connection.client.close()
        process.handback = Handback()
        signals.worker_process_init.connect(_prepare_child, weak=False)
        signals.worker_process_shutdown.connect(lambda **_: stop_tracing(), weak=False)
    else:
        process.parts = services
        start_tracing(settings, str(queue))
        services.leases.start()
    _process = process
    signals.worker_ready.connect(_begin, weak=False)
    return process


def close(process: Process) -> None:
    """End what is left when Celery has stopped: the lease renewer last."""
    process.gone.set()
    process.stop_looking()
    if process.parts:
        process.parts.leases.stop()
    if process.meter:
        process.meter.close()
    stop_tracing()


def _build(process: Process, *, connections: int = 0) -> Services:
    most = connections or _CONNECTIONS.get(process.queue, process.size + 4)
    offload = _offload_green if POOLS[process.queue] == "gevent" else run_directly
    return build_services(
        process.settings,
        name=str(process.queue),
        connections=most,
        offload=offload,
        pool_wait_s=WORKER_POOL_WAIT_S,
    )


def _offload_green(work: Callable[[], T], /) -> T:
    """Run a blocking call in gevent's own threads, so that no stream waits for a disk."""
    import gevent

    result: T = gevent.get_hub().threadpool.apply(work)
    return result


def _prepare_child(**_: Any) -> None:
    die_with_parent()
    process = running()
    if process.meter:
        process.meter.count_in_child()
    start_tracing(process.settings, str(process.queue))
    process.parts = _build(process)
    process.parts.leases.start()
    if process.handback:
        process.handback.listen(lambda: _give_back(process))


def _give_back(process: Process) -> int:
    """In a child whose parent goes: take nothing more, and give the rows in work back."""
    process.stops_asked += 1
    return _release(process)


def _begin(**_: Any) -> None:
    """Celery consumes: tick, and mind the signals from here on."""
    process = running()
    services = process.parts or _build(process, connections=2)
    process.heartbeat = Heartbeat(
        process.settings.beat_file,
        every_s=process.settings.beat_every_s,
        look=lambda: _look_around(process, services),
        monotonic_s=services.clock.monotonic_s,
    )
    process.ticker = Ticker(
        services,
        queue=process.queue,
        name=services.owner,
        free=lambda: process.free,
        after=process.heartbeat.round,
    )
    process.ticker.start()
    if process.meter:
        process.meter.serve()
    if process.queue is Queue.TRANSFER:
        process.sweeper = Sweeper(services)
        process.sweeper.start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _ask_to_stop)
    threading.Thread(target=_watch, args=(process,), name="drain", daemon=True).start()
    print(f"worker {process.queue} ready", flush=True)  # noqa: T201  read by whoever started it


def _look_around(process: Process, services: Services) -> Sight:
    key = queue_key(process.queue)
    waiting = services.connection.read(lambda client: int(client.llen(key)))
    return Sight(waiting=waiting, free=process.free, taken=int(state.all_total_count[0]))


def _ask_to_stop(*_: Any) -> None:
    # A signal handler may interrupt anything: it sets flags, and the watching thread acts.
    process = running()
    process.stops_asked += 1
    state.should_stop = 0  # type: ignore[assignment]  # Celery sets an exit code here


def _watch(process: Process) -> None:
    """Wait for SIGTERM, then for the end of the work, the limit, or a second SIGTERM."""
    clock = (process.parts or _build(process, connections=2)).clock
    while not process.draining:
        if process.gone.wait(_WATCH_EVERY_S):
            return
    process.stop_looking()
    if process.heartbeat:
        process.heartbeat.drain(process.settings.drain_s + process.settings.handback_s)
    _log.info("drain", extra={"queue": process.queue, "in_work": len(state.reserved_requests)})
    limit_s = clock.monotonic_s() + process.settings.drain_s
    while process.stops_asked == 1 and clock.monotonic_s() < limit_s:
        if process.gone.wait(_WATCH_EVERY_S):
            return
    _leave(process)


def _release(process: Process) -> int:
    """Hand back the leases of steps that did not let go; without Redis they expire."""
    if process.parts is None:
        return 0
    try:
        return process.parts.leases.release_all()
    except StoreError as error:
        _log.warning("leases_not_released", extra={"why": error.code})
        return 0


def _leave(process: Process) -> None:
    """Shut streams down, give what is under way `handback_s` to let go, then go.

    Leases that are left over are handed back, by each child of a prefork worker its own.
    """
    if process.parts:
        process.parts.leases.hand_back()
    if process.gone.wait(process.settings.handback_s * 0.8):
        return
    left = len(state.reserved_requests)
    if process.handback:
        released = process.handback.ask(process.settings.handback_s * 0.1)
    else:
        released = _release(process)
    extra = {"queue": process.queue, "in_work": left, "released": released}
    _log.warning("drain_cut_short", extra=extra)
    for child in billiard.active_children():
        if child.pid:
            os.kill(child.pid, signal.SIGKILL)
    logging.shutdown()
    os._exit(1 if left else 0)
