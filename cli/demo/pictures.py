"""Puts A and B next to each other: `python -m cli.demo.pictures A.mp4 B.mp4 FOLDER [CAPTIONS]`.

A process of its own, so that Ctrl-C need not wait for a long video.
"""

from __future__ import annotations

import signal
import sys
from importlib.resources import files
from pathlib import Path

from cli.jobs import captions_of
from service.captions.cues import parse_captions
from service.errors import CaptionAbError
from service.media.ffmpeg import find_ffmpeg
from service.media.pictures import MOST_COLUMNS, contact_sheet, side_by_side
from service.media.probe import probe

_FONT = ("fonts", "Inter-Bold.otf")


def main(argv: list[str]) -> int:
    """Write `side-by-side.mp4` and `contact-sheet.png` into a folder."""
    a, b, folder = (Path(each) for each in argv[:3])
    # An exit, not a death: what ffmpeg is running is stopped on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    font = Path(str(files("sandbox").joinpath(*_FONT)))
    ffmpeg = find_ffmpeg()
    try:
        times_s = cue_times(a, Path(argv[3]) if len(argv) > 3 else None)
        contact_sheet(ffmpeg, a, b, folder / "contact-sheet.png", times_s=times_s, fontfile=font)
        side_by_side(ffmpeg, a, b, folder / "side-by-side.mp4", fontfile=font)
    except CaptionAbError as error:
        print(error.detail)
        return 1
    return 0


def cue_times(video: Path, captions: Path | None) -> list[float]:
    """The middle of each cue, in seconds; evenly over the video where cues have no times."""
    duration_s = probe(video).duration_s
    cues = () if captions is None else parse_captions(**_parts(captions)).cues
    times_s = [(cue.start_ms + cue.end_ms) / 2000 for cue in cues]
    within = [each for each in times_s if each < duration_s]
    return within or [(i + 0.5) * duration_s / MOST_COLUMNS for i in range(MOST_COLUMNS)]


def _parts(captions: Path) -> dict[str, str]:
    return {"format": "", **captions_of(captions)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
