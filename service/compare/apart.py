"""Measuring in a process of its own: bounded in memory and time, without secrets, writing nothing.

`python -m service.compare.apart`, with a request as JSON on its input, is that process.
"""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from service.compare.facts import ClipFacts
from service.media.limits import MediaLimits, limit_process
from service.model.documents import read_document, write_document

_log = logging.getLogger(__name__)
_MOST_SAID = 500
_ROOT = Path(__file__).resolve().parents[2]
# One thread of algebra: a pool would reserve memory and gain nothing at this size.
_ENVIRONMENT = {
    "PYTHONPATH": str(_ROOT),
    "PYTHONDONTWRITEBYTECODE": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


def measure_apart(
    source: Path,
    variants: Mapping[str, Path],
    cues: Sequence[tuple[float, float]],
    limits: MediaLimits,
) -> ClipFacts:
    """Measure a clip as `measure` does; what goes wrong on the way is the `fault` of the facts."""
    request = {
        "source": str(source),
        "variants": {label: str(path) for label, path in variants.items()},
        "cues": [list(each) for each in cues],
        "limits": asdict(limits),
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "service.compare.apart"],
            env=_ENVIRONMENT,
            input=json.dumps(request).encode(),
            capture_output=True,
            timeout=limits.deadline_s,
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return ClipFacts(fault=f"Comparing took longer than {limits.deadline_s:.0f} s.")
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace")[-_MOST_SAID:]
        _log.warning("measuring_ended", extra={"code": done.returncode, "said": said})
        return ClipFacts(fault=f"Comparing ended with {_name_end(done.returncode)}.")
    return read_document(ClipFacts, done.stdout.decode())


def _name_end(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"code {code}"


def main(request: dict[str, Any]) -> None:
    """Bound this process, measure, and print the facts as JSON."""
    from service.compare.measure import measure

    limits = MediaLimits(**request["limits"])
    limit_process(limits)
    variants = {label: Path(path) for label, path in request["variants"].items()}
    cues = [(start_s, end_s) for start_s, end_s in request["cues"]]
    try:
        facts = measure(Path(request["source"]), variants, cues, most_pixels=limits.pixels)
    except MemoryError:
        facts = ClipFacts(fault=f"Comparing takes more than {limits.memory_bytes} bytes of memory.")
    sys.stdout.write(write_document(facts))


if __name__ == "__main__":
    main(json.load(sys.stdin))
