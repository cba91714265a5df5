"""The Valkeys of a run: that of the jobs and, where a run wants it, one that counts outcomes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import redis

from cli.valkey import plan_valkey
from tests.chaos.proxy import Hub, StoreEar

#: Names of their processes.
MAIN, COUNTING = "valkey", "counting"


class StoreServer:
    """One server with its data below `folder`, as `caption-ab up` starts it."""

    def __init__(self, name: str, folder: Path, *, prefix: Sequence[str], fsync: str) -> None:
        valkey = plan_valkey(folder / name, os.environ, folder / "logs")
        self.name, self.child, self._url = name, valkey.child, valkey.url
        self._port = int(valkey.url.rsplit(":", 1)[1].partition("/")[0])
        self.child.name, self.child.log = name, folder / "logs" / f"{name}.log"
        self.child.argv = [*prefix, *self.child.argv, "--appendfsync", fsync]

    def connect(self) -> redis.Redis:
        """A client, not through a proxy."""
        return redis.Redis.from_url(self._url, decode_responses=True, protocol=2)

    def through(self, hub: Hub, who: str, ear: StoreEar) -> str:
        """Its address for a process, through a proxy of that process."""
        port = hub.to_store(who, self._port, ear)
        return self._url.replace(f":{self._port}/", f":{port}/")
