"""Where captions are, pixel by pixel: an ASS file drawn by libass on nothing, at given times.

Only where the ASS is known, as for what the sandbox rendered. Everything is drawn twice: as it is,
and with outline, shadow and box made transparent, which leaves the letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.media.ffmpeg import run_ffmpeg
from service.media.workspaces import open_workspace

# The expression that names the times stays short, and a batch of 4K masks below 300 MB.
_BATCH = 16
_STYLE = re.compile(r"^Style:.*$", re.MULTILINE)
_FIELDS = 23
_OUTLINE, _BACK = 5, 6


@dataclass(frozen=True, slots=True)
class AlphaMasks:
    """Alpha 0..255 at one time, height x width: of the letters alone, and of all that is drawn."""

    at_s: float
    fill: NDArray[np.uint8]
    footprint: NDArray[np.uint8]


def strip_to_fill(ass: str) -> str:
    """The same ASS with outline, shadow and box of every style made transparent. Pure.

    Raises:
        ValueError: a style's row has other fields than those of v4.00+.
    """
    return _STYLE.sub(lambda row: _strip(row.group(0)), ass)


def draw_masks(
    ffmpeg: str,
    ass: str,
    *,
    width: int,
    height: int,
    times_s: Sequence[float],
    fonts: Path,
    deadline_s: float = 120.0,
) -> Iterator[AlphaMasks]:
    """Draw the masks at each time, in a few batches.

    Raises:
        FfmpegFailed: as `run_ffmpeg` says.
        ValueError: as `strip_to_fill` says.
    """
    with open_workspace() as folder:
        (folder / "all.ass").write_text(ass, encoding="utf-8")
        (folder / "fill.ass").write_text(strip_to_fill(ass), encoding="utf-8")
        (folder / "fonts").symlink_to(fonts.absolute())
        for first in range(0, len(times_s), _BATCH):
            batch = times_s[first : first + _BATCH]
            args = _arguments(batch, width, height)
            run_ffmpeg(ffmpeg, args, cwd=folder, deadline_s=deadline_s)
            drawn = np.fromfile(folder / "masks.raw", np.uint8)
            for at_s, both in zip(batch, drawn.reshape(len(batch), 2, height, width), strict=True):
                yield AlphaMasks(at_s, both[0], both[1])


def _arguments(times_s: Sequence[float], width: int, height: int) -> list[str]:
    """One frame for each time: their stamps are what the filter `ass` goes by."""
    stamps = "+".join(f"eq(N,{n})*{round(at_s * 1000)}" for n, at_s in enumerate(times_s))
    canvas = f"color=c=black@0:s={width}x{height}:r=25,format=rgba"
    graph = (
        f"{canvas},trim=end_frame={len(times_s)},settb=1/1000,setpts='{stamps}',split[a][b];"
        "[a]ass=fill.ass:alpha=1:fontsdir=fonts,alphaextract[fill];"
        "[b]ass=all.ass:alpha=1:fontsdir=fonts,alphaextract[all];"
        "[fill][all]vstack,format=gray[v]"
    )
    output = ["-map", "[v]", "-fps_mode", "passthrough", "-f", "rawvideo", "masks.raw"]
    return ["-filter_complex", graph, *output]


def _strip(row: str) -> str:
    fields = row.split(",")
    if len(fields) != _FIELDS:
        raise ValueError(f"a style of {len(fields)} fields, not {_FIELDS}")
    for at in (_OUTLINE, _BACK):
        fields[at] = "&HFF" + fields[at].strip()[-6:]
    return ",".join(fields)
