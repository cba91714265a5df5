"""TCP proxies that know what passes: one for each process's way to the store and to the backend.

An ear hears every request and every piece of an answer before it is passed on, and says what
becomes of it. So a process can be killed before a commit reaches the store, or after it has, before
the answer comes back, without a hook in the product.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.chaos.calls import Ask, Call, read_ask, read_call
from tests.chaos.resp import Messages, is_push

#: Small pieces, so that a file of some ten kB has a middle.
_PIECE_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of what was heard: passed after a while, or cut after a share of it."""

    cut: bool = False
    share: float = 0.0
    delay_s: float = 0.0


PASS = Verdict()
CUT = Verdict(cut=True)
HALVE = Verdict(cut=True, share=0.5)


class StoreEar(Protocol):
    """Hears what a process says to the store."""

    def asked_store(self, who: str, call: Call) -> Verdict: ...

    def store_answered(self, who: str, call: Call, reply: bytes) -> Verdict: ...


class BackendEar(Protocol):
    """Hears what a process says to the backend; `piece` counts from 1 in a request or answer."""

    def asked_backend(self, who: str, ask: Ask, piece: int) -> Verdict: ...

    def backend_answered(self, who: str, ask: Ask, piece: int) -> Verdict: ...


class _Cut(Exception):
    """The ear has said to end the connection."""


class Hub:
    """All proxies of a run, in one thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True)
        self._thread.start()
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []

    def to_store(self, who: str, port: int, ear: StoreEar) -> int:
        """A new port that leads to the store on `port`."""

        def pumps(link: _Link) -> tuple[Coroutine[Any, Any, None], Coroutine[Any, Any, None]]:
            calls: deque[Call] = deque()
            return _store_requests(link, calls, who, ear), _store_replies(link, calls, who, ear)

        return self._listen(port, pumps)

    def to_backend(self, who: str, port: int, ear: BackendEar) -> int:
        """A new port that leads to the backend on `port`."""

        def pumps(link: _Link) -> tuple[Coroutine[Any, Any, None], Coroutine[Any, Any, None]]:
            heard = _Heard()
            return _requests(link, heard, who, ear), _answers(link, heard, who, ear)

        return self._listen(port, pumps)

    def close(self) -> None:
        """Cut what is open and end the thread."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for writer in list(self._open):
            writer.transport.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _listen(self, port: int, pumps: Callable[[_Link], Any]) -> int:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._tasks.add(task)
            self._open.add(writer)
            try:
                await _serve(_Link(reader, writer), port, pumps, self._open)
            except asyncio.CancelledError:
                pass  # the run ends
            finally:
                self._open.discard(writer)
                self._tasks.discard(task)

        async def start() -> int:
            server = await asyncio.start_server(serve, "127.0.0.1", 0)
            self._servers.append(server)
            return int(server.sockets[0].getsockname()[1])

        return asyncio.run_coroutine_threadsafe(start(), self._loop).result(10)


@dataclass(slots=True)
class _Link:
    """A connection of a process, and the one to the server behind it."""

    near_in: asyncio.StreamReader
    near_out: asyncio.StreamWriter
    far_in: asyncio.StreamReader | None = None
    far_out: asyncio.StreamWriter | None = None


async def _serve(
    link: _Link, port: int, pumps: Callable[[_Link], Any], opened: set[asyncio.StreamWriter]
) -> None:
    try:
        link.far_in, link.far_out = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        link.near_out.transport.abort()
        return
    opened.add(link.far_out)
    tasks = [asyncio.ensure_future(each) for each in pumps(link)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        opened.discard(link.far_out)
        for writer in (link.near_out, link.far_out):
            # What was passed before a cut still arrives; then the connection ends.
            with contextlib.suppress(OSError, RuntimeError):
                writer.close()


async def _pass(writer: asyncio.StreamWriter, data: bytes, verdict: Verdict) -> None:
    if verdict.delay_s:
        await asyncio.sleep(verdict.delay_s)
    if verdict.cut:
        writer.write(data[: int(len(data) * verdict.share)])
        raise _Cut
    writer.write(data)
    await writer.drain()


async def _store_requests(link: _Link, calls: deque[Call], who: str, ear: StoreEar) -> None:
    assert link.far_out is not None
    messages = Messages()
    while data := await link.near_in.read(_PIECE_BYTES):
        for message in messages.feed(data):
            call = read_call(message)
            verdict = ear.asked_store(who, call)
            calls.append(call)
            await _pass(link.far_out, message, verdict)


async def _store_replies(link: _Link, calls: deque[Call], who: str, ear: StoreEar) -> None:
    assert link.far_in is not None
    messages = Messages()
    while data := await link.far_in.read(_PIECE_BYTES):
        for message in messages.feed(data):
            call = Call("push") if is_push(message) else calls.popleft()
            await _pass(link.near_out, message, ear.store_answered(who, call, message))


@dataclass(slots=True)
class _Heard:
    """The request that a connection is at."""

    ask: Ask = field(default_factory=lambda: Ask("", ""))
    asked: int = 0
    answered: int = 0


async def _requests(link: _Link, heard: _Heard, who: str, ear: BackendEar) -> None:
    assert link.far_out is not None
    while data := await link.near_in.read(_PIECE_BYTES):
        ask = read_ask(data)
        if ask is not None:
            heard.ask, heard.asked, heard.answered = ask, 0, 0
        heard.asked += 1
        await _pass(link.far_out, data, ear.asked_backend(who, heard.ask, heard.asked))


async def _answers(link: _Link, heard: _Heard, who: str, ear: BackendEar) -> None:
    assert link.far_in is not None
    while data := await link.far_in.read(_PIECE_BYTES):
        heard.answered += 1
        verdict = ear.backend_answered(who, heard.ask, heard.answered)
        await _pass(link.near_out, data, verdict)
