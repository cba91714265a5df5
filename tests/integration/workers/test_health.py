"""The health command beside a real worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.integration.workers.conftest import wait_for
from workers.heartbeat import read_beat

#: Between two beats here.
OFTEN = {"CAPTION_AB_BEAT_EVERY_S": "0.3", "CAPTION_AB_TICK_EVERY_S": "0.1"}


@pytest.fixture
def beat_file(tmp_path):
    return tmp_path / "beat"


def healthy(site, beat_file) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "workers.health"],
        env={**os.environ, **site.env, "CAPTION_AB_BEAT_FILE": str(beat_file)},
        capture_output=True,
        text=True,
        timeout=30,
    )


@pytest.mark.parametrize("queue", ["flow", "transfer", "media", "hooks"])
def test_a_worker_of_each_queue_beats(site, beat_file, queue):
    """Given no worker, then no health; given one, when it has ticked again, then it is well."""
    assert healthy(site, beat_file).returncode == 1
    site.worker(queue, CAPTION_AB_BEAT_FILE=str(beat_file), **OFTEN)
    first_s = read_beat(beat_file.read_text()).ticked_s
    wait_for(lambda: read_beat(beat_file.read_text()).ticked_s > first_s, 15)
    found = healthy(site, beat_file)
    assert (found.returncode, found.stderr) == (0, "")


def test_a_worker_that_takes_work_is_not_idle_and_one_that_stands_is_silent(
    site, beat_file, clip_host
):
    """Given work taken, then it is not called idle; given a stopped process, then no beat comes."""
    worker = site.worker(
        "transfer",
        CAPTION_AB_BEAT_FILE=str(beat_file),
        CAPTION_AB_CALLER_HTTP="1",
        CAPTION_AB_CALLER_LOOPBACK_PORTS=str(clip_host.port),
        **OFTEN,
    )
    row = site.accept(clip_host.url("clip"))
    site.wait_state(row, "probing")
    first_s = read_beat(beat_file.read_text()).looped_s
    wait_for(lambda: read_beat(beat_file.read_text()).looped_s > first_s, 15)
    assert read_beat(beat_file.read_text()).idle_since_s == 0
    os.kill(worker.process.pid, signal.SIGSTOP)
    try:
        stood = read_beat(beat_file.read_text())
        with pytest.raises(pytest.fail.Exception, match="not within"):
            wait_for(lambda: read_beat(beat_file.read_text()) != stood, 1.5)
    finally:
        os.kill(worker.process.pid, signal.SIGCONT)
