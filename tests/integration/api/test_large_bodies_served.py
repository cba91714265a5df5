"""What large bodies cost the production server, by the processor's time of its process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.conftest import ROOT, ValkeyServer
from tests.integration.api.test_server import environment

TIMES = 8
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@pytest.fixture
def served(durable_valkey_server: ValkeyServer, tmp_path: Path) -> Iterator[tuple[int, str, str]]:
    """The process that answers, its address and a key."""
    env = environment(durable_valkey_server, tmp_path)
    command = [sys.executable, "-m", "api.keys", "create", "--name", "t"]
    made = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    with subprocess.Popen(
        [sys.executable, "-m", "api", "--bind", "127.0.0.1:0", "--loglevel", "warning"],
        env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        url = process.stdout.readline().split()[2]
        (worker,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        yield int(worker), url, json.loads(made.stdout)["api_key"]
        process.terminate()


def ticks_of(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_lists_in_a_body_cost_little_more_than_numbers(served, socket_enabled):
    pid, url, key = served
    took = {}
    for kind, each, count in (("numbers", "0", 440_000), ("lists", "[]", 290_000)):
        body = f'{{"clips":[{",".join([each] * count)}]}}'
        before = ticks_of(pid)
        for _ in range(TIMES):
            reply = requests.post(
                f"{url}/v1/jobs",
                data=body,
                headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
                timeout=30,
            )
            assert reply.status_code == 422
        took[kind] = (ticks_of(pid) - before) / TICKS_A_SECOND / TIMES
    assert took["lists"] < 4 * took["numbers"] + 0.02
