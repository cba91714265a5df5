"""Plays scenarios by themselves: `python -m tests.scenarios FIRST COUNT`; 1 when one fails."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import imageio_ffmpeg
import redis

from tests.conftest import _run_valkey
from tests.scenarios.check import find_faults
from tests.scenarios.scenario import draw
from tests.scenarios.stage import open_stage


def main(first: int, count: int, *, until_failure: bool = False) -> int:
    """Play so many seeds and print what is wrong; returns how many failed."""
    with tempfile.TemporaryDirectory(prefix="cab-") as text:
        folder = Path(text)
        clip = _make_clip(folder)
        for server in _run_valkey(folder, "--appendfsync", "no"):
            client = redis.Redis(
                unix_socket_path=str(server.socket), decode_responses=True, protocol=2
            )
            with open_stage(client, server.url, folder, clip) as stage:
                return _play(stage, range(first, first + count), until_failure=until_failure)
    return 1


def _play(stage, seeds, *, until_failure: bool) -> int:
    ends: Counter[str] = Counter()
    failed, began_s = 0, time.monotonic()
    for seed in seeds:
        found, observed = find_faults(stage, draw(seed))
        ends[observed.status if observed else "crashed"] += 1
        if found:
            failed += 1
            print(f"seed {seed}: {found}\n    {draw(seed)}\n    {observed and observed.cuts}")
            if until_failure:
                break
    took_s = time.monotonic() - began_s
    print(f"{sum(ends.values())} played in {took_s:.0f} s, {failed} failed, ends {dict(ends)}")
    return failed


def _make_clip(folder: Path) -> Path:
    path = folder / "small.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-f", "lavfi"]
    command += ["-i", "testsrc2=size=320x180:rate=25:duration=2", "-f", "lavfi"]
    command += ["-i", "sine=frequency=440:duration=2", "-c:v", "libx264", "-preset", "ultrafast"]
    command += ["-pix_fmt", "yuv420p", "-c:a", "aac", "-movflags", "+faststart", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    return path


if __name__ == "__main__":
    until = "--until-failure" in sys.argv
    numbers = [int(each) for each in sys.argv[1:] if each.isdigit()]
    sys.exit(bool(main(*(numbers or [1, 60]), until_failure=until)))
