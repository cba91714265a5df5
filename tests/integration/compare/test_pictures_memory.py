"""Memory does not grow with the length of what is pictured."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.integration.compare.footage import run

#: The most memory of any process that was started, and of the one that starts them.
_PEAK = """
import json, resource, sys, tempfile
from pathlib import Path
from service.clock import FakeClock
from service.compare.pictures import make_pictures
from service.compare.pictures_stills import Subject
from service.media.ffmpeg import find_ffmpeg
from service.media.limits import MediaLimits
source, a, b = map(Path, sys.argv[1:])
with tempfile.TemporaryDirectory() as folder:
    made = make_pictures(
        Subject(source, {"A": a, "B": b}, {}, Path(folder)),
        ffmpeg=find_ffmpeg(), limits=MediaLimits(deadline_s=100.0), clock=FakeClock(),
    )
whose = (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF)
peaks = [resource.getrusage(who).ru_maxrss for who in whose]
print(json.dumps([len(made.pictures), *peaks]))
"""


def _peak(*paths: object) -> tuple[int, float, float]:
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, *map(str, paths)],
        capture_output=True,
        check=True,
        cwd=ROOT,
        timeout=110,
    )
    pictures, children, own = json.loads(done.stdout)
    return pictures, children / 1024, own / 1024


@pytest.mark.slow
def test_eight_times_the_length_takes_no_more_memory(one_bench, tmp_path):
    # Given the same clip and variant once, and eight times in a row,
    short = [one_bench.source, one_bench.a, one_bench.a]
    long = []
    for at, path in enumerate(short):
        out = tmp_path / f"long-{at}.mp4"
        run(["-stream_loop", "7", "-i", str(path), "-c", "copy"], out)
        long.append(out)
    # When the pictures of both are made,
    (few, little, own), (many, much, own_long) = _peak(*short), _peak(*long)
    # Then the long one took as much memory as the short one, within a tenth.
    assert few == many == 5
    assert much < 1.1 * little, (little, much)
    assert own_long < 1.1 * own, (own, own_long)
