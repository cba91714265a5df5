"""What is acknowledged is on a disk: system calls of the real server, watched by strace."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from service.clock import FakeClock
from service.model.cut import CutDoc, EditIntent
from service.model.documents import write_document
from service.settings import Settings
from service.store.policy import check_policy
from tests.builders import a_new_job, a_spec
from tests.conftest import valkey_binary
from tests.integration.store.conftest import Store
from tests.integration.store.invariants import assert_invariants

COUNT = 100
_CALL = re.compile(r"^(?:\d+ +)?(?P<call>\w+)\((?P<fd>\d+)<(?P<path>[^>]*)>(?P<rest>.*)")


@pytest.fixture(params=["always", "no"])
def watched(request) -> Iterator[tuple[redis.Redis, Path, str]]:
    """A server under strace that has `appendfsync` as given; its log of system calls."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not on the PATH; it shows what the server does before it replies")
    with tempfile.TemporaryDirectory(prefix="cab-") as folder:
        log, socket = Path(folder) / "calls", Path(folder) / "valkey.sock"
        calls = "trace=write,writev,pwrite64,fdatasync,fsync,sendto,sendmsg"
        command = [strace, "-f", "-y", "-s", "64", "-e", calls, "-o", str(log), valkey_binary()]
        command += ["--port", "0", "--unixsocket", str(socket), "--dir", folder, "--save", ""]
        command += ["--appendonly", "yes", "--appendfsync", request.param]
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        client = redis.Redis(
            unix_socket_path=str(socket),
            decode_responses=True,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
        )
        try:
            _wait_until_up(client, process)
            yield client, log, request.param
        finally:
            _end(client, process)


def _wait_until_up(client: redis.Redis, process: subprocess.Popen[bytes]) -> None:
    until_s = time.monotonic() + 20
    while time.monotonic() < until_s and process.poll() is None:
        try:
            client.ping()
        except redis.ConnectionError:
            time.sleep(0.02)
        else:
            return
    assert process.stderr is not None
    process.kill()
    said = process.stderr.read().decode(errors="replace")
    if "ptrace" in said.lower():
        pytest.skip(f"strace may not watch processes here: {said.strip()[-200:]}")
    pytest.fail(f"the server did not start under strace: {said[-500:]}")


def _end(client: redis.Redis, process: subprocess.Popen[bytes]) -> None:
    """The server ends itself, and strace with it; a signal to strace would only detach it."""
    if process.poll() is None:
        client.shutdown(nosave=True)
        process.wait(10)
    client.close()
    assert process.stderr is not None
    process.stderr.close()


@pytest.mark.slow
def test_no_job_and_no_intent_is_acknowledged_before_it_is_on_disk(watched):
    # Given a server that syncs always (and, to show that this test can fail, one that does not),
    client, log, fsync = watched
    store = Store(client, FakeClock(), replace(Settings(), account_slots=COUNT))
    # When a hundred jobs are accepted, and a hundred intents written, one by one,
    client.echo("=accept=")
    jobs = [store.accept(a_new_job(a_spec(variants="A"))) for _ in range(COUNT)]
    client.echo("=prepare=")
    claims = []
    for job in jobs:
        clip, cut = [row.row for row in job.rows]
        store.end(clip, "ready", wake=[cut])
        claims.append(store.claim(cut))
    client.echo("=intent=")
    for number, claim in enumerate(claims):
        intent = EditIntent(f"edt_{number}", claim.fence, "hash", "before", store.now_ms)
        store.commit(
            claim, "captioning", keep=True, doc=write_document(CutDoc(0, "A", intent=intent))
        )
    client.echo("=end=")
    assert_invariants(client)
    # Then each reply came after an fdatasync that followed its write to the log.
    accepted = replies(log, "=accept=", "=prepare=")
    intended = replies(log, "=intent=", "=end=")
    if fsync == "always":
        assert accepted.count("durable") == COUNT
        assert intended.count("durable") == COUNT
        assert "early" not in accepted + intended
        assert check_policy(store.connection, store.settings).durable
    else:
        assert accepted.count("early") == COUNT
        assert intended.count("early") == COUNT


def replies(log: Path, begin: str, end: str) -> list[str]:
    """Replies between two marks: `durable`, `early` (before the sync), or `plain` (wrote nothing).

    The server has one thread for commands, so the order of lines is the order of events.
    """
    found: list[str] = []
    inside = written = synced = False
    for line in log.read_text(errors="replace").splitlines():
        call = _CALL.match(line)
        if call is None:
            continue
        if ".aof" in call["path"]:
            if call["call"] in {"fdatasync", "fsync"}:
                synced = synced or (written and "= 0" in call["rest"])
            else:
                written, synced = True, False
        elif begin in call["rest"]:
            inside, written, synced = True, False, False
        elif end in call["rest"]:
            return found
        elif inside and call["path"].startswith(("UNIX", "socket")):
            found.append("plain" if not written else "durable" if synced else "early")
            written = synced = False
    raise AssertionError(f"no mark {end} in the log")
