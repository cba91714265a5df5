"""Puts A and B next to each other: `python -m cli.demo.pictures A.mp4 B.mp4 FOLDER [CAPTIONS]`.

A process of its own, so that Ctrl-C need not wait for a long video.
"""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from cli.jobs import captions_of
from service.captions.cues import parse_captions
from service.clock import MachineClock
from service.compare.pictures import make_pictures
from service.compare.pictures_stills import Subject
from service.errors import CaptionAbError
from service.media.ffmpeg import find_ffmpeg
from service.media.limits import MediaLimits

#: What the demo keeps of the pictures of a comparison.
KEPT = {"side_by_side": "side-by-side.mp4", "contact_sheet": "contact-sheet.jpg"}
_DEADLINE_S = 600.0


def main(argv: list[str]) -> int:
    """Write `side-by-side.mp4` and `contact-sheet.jpg` into a folder."""
    a, b, folder = (Path(each) for each in argv[:3])
    # An exit, not a death: what ffmpeg is running is stopped on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        cues = cues_of(Path(argv[3]) if len(argv) > 3 else None)
    except CaptionAbError as error:
        print(error.detail)
        return 1
    with tempfile.TemporaryDirectory(prefix="caption-ab-") as name:
        gallery = make_pictures(
            Subject(None, {"A": a, "B": b}, {"cues": cues}, Path(name)),
            ffmpeg=find_ffmpeg(),
            limits=MediaLimits(deadline_s=_DEADLINE_S),
            clock=MachineClock(),
        )
        kept = [each for each in gallery.pictures if each.name in KEPT]
        for each in kept:
            (folder / KEPT[each.name]).write_bytes((Path(name) / each.file).read_bytes())
    for fault in gallery.faults:
        print(fault)
    return 0 if len(kept) == len(KEPT) else 1


def cues_of(captions: Path | None) -> list[dict[str, Any]]:
    """The cues of a file as a report has them; none where they have no times.

    Raises:
        InvalidRequest: they cannot be read.
    """
    cues = () if captions is None else parse_captions(**_parts(captions)).cues
    return [
        {"start_s": cue.start_ms / 1000, "end_s": cue.end_ms / 1000, "text": cue.text}
        for cue in cues
    ]


def _parts(captions: Path) -> dict[str, str]:
    return {"format": "", **captions_of(captions)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
