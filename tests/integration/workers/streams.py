"""A backend that does nothing but hold streams open until it is told to end them."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

_BEAT_S = 1.0
_VIDEO = {"tt": 0, "sg": [{"id": "video_1", "name": "clip.mp4", "start_ms": 0, "d": 2000}]}
_TEXT = {"tt": 7, "sg": [{"id": "text_1", "start_ms": 0, "d": 2000, "text": "Hello"}]}
_DONE = {"content": {"parts": [{"text": "Captions added."}]}, "author": "nemo_agent"}


@dataclass
class StreamServer:
    """Runs in a thread of its own. `edits` counts the paid messages that arrived, by edit id."""

    port: int = 0
    open: int = 0
    most_open: int = 0
    edits: Counter[str] = field(default_factory=Counter)
    edited: set[str] = field(default_factory=set)
    hung_up: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def start(self) -> None:
        started = threading.Event()
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(started),))
        self._thread.start()
        assert started.wait(10)

    def end_streams(self) -> None:
        """End all streams in this moment, each with its edit made."""
        self._loop.call_soon_threadsafe(self._ended.set)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(10)

    async def _serve(self, started: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended, self._stopped = asyncio.Event(), asyncio.Event()
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0, backlog=2048)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await self._stopped.wait()
        self._ended.set()
        server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0.2)  # each tells its handler that it is gone

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                line = (await reader.readline()).decode()
                if not line:
                    break
                headers = await _headers(reader)
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                path = line.split(" ")[1]
                if path == "/run_sse":
                    await self._stream(json.loads(body), headers, writer)
                    break
                reply = json.dumps(self._reply(path)).encode()
                head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                writer.write(f"{head}{len(reply)}\r\n\r\n".encode() + reply)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            self.hung_up += 1
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _stream(
        self, message: dict[str, Any], headers: dict[str, str], writer: asyncio.StreamWriter
    ) -> None:
        self.edits[headers["x-request-id"]] += 1
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        )
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            while not self._ended.is_set():
                _chunk(writer, b": heartbeat\n\n")
                await writer.drain()
                try:
                    await asyncio.wait_for(self._ended.wait(), _BEAT_S)
                except TimeoutError:
                    continue
            self.edited.add(message["session_id"])
            _chunk(writer, b"data: " + json.dumps(_DONE).encode() + b"\n\n")
            writer.write(b"0\r\n\r\n")
            await writer.drain()
            writer.write_eof()
            await asyncio.sleep(1)  # what was written goes out before the connection is aborted
        finally:
            self.open -= 1

    def _reply(self, path: str) -> dict[str, Any]:
        if path.startswith("/api/credits/"):
            left = 10_000_000 - 50 * len(self.edited)
            return {"code": 0, "data": {"available": left, "frozen": 0, "total": left}}
        if path.startswith("/api/state/"):
            session = path.split("/")[-2]
            draft = {"d": 2000, "t": [_VIDEO, _TEXT] if session in self.edited else [_VIDEO]}
            return {"code": 0, "data": {"session_id": session, "state": {"draft": draft}}}
        return {"status": "processing", "progress": 5}


async def _headers(reader: asyncio.StreamReader) -> dict[str, str]:
    found = {}
    while (line := (await reader.readline()).decode().strip()) != "":
        name, _, value = line.partition(":")
        found[name.lower()] = value.strip()
    return found


def _chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
