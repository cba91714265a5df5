"""Looking into a caller's file in a process of its own: what a file makes a decoder do ends there.

The process has bounds of memory, time and output, may write no file, and finds no secret in its
environment. `python -m service.media.apart <path> <limits as JSON>` is that process.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.errors import ProbeFailed, UnsupportedFile
from service.media.limits import MediaLimits, limit_process

if TYPE_CHECKING:
    from service.media.probe import Probe

_ROOT = Path(__file__).resolve().parents[2]


def probe_apart(path: Path, limits: MediaLimits) -> Probe:
    """Look into a video file as `probe` does.

    Raises:
        UnsupportedFile, ProbeFailed: as `probe` says, or it passed a limit, or ended the decoder.
    """
    from service.media.probe import Probe

    command = [sys.executable, "-m", "service.media.apart", str(path), json.dumps(asdict(limits))]
    try:
        done = subprocess.run(
            command,
            env={"PYTHONPATH": str(_ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=limits.deadline_s,
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ProbeFailed(f"Looking into it took longer than {limits.deadline_s:g} s.") from None
    if done.returncode != 0:
        raise ProbeFailed(f"The decoder ended with {_name_end(done.returncode)}.")
    found: dict[str, Any] = json.loads(done.stdout)
    if "unsupported" in found:
        raise UnsupportedFile(found["unsupported"])
    if "failed" in found:
        raise ProbeFailed(found["failed"])
    return Probe(**{**found, "fps": Fraction(found["fps"])})


def _name_end(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"code {code}"


def main(path: str, limits: MediaLimits) -> None:
    """Bound this process, look into a file and print what it is, or why not, as JSON."""
    from service.media.probe import probe

    limit_process(limits)
    try:
        said = {**asdict(probe(Path(path), most_pixels=limits.pixels))}
        said["fps"] = str(said["fps"])
    except UnsupportedFile as error:
        said = {"unsupported": error.detail}
    except ProbeFailed as error:
        said = {"failed": error.detail}
    except MemoryError:
        said = {"failed": f"Looking into it takes more than {limits.memory_bytes} bytes of memory."}
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main(sys.argv[1], MediaLimits(**json.loads(sys.argv[2])))
