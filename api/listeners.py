"""Who listens to jobs in this process: one reader of Redis for all of them.

It asks for the sequences of all jobs listened to in one exchange, and for the events of those that
have moved in another. That needs no channel that could be lost: while Redis is away nothing is
told, and afterwards what has happened meanwhile.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from api.problems import TooManyStreams
from service.clock import Clock
from service.errors import CaptionAbError, QuotaExceeded
from service.model.lifecycle import ENDED_JOB
from service.settings import Settings
from service.store.connection import Connection
from service.store.news import Standing, read_bodies, read_standings

#: Waiting for a listener, at most, when it has not taken what came before.
MOST_WAITING_BYTES = 256 * 1024
#: Jobs asked for in one exchange: more at once would hold up the requests beside it.
_BATCH = 50
#: The least pause between two looks, however many come to listen.
_PAUSE_S = 0.05
_RETRY_MS = 2000
log = logging.getLogger("caption_ab.api")


class Line:
    """The connection that a stream is sent on; this one is never cut and never breaks."""

    def hang_up(self) -> None:
        """End it at once, also while something is being sent."""

    def has_gone(self) -> bool:
        """Whether the other end has closed it."""
        return False


class Listener:
    """One stream: what waits to be sent on it."""

    def __init__(self, job_id: str, after: int, key: str, line: Line) -> None:
        self.job_id = job_id
        self.key = key
        #: The sequence of the last event that was put here.
        self.at = after
        self.line = line
        self.ended = False
        self._lock = threading.Lock()
        self._ready = threading.Event()
        self._waiting: list[bytes] = []
        self._since_s: float | None = None

    def put(self, frames: Sequence[bytes], now_s: float) -> None:
        """Let events wait for being sent."""
        with self._lock:
            self._waiting.extend(frames)
            self._since_s = now_s if self._since_s is None else self._since_s
        self._ready.set()

    def is_slow(self, now_s: float, slow_s: float) -> bool:
        """Whether what waits here is too old or too much."""
        with self._lock:
            if self._since_s is None:
                return False
            size = sum(map(len, self._waiting))
            return now_s - self._since_s > slow_s or size > MOST_WAITING_BYTES

    def end(self) -> None:
        """Let the stream end when all that waits has been sent."""
        self.ended = True
        self._ready.set()

    def take(self, wait_s: float) -> list[bytes] | None:
        """What waits, empty when nothing has come; none at the end."""
        self._ready.wait(wait_s)
        with self._lock:
            taken, self._waiting, self._since_s = self._waiting, [], None
            if not self.ended:
                self._ready.clear()
        return None if self.ended and not taken else taken


class Listeners:
    """All streams of a process, and the thread that fills them."""

    def __init__(self, connection: Connection, settings: Settings, clock: Clock) -> None:
        self._connection = connection
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._all: set[Listener] = set()
        self._stopped = False
        self._reader: threading.Thread | None = None
        self._away = False

    def open(self, job_id: str, after: int, key: str, line: Line) -> Listener:
        """Listen to a job from behind a sequence.

        Raises:
            TooManyStreams: this process has as many as it may, or is about to end.
            QuotaExceeded: this key has.
        """
        with self._lock:
            if self._is_full(key):
                # Silent clients are met at the next heartbeat only; whoever comes back is not
                # to wait for that.
                self._all -= {each for each in self._all if each.line.has_gone()}
            if self._stopped or len(self._all) >= self._settings.listeners:
                raise TooManyStreams
            if self._is_full(key):
                raise QuotaExceeded(
                    f"This key has {self._settings.listeners_per_key} streams open here, "
                    "which is its limit.",
                    hint="Close one, or ask for the events as JSON.",
                )
            listener = Listener(job_id, after, key, line)
            self._all.add(listener)
            if self._reader is None:
                self._reader = threading.Thread(target=self._run, name="listeners", daemon=True)
                self._reader.start()
        self._wake.set()
        return listener

    def _is_full(self, key: str) -> bool:
        own = sum(each.key == key for each in self._all)
        return own >= self._settings.listeners_per_key or len(self._all) >= self._settings.listeners

    def close(self, listener: Listener) -> None:
        """Forget a stream; it may have been forgotten before."""
        with self._lock:
            self._all.discard(listener)

    def stop(self) -> None:
        """End all streams and take no more: the process is about to end."""
        with self._lock:
            self._stopped = True
            ending = list(self._all)
        for each in ending:
            each.end()
        self._wake.set()

    def look(self) -> None:
        """Tell every listener what has happened since it was told last; cut those that are slow.

        Raises:
            StoreUnavailable: Redis does not answer; nothing was told that will not be told again.
        """
        with self._lock:
            waiting = list(self._all)
        now_s = self._clock.monotonic_s()
        for each in [each for each in waiting if each.is_slow(now_s, self._settings.slow_stream_s)]:
            log.info("stream_cut", extra={"job": each.job_id, "at_sequence": each.at})
            self.close(each)
            each.end()
            each.line.hang_up()
        by_job: dict[str, list[Listener]] = {}
        for each in waiting:
            by_job.setdefault(each.job_id, []).append(each)
        for job_ids in _batches(by_job):
            self._tell({job_id: by_job[job_id] for job_id in job_ids})
            self._clock.sleep(0)

    def _tell(self, by_job: dict[str, list[Listener]]) -> None:
        standings = read_standings(self._connection, list(by_job))
        behind = {
            job_id: min(each.at for each in by_job[job_id])
            for job_id, standing in standings.items()
            if any(each.at < standing.sequence for each in by_job[job_id])
        }
        bodies = read_bodies(self._connection, behind)
        for job_id, listeners in by_job.items():
            frames = [write_event(body) for body in bodies.get(job_id, [])]
            for each in listeners:
                fresh = frames[max(0, each.at - behind.get(job_id, 0)) :]
                if fresh:
                    each.at += len(fresh)
                    each.put(fresh, self._clock.monotonic_s())
                if has_told_all(standings.get(job_id), each.at):
                    self.close(each)
                    each.end()

    def _run(self) -> None:
        while not self._stopped:
            self._wake.wait(self._settings.listen_every_s if self._all else None)
            self._wake.clear()
            try:
                self.look()
                self._away = False
            except CaptionAbError as error:
                if not self._away:
                    log.warning("listeners_wait", extra={"code": error.code})
                self._away = True
                self._clock.sleep(self._settings.listen_every_s)
            except Exception:
                log.exception("listeners_broken")
                self._clock.sleep(self._settings.listen_every_s)
            self._clock.sleep(_PAUSE_S)


def has_told_all(standing: Standing | None, at: int) -> bool:
    """Whether a stream is at its end: its job has gone, or has ended and all of it was told."""
    return standing is None or (standing.status in ENDED_JOB and at >= standing.sequence)


def write_event(body: str) -> bytes:
    """A frozen event as one of a stream: its sequence, its type, its bytes."""
    event = json.loads(body)
    return f"id: {event['sequence']}\nevent: {event['type']}\ndata: {body}\n\n".encode()


def stream(
    listener: Listener, heartbeat_s: float, may_listen: Callable[[], bool]
) -> Iterator[bytes]:
    """What is sent on a stream, until its end: events as they come, else a comment now and then.

    It ends too when whoever listens may do so no more, which is asked before each piece.
    """
    yield f"retry: {_RETRY_MS}\n\n".encode()
    while (taken := listener.take(heartbeat_s)) is not None:
        if not may_listen():
            return
        yield b"".join(taken) or b": still here\n\n"


def _batches(by_job: dict[str, list[Listener]]) -> Iterator[list[str]]:
    names = iter(by_job)
    while batch := list(islice(names, _BATCH)):
        yield batch
