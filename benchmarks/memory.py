"""How much memory does one large upload cost, on the API and on the worker that passes it on?

    python -m benchmarks.memory [--megabytes 500]

Starts the whole system as `caption-ab up` does, uploads a clip through `POST /v1/uploads` and
through tus (cut off in the middle, then resumed), and runs a job with it. Prints by how much the
resident memory of each process rose at its highest, above what it had before. Goal: below 30 MB.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

from cli.children import free_port
from cli.credentials import read_first_key

ROOT = Path(__file__).resolve().parents[1]
GOAL_MB = 30
PIECE = 1_000_000
TUS = {"Tus-Resumable": "1.0.0"}
BYTES = {**TUS, "Content-Type": "application/offset+octet-stream"}
SRT = "1\n00:00:00,200 --> 00:00:01,500\nHello there\n"
_ENDED = {"succeeded", "partial", "failed", "canceled", "expired"}


@dataclass
class System:
    """A running system; `folder` is in the environment of all its processes."""

    port: int
    key: str
    folder: Path
    growth_mb: dict[str, float] = field(default_factory=dict)
    took_s: dict[str, float] = field(default_factory=dict)

    def ask(self, method: str, path: str, body=b"", **headers: str):
        """Status, headers and body of one request."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=300)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, {**self.auth, **headers})
        reply = connection.getresponse()
        found = reply.status, dict(reply.getheaders()), reply.read()
        connection.close()
        return found

    @property
    def auth(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    @contextmanager
    def watched(self, name: str, command: str) -> Iterator[None]:
        """Note how far the memory of each process of a command rises meanwhile."""
        pids = pids_of(str(self.folder), command)
        assert pids, f"there is no process {command}"
        before = {pid: resident_kb(pid, "VmRSS") for pid in pids}
        for pid in pids:
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # the highest value begins anew
        begun = time.monotonic()
        yield
        self.took_s[name] = time.monotonic() - begun
        rise = [resident_kb(pid, "VmHWM") - before[pid] for pid in pids]
        self.growth_mb[name] = max(rise) / 1000


def measure(folder: Path, megabytes: int) -> System:
    """Run everything once with a small clip, then measure it with a large one."""
    small, large = folder / "small.mp4", folder / "large.mp4"
    make_clip(small)
    pad_clip(small, large, megabytes * 1_000_000)
    with started(folder) as system:
        run_job(system, upload_plainly(system, small))
        upload_by_tus(system, small)
        with system.watched("API, plain upload", "-m api"):
            upload_id = upload_plainly(system, large)
        with system.watched("API, tus, interrupted", "-m api"):
            other = upload_by_tus(system, large)
        told = json.loads(system.ask("GET", f"/v1/uploads/{other}")[2])
        assert told["sha256"] == digest(large), told
        with system.watched("transfer worker, job", "-m workers transfer"):
            run_job(system, other)
        assert system.ask("DELETE", f"/v1/uploads/{upload_id}")[0] == 204
    return system


def upload_plainly(system: System, path: Path) -> str:
    with path.open("rb") as source:
        length = str(path.stat().st_size)
        asked = "/v1/uploads?filename=clip.mp4"
        status, _, body = system.ask("POST", asked, source, Content_Length=length)
    assert status == 201, body
    return json.loads(body)["id"]


def upload_by_tus(system: System, path: Path) -> str:
    """Send less than half in a request that promises all, hang up, ask, send the rest."""
    size = path.stat().st_size
    begun = {**TUS, "Upload-Length": str(size)}
    status, headers, body = system.ask("POST", "/v1/uploads/tus", **begun)
    assert status == 201, body
    place = "/v1" + headers["Location"].partition("/v1")[2]
    with path.open("rb") as source:
        connection = HTTPConnection("127.0.0.1", system.port, timeout=300)
        connection.putrequest("PATCH", place)
        for name, value in {**system.auth, **BYTES, "Upload-Offset": "0"}.items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(size))
        connection.endheaders()
        while source.tell() < size * 2 // 5:
            connection.send(source.read(min(PIECE, size // 5)))
        connection.close()
        at = wait_until_steady(system, place)
        assert at <= source.tell(), "more is told than was sent"
        source.seek(at)
        rest = {**BYTES, "Upload-Offset": str(at), "Content-Length": str(size - at)}
        status, _, body = system.ask("PATCH", place, source, **rest)
    assert status == 204, body
    return place.rpartition("/")[2]


def wait_until_steady(system: System, place: str) -> int:
    """The offset, once the server has noticed that the client is gone."""
    before = -1
    while True:
        offset = int(system.ask("HEAD", place, **TUS)[1]["Upload-Offset"])
        if offset == before:
            return offset
        before = offset
        time.sleep(0.5)


def run_job(system: System, upload_id: str) -> None:
    job = {"clips": [{"upload_id": upload_id}], "captions": {"format": "srt", "text": SRT}}
    # What is measured is the clip: its videos stay as small as its picture.
    sent = json.dumps({**job, "output": {"resolution": "source"}})
    status, _, body = system.ask("POST", "/v1/jobs", sent, Content_Type="application/json")
    assert status == 202, body
    place = f"/v1/jobs/{json.loads(body)['id']}"
    until = time.monotonic() + 600
    while time.monotonic() < until:
        found = json.loads(system.ask("GET", place)[2])
        if found["status"] in _ENDED:
            assert found["status"] == "succeeded", found
            return
        time.sleep(0.5)
    raise SystemExit(f"the job is still {found['status']}")


def make_clip(path: Path) -> None:
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y"]
    command += ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=2"]
    command += ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=60)


def pad_clip(source: Path, target: Path, size: int) -> None:
    """The same clip with a box of bytes behind it that no player reads."""
    clip, noise = source.read_bytes(), os.urandom(PIECE)
    left = size - len(clip)
    with target.open("wb") as out:
        out.write(clip + left.to_bytes(4) + b"free")
        left -= 8
        while left > 0:
            left -= out.write(noise[:left])


def digest(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def pids_of(marker: str, command: str) -> list[int]:
    """Processes that have a text in their environment and run a command."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_text().replace("\0", " ")
            if command in line and marker.encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def resident_kb(pid: int, name: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0])


@contextmanager
def started(folder: Path) -> Iterator[System]:
    port = free_port()
    command = [sys.executable, "-m", "cli", "up", "--data", str(folder / "data")]
    log = folder / "up.log"
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)}
    # A backend that costs money may be named in the environment: what is measured is ours.
    for name in [each for each in env if each.startswith(("CAPTION_AB_", "NEMO_"))]:
        del env[name]
    with log.open("wb") as out:
        up = subprocess.Popen(
            [*command, "--port", str(port)], env=env, stdout=out, stderr=out, start_new_session=True
        )
    try:
        until = time.monotonic() + 120
        while "Ctrl-C stops" not in log.read_text():
            assert up.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        key = read_first_key(folder / "data")["api_key"]
        yield System(port, key, folder)
    finally:
        up.terminate()
        up.wait(120)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=500, help="size of the clip")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cab-") as name:
        system = measure(Path(name), options.megabytes)
    for what, grown in system.growth_mb.items():
        print(f"{what:>22}: {grown:5.1f} MB more, {system.took_s[what]:.1f} s", flush=True)
    return int(max(system.growth_mb.values()) > GOAL_MB)


if __name__ == "__main__":
    sys.exit(main())
