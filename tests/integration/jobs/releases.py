"""What a release has written: Redis and the backend as they stood, with a job in every state.

`python -m tests.integration.jobs.releases NAME` writes `tests/fixtures/releases/NAME.json` with the
code of this checkout; CONTRIBUTING.md says when. It uses only what earlier releases have too.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import redis

import service.wiring
from sandbox.config import SandboxConfig
from sandbox.media import inspect
from sandbox.render_job import Render
from sandbox.server import RunningSandbox, start_sandbox
from sandbox.sessions import Asset, Session
from sandbox.switches import Switches
from service.clock import FakeClock
from service.model.lifecycle import ENDED_CLIP, ENDED_CUT, ClipState, CutState
from service.nemo.tokens import ENV_ACCOUNT
from service.vault import new_vault_key
from tests.conftest import _run_valkey
from tests.integration.jobs.harness import Harness, Killed, make_settings

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "releases"
QUICK = Switches(edit_s=0.02, heartbeat_every_s=0.01, silent_rate=0.0, pending_s=0, processing_s=0)
TOKEN = "nmv_usr_sbx_release_100000"
HOOK_PORT = 1  # nobody listens there
_PLAIN = ("session_id", "ordinal", "task_id", "task_name", "user_id", "draft", "current")
_PLAIN += ("resolution", "timeline", "extras", "charged", "edits")
_RENDER = ("render_id", "session_id", "user_id", "created_ms", "resolution", "cdn_key")
_RENDER += ("spare_key", "request_id")
CLIP = FOLDER / "clip.mp4"


@dataclass(frozen=True)
class Release:
    """A fixture. `states` is what each job is there for, `sessions` the backend's part."""

    name: str
    now_ms: int
    secret_key: str
    backend_url: str
    keys: list[dict[str, Any]]
    sessions: list[dict[str, Any]]
    renders: list[dict[str, Any]]
    states: dict[str, str]

    def restore(self, client: redis.Redis, backend_url: str) -> None:
        """Write its keys into an empty Redis; addresses of its backend become this one's."""
        text = json.dumps(self.keys).replace(self.backend_url, backend_url)
        for key in json.loads(text):
            name, value = key["name"], key["value"]
            match key["type"]:
                case "string":
                    client.set(name, value)
                case "hash":
                    client.hset(name, mapping=value)
                case "set":
                    client.sadd(name, *value)
                case "list":
                    client.rpush(name, *value)
                case "zset":
                    client.zadd(name, value)
            if key["ttl_ms"] > 0:
                client.pexpire(name, key["ttl_ms"])

    def restore_backend(self, sandbox: RunningSandbox, clip: Path) -> None:
        """Give a sandbox the sessions that the release had open, with `clip` as every file."""
        for kept in self.sessions:
            assets = [
                Asset(
                    **each, path=clip, sha256="0" * 64, size=clip.stat().st_size,
                    media=inspect(clip, each["filename"]),
                )
                for each in kept["assets"]
            ]  # fmt: skip
            session = Session(**{name: kept[name] for name in _PLAIN}, assets=assets)
            sandbox.world.sessions._sessions[session.session_id] = session
            for asset in assets:
                sandbox.world.sessions._assets[asset.asset_id] = asset
        for one in self.renders:
            timing = {"pending_s": 0.0, "processing_s": 0.0, "started": 0.0}
            render = Render(**one, **timing, clock=sandbox.world.clock)
            sandbox.world.renders._renders[render.render_id] = render
            sandbox.world.renders._finish(render, clip, 2.0)

    def files(self) -> set[str]:
        """Keys of the job files that its rows and uploads name."""
        found = set()
        for key in self.keys:
            if key["type"] == "hash":
                doc = json.loads(key["value"].get("doc", "{}"))
                result = (doc.get("result") or {}).get("file", "")
                found |= {key["value"].get("file", ""), doc.get("file", ""), result}
        return found - {""}


