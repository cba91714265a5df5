"""Every process of the system as in production, each behind proxies of its own, kept running."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
import requests

from cli.children import Child, free_port, says
from cli.credentials import create_key, load_secrets
from cli.interrupt import Interrupt
from tests.chaos.journal import Journal
from tests.chaos.proxy import Hub
from tests.chaos.scale import Production, Scale
from tests.chaos.stores import COUNTING, MAIN, StoreServer
from tests.chaos.watch import Watch
from tests.chaos.witness import Witness

#: Name of a process and the queue that it serves.
WORKERS = {
    "flow-1": "flow",
    "flow-2": "flow",
    "transfer": "transfer",
    "media": "media",
    "hooks": "hooks",
}
API = "api"
_LOOK_EVERY_S = 0.05
_CREDITS = 10_000_000
#: What the sandbox does unless a test says otherwise.
SWITCHES = {"render": "copy", "edit_s": 1.0, "pending_s": 0.3, "processing_s": 0.5,
            "heartbeat_every_s": 0.2, "gui_phrases": "none"}  # fmt: skip


@dataclass(slots=True)
class Plan:
    """What a run wants to be otherwise: where, how fast, and how Valkey is started.

    `own_env` is added to the environment of single processes, by name; with `counts_apart`
    outcomes of experiments are counted in a Valkey of their own; `valkey_prefix` is put before
    the command of the Valkey that is `prefixed`.
    """

    folder: Path
    receiver_port: int
    scale: Scale | Production = field(default_factory=Scale)
    own_env: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    valkey_prefix: Sequence[str] = ()
    prefixed: str = MAIN
    fsync: str = "always"
    counts_apart: bool = False


class Fleet:
    """Starts the processes, kills and stops them, and starts again what has died."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.hub = Hub()
        self.journal = Journal()
        self.watch = Watch(self.journal, self.kill, self.stop_for, WORKERS)
        self.witness = Witness()
        self.children: dict[str, Child] = {}
        self.key: dict[str, str] = {}
        self._stores: dict[str, StoreServer] = {}
        self._held: set[str] = set()
        self._lock = threading.RLock()
        self._ending = threading.Event()
        self._timers: list[threading.Timer] = []
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._logs = plan.folder / "logs"

    def __enter__(self) -> Fleet:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- what it is made of

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._api_port}"

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self._sandbox_port}"

    def store(self, name: str = MAIN) -> redis.Redis:
        """A client of a store, not through a proxy."""
        return self._stores[name].connect()

    def books(self) -> dict[str, Any]:
        """The sandbox's books."""
        reply = requests.get(f"{self.sandbox_url}/_sandbox/books", timeout=30)
        reply.raise_for_status()
        body: dict[str, Any] = reply.json()
        return body

    def switch(self, **switches: object) -> None:
        """Change how the sandbox behaves."""
        url = f"{self.sandbox_url}/_sandbox/switches"
        requests.post(url, json=switches, timeout=10).raise_for_status()

    def forget_books(self) -> None:
        """Begin a new sandbox, with the switches of the start."""
        url = f"{self.sandbox_url}/_sandbox/reset"
        reply = requests.post(
            url, json={"what": ["books", "switches", "rules", "world"]}, timeout=10
        )
        reply.raise_for_status()
        self.switch(**SWITCHES)

    # ---- what is done to it

    def kill(self, name: str) -> None:
        """Kill -9 a process with all it has started; the keeper starts it again."""
        if not self.children[name].running:
            return
        self.journal.killed(name)
        self.watch.process_died(name)
        self._signal(name, signal.SIGKILL)

    def stop_for(self, name: str, seconds: float) -> None:
        """Stop a process, and let it go on after a while."""
        child = self.children[name]
        process = child.process
        self.journal.count(f"stop {name}")
        fault = self.watch.struck(f"stop {name}", name)
        self._signal(name, signal.SIGSTOP)

        def go_on() -> None:
            if child.process is process:
                self._signal(name, signal.SIGCONT)
            self.watch.faults.end(fault, time.monotonic())

        timer = threading.Timer(seconds, go_on)
        timer.daemon = True
        self._timers.append(timer)
        timer.start()

    def hold(self, name: str) -> None:
        """Do not start a process again until `release`."""
        self._held.add(name)

    def release(self, name: str) -> None:
        self._held.discard(name)

    def await_ready(self, *names: str) -> None:
        """Wait until processes say that they serve."""
        for name in names or self.children:
            until_s = time.monotonic() + 90
            while not self._is_ready(name):
                if time.monotonic() > until_s:
                    raise AssertionError(f"{name} is not ready\n{self.children[name].last_lines()}")
                time.sleep(_LOOK_EVERY_S)

    def pid(self, name: str) -> int:
        return self.children[name].pid

    def _is_ready(self, name: str) -> bool:
        child = self.children[name]
        return child.running and child.is_ready(child.printed())

    def _signal(self, name: str, number: int) -> None:
        with self._lock, contextlib.suppress(ProcessLookupError):
            child = self.children[name]
            if child.running:
                os.killpg(child.pid, number)

    # ---- start and end

    def _start(self) -> None:
        self.plan.folder.mkdir(parents=True, exist_ok=True)
        self._api_port, self._sandbox_port = free_port(), free_port()
        interrupt = Interrupt()
        self._plan_stores()
        self.children["sandbox"] = self._sandbox()
        for child in self.children.values():
            child.start()
        for child in self.children.values():
            child.wait_ready(interrupt)
        self.switch(**SWITCHES)
        envs = self._process_envs()
        self.key = create_key(envs[API], name="chaos", account="default")
        for name, env in envs.items():
            self.children[name] = self._child(name, env)
        self._keeper.start()
        self.witness.start()
        self.await_ready()

    def _plan_stores(self) -> None:
        plan = self.plan
        for name in (MAIN, COUNTING) if plan.counts_apart else (MAIN,):
            prefix = plan.valkey_prefix if name == plan.prefixed else ()
            self._stores[name] = StoreServer(name, plan.folder, prefix=prefix, fsync=plan.fsync)
            self.children[name] = self._stores[name].child

    def _sandbox(self) -> Child:
        folder = self.plan.folder / "sandbox"
        argv = [sys.executable, "-m", "sandbox", "--port", str(self._sandbox_port)]
        argv += ["--data", str(folder), "--render", "copy"]
        return self._made("sandbox", argv, dict(os.environ), says("sandbox ready"))

    def _process_envs(self) -> dict[str, dict[str, str]]:
        """The settings of each process: the same but for the ports of its proxies."""
        folder = self.plan.folder
        backend = {
            name: self.hub.to_backend(name, self._sandbox_port, self.watch)
            for name in (*WORKERS, API)
        }
        common = {
            **os.environ,
            **self.plan.scale.as_env(),
            **load_secrets(folder).as_env(),
            "CAPTION_AB_FILES": str(folder / "files"),
            "CAPTION_AB_PUBLIC_URL": self.url,
            "CAPTION_AB_ACCEPT": "strict" if self.plan.fsync == "always" else "fast",
            # A result's address has the port of whoever looked for it.
            "CAPTION_AB_BACKEND_LOOPBACK_PORTS": ",".join(str(each) for each in backend.values()),
            "CAPTION_AB_CALLER_LOOPBACK_PORTS": str(self.plan.receiver_port),
            "NEMO_TOKEN": f"nmv_usr_sbx_chaos_{_CREDITS}",
            "NEMO_TRANSCRIBES": "false",
        }
        return {
            name: {
                **common,
                **self._store_urls(name),
                "NEMO_API_URL": f"http://127.0.0.1:{port}",
                "NEMO_WEB_URL": f"http://127.0.0.1:{port}",
                **self.plan.own_env.get(name, {}),
            }
            for name, port in backend.items()
        }

    def _store_urls(self, name: str) -> dict[str, str]:
        settings = {MAIN: "CAPTION_AB_REDIS_URL", COUNTING: "CAPTION_AB_EXPERIMENTS_REDIS_URL"}
        return {
            settings[each.name]: each.through(self.hub, name, self.watch)
            for each in self._stores.values()
        }

    def _child(self, name: str, env: dict[str, str]) -> Child:
        if name == API:
            argv = [sys.executable, "-m", "api", "--bind", f"127.0.0.1:{self._api_port}"]
            return self._made(name, argv, env, says("api ready"))
        queue = WORKERS[name]
        argv = [sys.executable, "-m", "workers", queue]
        return self._made(name, argv, env, says(f"worker {queue} ready"))

    def _made(self, name: str, argv: list[str], env: dict[str, str], ready: Any) -> Child:
        return Child(name, argv, env, self._logs / f"{name}.log", is_ready=ready)

    def _keep(self) -> None:
        """Start what is not running; in one thread, which its children are tied to."""
        while not self._ending.wait(_LOOK_EVERY_S):
            for name, child in list(self.children.items()):
                if child.running or name in self._held or self._ending.is_set():
                    continue
                with self._lock:
                    if child.process is not None:
                        served = child.is_ready(child.printed())
                        self.journal.restarted(name, child.process.returncode, served=served)
                    child.start()
                    self.watch.process_started(name)

    def close(self) -> None:
        """End everything; nothing is left behind."""
        self._ending.set()
        self.witness.stop()
        for timer in self._timers:
            timer.cancel()
        if self._keeper.ident is not None:
            self._keeper.join(10)
        for child in reversed(self.children.values()):
            if child.process is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.process.pid, signal.SIGKILL)
                child.process.wait(10)
        self.hub.close()
