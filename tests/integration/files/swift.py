"""Debian's Swift with its S3 front: a real server that checks signatures, on this machine alone.

One device, three rings, one process each for accounts, containers, objects and the front. Nothing
outside the given folder is written.
"""

from __future__ import annotations

import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

import pytest

from cli.children import free_port

ACCESS_KEY, SECRET_KEY, REGION = "test:tester", "testing", "us-east-1"
_RINGS = ("account", "container", "object")
_PROXY_LINE = "catch_errors cache bulk s3api tempauth slo versioned_writes proxy-server"
_UP_WITHIN_S = 90
_DOOR = {"X-Auth-User": ACCESS_KEY, "X-Auth-Key": SECRET_KEY}


@dataclass(frozen=True)
class Swift:
    """A running server; `pids` are its processes."""

    url: str
    pids: tuple[int, ...]


def missing() -> str:
    """What this machine lacks to run one; empty when nothing."""
    programs = [f"swift-{name}-server" for name in (*_RINGS, "proxy")]
    lacking = [each for each in (*programs, "swift-ring-builder", "memcached") if not _find(each)]
    if not Path("/etc/swift/swift.conf").is_file():
        lacking.append("/etc/swift/swift.conf")
    return f"Debian's Swift is not installed: no {', '.join(lacking)}" if lacking else ""


def run_swift(folder: Path) -> Iterator[Swift]:
    """Start a server with an empty store; stop it when done."""
    ports = {name: free_port() for name in (*_RINGS, "proxy", "memcached")}
    (folder / "devices" / "d1").mkdir(parents=True)
    for name in _RINGS:
        _build_ring(folder, name, ports[name])
        (folder / f"{name}.conf").write_text(_storage_conf(folder, name, ports[name]))
    (folder / "proxy.conf").write_text(_proxy_conf(folder, ports))
    commands = [["memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", str(ports["memcached"])]]
    commands += [[f"swift-{name}-server", str(folder / f"{name}.conf")] for name in _RINGS]
    commands += [["swift-proxy-server", str(folder / "proxy.conf")]]
    log = folder / "swift.log"
    processes: list[subprocess.Popen[bytes]] = []
    try:
        with log.open("wb") as out:
            for command in commands:
                found = _find(command[0]) or command[0]
                processes.append(
                    subprocess.Popen(
                        [found, *command[1:]], stdin=subprocess.DEVNULL, stdout=out, stderr=out
                    )
                )
        url = f"http://127.0.0.1:{ports['proxy']}"
        _wait_until_up(url, processes, log)
        yield Swift(url, tuple(each.pid for each in processes))
    finally:
        for each in reversed(processes):
            each.terminate()
        for each in processes:
            try:
                each.wait(10)
            except subprocess.TimeoutExpired:
                each.kill()
                each.wait(10)


def _find(program: str) -> str | None:
    return shutil.which(program, path="/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")


def _build_ring(folder: Path, name: str, port: int) -> None:
    builder = str(folder / f"{name}.builder")
    device = f"r1z1-127.0.0.1:{port}/d1"
    for step in (["create", "8", "1", "1"], ["add", device, "1"], ["rebalance"]):
        done = subprocess.run(
            ["swift-ring-builder", builder, *step], capture_output=True, text=True, timeout=60
        )
        # 1 is a warning of its own, such as a ring of one device
        assert done.returncode in {0, 1}, done.stdout + done.stderr


def _storage_conf(folder: Path, name: str, port: int) -> str:
    return f"""[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {_user()}
swift_dir = {folder}
devices = {folder / "devices"}
mount_check = false
log_address = {folder / "no-syslog"}
[pipeline:main]
pipeline = {name}-server
[app:{name}-server]
use = egg:swift#{name}
replication_server = false
"""


def _proxy_conf(folder: Path, ports: dict[str, int]) -> str:
    return f"""[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {ports["proxy"]}
workers = 0
user = {_user()}
swift_dir = {folder}
log_address = {folder / "no-syslog"}
[pipeline:main]
pipeline = {_PROXY_LINE}
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
# There is one of each: a server that was late once must not be left out for a minute.
error_suppression_limit = 1000000
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{ports["memcached"]}
[filter:bulk]
use = egg:swift#bulk
[filter:s3api]
use = egg:swift#s3api
location = {REGION}
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = {SECRET_KEY} .admin
[filter:slo]
use = egg:swift#slo
[filter:versioned_writes]
use = egg:swift#versioned_writes
"""


def _user() -> str:
    import getpass

    return getpass.getuser()


def _wait_until_up(url: str, processes: list[subprocess.Popen[bytes]], log: Path) -> None:
    """Wait until an object could be written: the door is open before the servers behind it."""
    until = time.monotonic() + _UP_WITHIN_S
    while time.monotonic() < until and all(each.poll() is None for each in processes):
        try:
            told = _ask("GET", f"{url}/auth/v1.0", _DOOR)
            token, place = told["X-Auth-Token"], told["X-Storage-Url"]
            for method, path in (("PUT", "up"), ("PUT", "up/up"), ("DELETE", "up/up")):
                _ask(method, f"{place}/{path}", {"X-Auth-Token": token})
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"Swift did not start:\n{log.read_text(errors='replace')[-2000:]}", pytrace=False)


def _ask(method: str, url: str, headers: dict[str, str]) -> Message:
    """The headers of an answer that is no refusal."""
    body = b"" if method == "PUT" else None
    asked = urllib.request.Request(url, body, headers, method=method)
    with urllib.request.urlopen(asked, timeout=5) as answer:
        return answer.headers