def read_releases() -> list[Release]:
    """All fixtures, by name."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.json"))]
    return [Release(**json.loads(text)) for text in texts]


@contextmanager
def clock_stands(clock: FakeClock):
    """Services built inside have this clock."""
    real = service.wiring.AnchoredClock
    service.wiring.AnchoredClock = lambda *_: clock
    try:
        yield
    finally:
        service.wiring.AnchoredClock = real


class _DiesAfterCommit:
    """Commands of a worker that dies when a row has come to a state."""

    def __init__(self, commands: Any, state: str) -> None:
        self._commands, self._state = commands, state

    def __getattr__(self, name: str) -> Any:
        return getattr(self._commands, name)

    def commit(self, claim: Any, change: Any, *, now_ms: int) -> bool:
        canceled = self._commands.commit(claim, change, now_ms=now_ms)
        if change.state == self._state:
            raise Killed
        return bool(canceled)


def _run_to(engine: Harness, state: str) -> None:
    worker = engine.worker("doomed")
    doomed: Any = _DiesAfterCommit(worker.commands, state)
    with suppress(Killed):
        engine.run(lambda: False, replace(worker, commands=doomed))


def _write_jobs(engine: Harness, clip: Path) -> dict[str, str]:
    """One job in every state, the ended ones first: `engine` works on whatever is due."""
    states: dict[str, str] = {}
    hook = {"url": f"http://127.0.0.1:{HOOK_PORT}/", "events": ["job.*"]}

    def ended(how: str, **request: Any) -> str:
        job = engine.submit(clip, "A", **request)
        states[job] = how
        return job

    engine.run_job(ended("succeeded"))
    canceled = ended("canceled")
    engine.cancel(canceled)
    engine.run_job(canceled)
    waits = ended("action_required")
    engine.sandbox.world.accounts.set_available("user_release", 0)
    engine.run_until_paused(waits)
    engine.sandbox.world.accounts.set_available("user_release", 90_000)
    for state in (*CutState, *ClipState):
        if state in ENDED_CUT or state in ENDED_CLIP or state == CutState.ACTION_REQUIRED:
            continue
        with _only_new(engine):
            ended(f"{'clip' if isinstance(state, ClipState) else 'cut'} {state}")
            if state not in {CutState.QUEUED, ClipState.PENDING}:
                _reach(engine, state)
    with _only_new(engine):
        job = ended("comparing")
        engine.run(lambda: engine.read(job).status == "comparing")
    with _only_new(engine):
        job = ended("canceling")
        _run_to(engine, CutState.RENDERING)
        engine.cancel(job)
    with _only_new(engine):
        ended("delivery waiting", webhook=hook)
        engine.run(lambda: bool(engine.client.keys("cab:row:delivery:*")))
    ended("event waiting", webhook=hook)
    return states


def _reach(engine: Harness, state: CutState | ClipState) -> None:
    if state is CutState.RECOVERING:  # the sender dies, and the next one knows that it was lost
        _run_to(engine, CutState.CAPTIONING)
        engine.clock.advance(75)
    _run_to(engine, state)


@contextmanager
def _only_new(engine: Harness):
    """Rows that are there already are out of sight inside, so that they stay as they are."""
    kept = engine.client.zrange("cab:due", 0, -1, withscores=True)
    engine.client.delete("cab:due")
    yield
    if kept:
        engine.client.zadd("cab:due", dict(kept))


def _dump(client: redis.Redis) -> list[dict[str, Any]]:
    read: dict[str, Callable[[str], Any]] = {
        "string": client.get,
        "hash": client.hgetall,
        "set": lambda name: sorted(client.smembers(name)),
        "list": lambda name: client.lrange(name, 0, -1),
        "zset": lambda name: dict(client.zrange(name, 0, -1, withscores=True)),
    }
    keys = []
    for name in sorted(client.scan_iter("*")):
        kind = client.type(name)
        entry = {"name": name, "type": kind, "ttl_ms": client.pttl(name)}
        keys.append({**entry, "value": read[kind](name)})
    return keys


def _dump_sessions(sandbox: RunningSandbox) -> list[dict[str, Any]]:
    return [
        {
            **{name: getattr(session, name) for name in _PLAIN},
            "assets": [
                {name: getattr(asset, name) for name in ("asset_id", "cdn_key", "filename")}
                for asset in session.assets
            ],
        }
        for session in sandbox.world.sessions._sessions.values()
    ]


def write_release(name: str, folder: Path) -> Release:
    """Run jobs into every state with the code of this checkout, and take down what there is."""
    sandbox = start_sandbox(SandboxConfig(folder / "sbx", switches=QUICK, preset="ultrafast"))
    server = next(running := _run_valkey(folder, "--appendfsync", "no"))
    client = redis.Redis(
        unix_socket_path=str(server.socket), decode_responses=True, protocol=2
    )  # fmt: skip
    clock, secret_key = FakeClock(int(time.time() * 1000)), new_vault_key()
    settings = make_settings(
        sandbox.url, server.url, folder / "files", nemo_token=TOKEN, account_slots=100,
        secret_keys=(secret_key,), caller_http=True, caller_loopback_ports=(HOOK_PORT,),
    )  # fmt: skip
    with clock_stands(clock):
        states = _write_jobs(Harness(sandbox, client, settings, clock, ENV_ACCOUNT), CLIP)
    kept = Release(
        name,
        clock.now_ms(),
        secret_key,
        sandbox.url,
        _dump(client),
        _dump_sessions(sandbox),
        [
            {field: getattr(render, field) for field in _RENDER}
            for render in sandbox.world.renders._renders.values()
        ],
        states,
    )
    client.close()
    running.close()
    sandbox.stop()
    return kept


def main(name: str) -> None:
    """Write the fixture of this checkout."""
    with tempfile.TemporaryDirectory(prefix="cab-") as text:
        kept = write_release(name, Path(text))
    path = FOLDER / f"{name}.json"
    path.write_text(json.dumps(asdict(kept), indent=1, ensure_ascii=False) + "\n", "utf-8")
    sys.stdout.write(f"{path.name}: {len(kept.states)} jobs, {len(kept.keys)} keys\n")


if __name__ == "__main__":
    main(sys.argv[1])
