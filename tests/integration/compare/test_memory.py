"""Memory does not grow with the length of what is compared."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.integration.compare.footage import run

_PEAK = """
import json, resource, sys
from pathlib import Path
from service.compare.measure import measure
source, a, b = map(Path, sys.argv[1:])
facts = measure(source, {"A": a, "B": b})
frames = facts.variants[0].film.frames
print(json.dumps([frames, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
"""


def _peak(*paths: object) -> tuple[int, float]:
    """Frames of a variant, and the most memory in MB that a process took to compare."""
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, *map(str, paths)],
        capture_output=True,
        check=True,
        cwd=ROOT,
        timeout=110,
    )
    frames, kilobytes = json.loads(done.stdout)
    return frames, kilobytes / 1024


@pytest.mark.slow
def test_eight_times_the_length_takes_no_more_memory(one_bench, tmp_path):
    # Given the same clip and variant once, and eight times in a row,
    short = [one_bench.source, one_bench.a, one_bench.a]
    long = []
    for at, path in enumerate(short):
        out = tmp_path / f"long-{at}.mp4"
        run(["-stream_loop", "7", "-i", str(path), "-c", "copy"], out)
        long.append(out)
    # When both are compared,
    (few, little), (many, much) = _peak(*short), _peak(*long)
    # Then the long one took as much memory as the short one, within a tenth.
    assert many == 8 * few
    assert much < 1.1 * little, (little, much)
