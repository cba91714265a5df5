"""Looking into a caller's file in a process of its own: what a file makes a decoder do ends there.

The process has bounds of memory, time and output, may write no file, and finds no secret in its
environment. `python -m service.media.apart <path> <limits as JSON>` is that process.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.errors import ProbeFailed, UnsupportedFile
from service.media.child import ChildFailed, Work, run_child
from service.media.limits import MediaLimits, limit_process

if TYPE_CHECKING:
    from service.media.probe import Probe

#: A look says ten short fields.
_MOST_BYTES = 100_000


def probe_apart(path: Path, limits: MediaLimits) -> Probe:
    """Look into a video file as `probe` does.

    Raises:
        UnsupportedFile, ProbeFailed: as `probe` says, or it passed a limit, or ended the decoder.
    """
    from service.media.probe import Probe

    work = Work("service.media.apart", (str(path), json.dumps(asdict(limits))))
    try:
        said = run_child(work, deadline_s=limits.deadline_s, most_bytes=_MOST_BYTES)
        found: dict[str, Any] = json.loads(said)
    except ChildFailed as error:
        if error.late:
            why = f"Looking into it took longer than {limits.deadline_s:g} s."
        else:
            why = f"The decoder failed. {error.detail}"
        raise ProbeFailed(why) from None
    except ValueError:
        raise ProbeFailed("What the decoder said cannot be read.") from None
    if "unsupported" in found:
        raise UnsupportedFile(found["unsupported"])
    if "failed" in found:
        raise ProbeFailed(found["failed"])
    return Probe(**{**found, "fps": Fraction(found["fps"])})


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
