"""What others see of the running system: its OpenAPI document, by Schemathesis and by a client that
is made from it, and its webhooks, by verifiers that know nothing of it.

`python -m tests.contract.run [--examples N] [--seed N]`; its tools are those of
requirements-contract.lock, in the venv that `.ci/contract` makes, and those of tests/contract/node.
Everything runs on this machine, with the sandbox.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from cli.children import free_port
from tests.contract.signatures import collect_messages
from tests.receiver import Receiver

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
TOOLS = ROOT / ".cache" / "contract-tools" / "bin"
NODE = ROOT / ".cache" / "contract-node"
_START_S = 120.0
_CLIP = ".cache/footage/bigbuckbunny.mp4"
_ADMIN = "^/v1/admin"
#: What a fuzzer would run into, and nothing else.
_NO_LIMITS = {
    "CAPTION_AB_TENANT_OPEN_JOBS": "100000",
    "CAPTION_AB_KEY_REQUESTS_PER_MINUTE": "0",
    "CAPTION_AB_KEY_JOBS_PER_MINUTE": "0",
    "CAPTION_AB_WEBHOOK_ENDPOINTS": "100000",
}


@dataclass(frozen=True, slots=True)
class Running:
    """A system: its address, a tenant's key with all scopes but admin and what signs its webhooks,
    and an operator's key.
    """

    url: str
    key: str
    secret: str
    operator_key: str


@contextmanager
def running(folder: Path, receiver: Receiver) -> Iterator[Running]:
    """`caption-ab up` in a folder of its own; webhooks may go to the receiver."""
    port = free_port()
    # A backend that costs money may be named in the environment: what is fuzzed is the sandbox.
    ours = ("CAPTION_AB_", "NEMO_")
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith(ours)},
        **_NO_LIMITS,
        "CAPTION_AB_CALLER_LOOPBACK_PORTS": str(receiver.port),
    }
    command = [sys.executable, "-m", "cli", "up", "--data", str(folder), "--port", str(port)]
    with (folder.parent / "up.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(process, url, folder)
        first = json.loads((folder / "first-key.json").read_text())
        yield Running(url, first["api_key"], first["webhook_secret"], _make_operator(folder))
        requests.get(f"{url}/readyz", timeout=10).raise_for_status()
    finally:
        process.terminate()
        process.wait(60)


def _make_operator(folder: Path) -> str:
    command = ["keys", "create", "--data", str(folder), "--json", "--operator"]
    options = ["--name", "operators", "--scopes", "admin,jobs:read,jobs:write,webhooks"]
    made = subprocess.run(
        [sys.executable, "-m", "cli", *command, *options],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return str(json.loads(made.stdout)["api_key"])


def _wait(process: subprocess.Popen[bytes], url: str, folder: Path) -> None:
    until_s = time.monotonic() + _START_S
    while time.monotonic() < until_s and process.poll() is None:
        try:
            ready = requests.get(f"{url}/readyz", timeout=5).ok
        except requests.RequestException:
            ready = False
        if ready and (folder / "first-key.json").exists():
            return
        time.sleep(0.2)
    raise SystemExit(f"the system did not start; see {folder.parent / 'up.log'}")


def fuzz(system: Running, examples: int, seed: int) -> int:
    """Every check of Schemathesis over the whole document; its exit code.

    What needs the scope `admin` is asked with an operator's key, in a run of its own.
    """
    dice = ("--max-examples", str(examples), "--seed", str(seed))
    tenant = _fuzz(system, system.key, *dice, "--exclude-path-regex", _ADMIN)
    # The one thing deleted there is a key, and it stays to be seen, as revoked, for 30 days.
    admin = ("--include-path-regex", _ADMIN, "--exclude-checks", "use_after_free")
    return max(tenant, _fuzz(system, system.operator_key, *dice, *admin))


def _fuzz(system: Running, key: str, *which: str) -> int:
    env = {**os.environ, "PYTHONPATH": str(HERE), "SCHEMATHESIS_HOOKS": "serializers"}
    command = [
        *(str(TOOLS / "schemathesis"), "--config-file", str(HERE / "schemathesis.toml"), "run"),
        *(f"{system.url}/openapi.json", *which, "--checks", "all", "--workers", "1"),
        "--continue-on-failure",
        *("--header", f"Authorization: Bearer {key}"),
    ]
    return subprocess.run(command, check=False, env=env, cwd=ROOT / ".cache").returncode


def use_client(system: Running, folder: Path) -> int:
    """Make a client by openapi-python-client and let it run the quick workflow; an exit code."""
    document = folder / "openapi.json"
    document.write_text(requests.get(f"{system.url}/openapi.json", timeout=30).text)
    made = folder / "client"
    generate = [
        *(str(TOOLS / "openapi-python-client"), "generate", "--path", str(document)),
        *("--output-path", str(made), "--meta", "none", "--fail-on-warning"),
        *("--config", str(HERE / "client.yaml")),
    ]
    code = subprocess.run(generate, check=False, env={**os.environ, "PATH": _path()}).returncode
    if code:
        return code
    quick = [str(TOOLS / "python3"), str(HERE / "quick.py"), system.url, str(ROOT / _CLIP)]
    env = {**os.environ, "PYTHONPATH": str(folder), "CAPTION_AB_KEY": system.key}
    return subprocess.run(quick, check=False, env=env).returncode


def verify(system: Running, receiver: Receiver, folder: Path) -> int:
    """Webhooks that the system sends, judged by PyPI's and npm's verifiers; an exit code."""
    job = {
        "clips": [{"url": f"http://localhost:{receiver.port}/clip.mp4"}],
        "captions": {"text": "1\n00:00:00,500 --> 00:00:01,500\nFrühling 春\n"},
        "name": "Frühling 春",
        "webhook": {"url": receiver.url, "events": ["*"]},
    }
    headers = {"Authorization": f"Bearer {system.key}"}
    asked = requests.post(f"{system.url}/v1/jobs", json=job, headers=headers, timeout=30)
    asked.raise_for_status()
    place = f"{system.url}/v1/jobs/{asked.json()['id']}"
    requests.post(f"{place}/cancel", headers=headers, timeout=30).raise_for_status()
    received = receiver.wait_for(2, 60)
    messages = folder / "messages.json"
    messages.write_text(json.dumps(collect_messages(received, system.secret)))
    judges = [[str(TOOLS / "python3"), str(HERE / "verify.py")]]
    if (NODE / "verify.mjs").exists():  # npm is there
        judges.append(["node", str(NODE / "verify.mjs")])
    return max(subprocess.run([*each, str(messages)], check=False).returncode for each in judges)


def _path() -> str:
    return f"{TOOLS}{os.pathsep}{os.environ.get('PATH', '')}"


def main() -> int:
    """All three; 0 when none found anything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=100, help="for each operation and phase")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32), help="of the fuzzer")
    options = parser.parse_args()
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
    with tempfile.TemporaryDirectory(prefix="contract-") as name:
        folder = Path(name)
        with Receiver() as receiver, running(folder / "data", receiver) as system:
            found = [verify(system, receiver, folder), use_client(system, folder)]
            found.append(fuzz(system, options.examples, options.seed))
    return max(found)


if __name__ == "__main__":
    sys.exit(main())
