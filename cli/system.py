"""The whole system on this machine: Valkey, sandbox, workers, API, as child processes.

They start side by side where they can. They stop in the order API, workers (which drain), sandbox,
Valkey, so that nothing is accepted that nobody will work on, and the last writes find their store.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cli.children import Child, check_port, free_port, says, with_our_code
from cli.credentials import (
    FirstKey,
    keep_environment,
    load_first_key,
    load_secrets,
    without_client_names,
)
from cli.interrupt import Interrupt
from cli.valkey import plan_valkey
from service.errors import StartupError

QUEUES = ("flow", "transfer", "media", "hooks")
_MOST_RESTARTS = 5
_RESTART_PAUSE_S = 1.0
#: A child that has run this long since its last start has earned its restarts back.
_FORGIVEN_AFTER_S = 300.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start. `own` settings win over the environment, `defaults` give way to it."""

    folder: Path
    port: int
    redis_url: str = ""
    with_sandbox: bool = True
    sandbox_args: tuple[str, ...] = ()
    own: Mapping[str, str] = field(default_factory=dict, repr=False)
    defaults: Mapping[str, str] = field(default_factory=dict, repr=False)
    isolated: bool = False


class System:
    """Starts, watches and stops the children of one plan."""

    def __init__(self, plan: Plan, interrupt: Interrupt, tell: Callable[[str], None]) -> None:
        self.plan = plan
        self.url = f"http://127.0.0.1:{plan.port}"
        self.sandbox_url = ""
        self.children: list[Child] = []
        self.env: dict[str, str] = {}
        self._interrupt = interrupt
        self._tell = tell
        self._started_s: dict[str, float] = {}
        self._restart_at_s: dict[str, float] = {}

    def start(self) -> FirstKey:
        """Start everything and wait until it serves; the first API key is made on the way.

        Raises:
            StartupError: a part did not start; what it said is told.
            Interrupted: the user asked to stop.
        """
        folder = self.plan.folder
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        check_port(self.plan.port)
        self.env = self._base_env()
        self._start(*self._ground())
        keep_environment(folder, self.env)
        self._begin(*self._workers(), self._api())
        first_key = load_first_key(folder, self.env)
        self._await(*self.children[-len(QUEUES) - 1 :])
        return first_key

    def watch(self) -> None:
        """Look once after the children; start again those that died.

        Raises:
            StartupError: one of them keeps dying.
        """
        now_s = time.monotonic()
        for child in self.children:
            if child.running:
                if now_s - self._started_s[child.name] > _FORGIVEN_AFTER_S:
                    child.restarts = 0
            elif child.name not in self._restart_at_s:
                self._plan_restart(child, now_s)
            elif now_s >= self._restart_at_s[child.name]:
                del self._restart_at_s[child.name]
                self._begin_one(child)
                self._tell(f"{child.name} is started again")

    def stop(self) -> None:
        """Stop every child, whatever state the start was in."""
        groups: tuple[tuple[str, ...], ...] = (
            ("API",), tuple(f"worker {each}" for each in QUEUES), ("sandbox",), ("valkey",),
        )  # fmt: skip
        for names in groups:
            group = [child for child in self.children if child.name in names]
            for child in group:
                child.ask_to_stop()
            for child in group:
                child.stop()

    def hurry(self) -> None:
        """Kill what is still there: the user has asked twice."""
        for child in self.children:
            if child.running and child.process:
                child.process.kill()

    def _base_env(self) -> dict[str, str]:
        folder, plan = self.plan.folder, self.plan
        ours = ("CAPTION_AB_", "NEMO_")
        env = {
            name: value
            for name, value in without_client_names(os.environ).items()
            if not (plan.isolated and name.startswith(ours))
        }
        return {
            **plan.defaults,
            **with_our_code(env),
            "CAPTION_AB_FILES": str((folder / "files").resolve()),
            "CAPTION_AB_PUBLIC_URL": self.url,
            "CAPTION_AB_REDIS_URL": plan.redis_url,
            **load_secrets(folder).as_env(),
            **plan.own,
        }

    def _ground(self) -> list[Child]:
        """What the others stand on: Valkey and the sandbox."""
        logs, ground = self.plan.folder / "logs", []
        if not self.plan.redis_url:
            valkey = plan_valkey(self.plan.folder / "valkey", self.env, logs)
            valkey.child.death_signal = signal.SIGTERM
            self.env["CAPTION_AB_REDIS_URL"] = valkey.url
            ground.append(valkey.child)
        if self.plan.with_sandbox:
            ground.append(self._sandbox(logs))
        return ground

    def _sandbox(self, logs: Path) -> Child:
        port = free_port()
        self.sandbox_url = f"http://127.0.0.1:{port}"
        self.env |= {
            "NEMO_API_URL": self.sandbox_url,
            "NEMO_WEB_URL": self.sandbox_url,
            "NEMO_TRANSCRIBES": "false",
            "CAPTION_AB_BACKEND_LOOPBACK_PORTS": str(port),
        }
        argv = [
            *(sys.executable, "-m", "sandbox", "--port", str(port)),
            *("--data", str(self.plan.folder / "sandbox"), *self.plan.sandbox_args),
        ]
        return Child(
            "sandbox",
            argv,
            self.env,
            logs / "sandbox.log",
            is_ready=says("sandbox ready"),
            death_signal=signal.SIGTERM,
        )

    def _env_of(self, number: int) -> dict[str, str]:
        """The environment of one process: its metrics are served `number` ports above the first."""
        first = self.env.get("CAPTION_AB_METRICS_PORT", "")
        if not first.isdigit() or first == "0":
            return self.env
        return {**self.env, "CAPTION_AB_METRICS_PORT": str(int(first) + number)}

    def _workers(self) -> list[Child]:
        logs = self.plan.folder / "logs"
        drain_s = float(self.env.get("CAPTION_AB_DRAIN_S") or 930)
        handback_s = float(self.env.get("CAPTION_AB_HANDBACK_S") or 10)
        return [
            Child(
                f"worker {queue}",
                [sys.executable, "-m", "workers", queue],
                self._env_of(number),
                logs / f"worker-{queue}.log",
                is_ready=says(f"worker {queue} ready"),
                stop_s=drain_s + handback_s + 5,
            )
            for number, queue in enumerate(QUEUES, start=1)
        ]

    def _api(self) -> Child:
        return Child(
            "API",
            [sys.executable, "-m", "api", "--bind", f"127.0.0.1:{self.plan.port}"],
            self._env_of(0),
            self.plan.folder / "logs" / "api.log",
            is_ready=says("api ready"),
            death_signal=signal.SIGTERM,
        )

    def _start(self, *children: Child) -> None:
        self._begin(*children)
        self._await(*children)

    def _begin(self, *children: Child) -> None:
        for child in children:
            self._interrupt.check()
            self.children.append(child)
            self._begin_one(child)

    def _begin_one(self, child: Child) -> None:
        self._started_s[child.name] = time.monotonic()
        child.start()

    def _await(self, *children: Child) -> None:
        for child in children:
            child.wait_ready(self._interrupt)
            self._tell(f"{child.name} is ready")

    def _plan_restart(self, child: Child, now_s: float) -> None:
        code = child.process.returncode if child.process else None
        if child.restarts >= _MOST_RESTARTS:
            raise StartupError(
                f"{child.name} ended {child.restarts + 1} times, the last time with {code}.\n"
                f"{child.last_lines()}"
            )
        pause_s = _RESTART_PAUSE_S * 2**child.restarts
        child.restarts += 1
        self._restart_at_s[child.name] = now_s + pause_s
        self._tell(f"{child.name} ended with {code}; it is started again in {pause_s:.0f} s")


def remove_folder(folder: Path) -> None:
    """Remove a data folder that was made for one run."""
    shutil.rmtree(folder, ignore_errors=True)
