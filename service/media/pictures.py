"""Two videos as one: side by side, in step, with a letter above each."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from service.media.ffmpeg import input_args, run_ffmpeg
from service.media.workspaces import open_workspace

FONT = Path(__file__).parent / "fonts" / "Inter-Bold.otf"
#: Each picture at most: 960x540 lying, 540x960 standing, 720x720 square.
_LONG_SIDE = 960
_AREA = 960 * 540
_LEAST_SIDE = 16
_LEAST_FPS, _MOST_FPS = Fraction(23), Fraction(30)
_USUAL_FPS = Fraction(25)
_BAND_SHARE = 0.08
_LEAST_BAND = 24
_BACKGROUND = "0x202020"
_LABEL = re.compile(r"[A-Za-z0-9 _-]{1,24}")
_SOUND = ["-c:a", "aac", "-b:a", "128k", "-ac", "2"]
# Metadata of a telephone's film tells where it was taken.
_FILE = ["-map_metadata", "-1", "-map_chapters", "-1", "-movflags", "+faststart", "-f", "mp4"]


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two videos: its size as shown, its frame rate, its letter."""

    label: str
    path: Path
    width: int
    height: int
    fps: Fraction
    has_audio: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """Pixels of a side by side: of one picture, of the band above it, of all; frames a second."""

    width: int
    height: int
    band: int
    fps: Fraction

    @property
    def size(self) -> tuple[int, int]:
        return 2 * self.width, self.height + self.band


@dataclass(frozen=True, slots=True)
class Bounds:
    """Of the ffmpeg that makes one."""

    deadline_s: float = 600.0
    memory_bytes: int = 1_600_000_000
    output_bytes: int = 1_000_000_000
    threads: int = 2


def lay_out(left: Side, right: Side) -> Layout:
    """The pictures in the size of the larger one, or less; at a rate that players like."""
    larger = max(left, right, key=lambda side: side.width * side.height)
    area = math.sqrt(_AREA / (larger.width * larger.height))
    scale = min(1.0, _LONG_SIDE / max(larger.width, larger.height), area)
    width, height = _even(larger.width * scale), _even(larger.height * scale)
    return Layout(
        width,
        height,
        max(_LEAST_BAND, _even(height * _BAND_SHARE)),
        _even_rate(left.fps),
    )


def side_by_side(
    ffmpeg: str, left: Side, right: Side, out: Path, *, sound: str, bounds: Bounds
) -> Layout:
    """Write an MP4 of both, with the sound of the one named `sound`, a keyframe each second.

    The shorter one keeps its last frame until the longer one ends. The frame rate is constant.

    Raises:
        FfmpegFailed, UnsupportedFile: as their makers say.
        ValueError: a label that is none.
    """
    layout = lay_out(left, right)
    sides = (left, right)
    graph = ";".join(
        [f"[{at}:V:0]{_chain(side, layout)}[s{at}]" for at, side in enumerate(sides)]
        + ["[s0][s1]hstack=inputs=2,format=yuv420p[v]"]
    )
    args = ["-filter_complex_threads", "1"]
    for side in sides:
        args += ["-threads", "1", *input_args(side.path)]
    args += ["-filter_complex", graph, "-map", "[v]"]
    heard = next((at for at, side in enumerate(sides) if side.label == sound), 0)
    if sides[heard].has_audio:
        args += ["-map", f"{heard}:a:0", *_SOUND]
    args += [*_encoder(layout.fps, bounds.threads), *_FILE, str(out.absolute())]
    with _folder() as folder:
        run_ffmpeg(
            ffmpeg,
            args,
            cwd=folder,
            deadline_s=bounds.deadline_s,
            memory_bytes=bounds.memory_bytes,
            output_bytes=bounds.output_bytes,
        )
    return layout


def _even_rate(fps: Fraction) -> Fraction:
    """A rate of 24 to 30 or so in which no frame of an even film is shown for longer than others.

    An uneven film has a low mean rate; its frames come closer than that.
    """
    if fps <= 0:
        return _USUAL_FPS
    return (
        fps / math.ceil(fps / _MOST_FPS) if fps > _MOST_FPS else fps * math.ceil(_LEAST_FPS / fps)
    )


def _encoder(fps: Fraction, threads: int) -> list[str]:
    second = str(max(1, round(fps)))
    return [
        "-c:v", "libx264", "-preset", "veryfast", "-crf", "22", "-pix_fmt", "yuv420p",
        "-threads", str(threads), "-g", second, "-keyint_min", second, "-sc_threshold", "0",
    ]  # fmt: skip


def _chain(side: Side, layout: Layout) -> str:
    """From a video to its half: in step, fitted, a band above it with its letter."""
    width, height, band = layout.width, layout.height, layout.band
    scale = min(width / side.width, height / side.height)
    size = f"{min(width, _even(side.width * scale))}:{min(height, _even(side.height * scale))}"
    place = f"(ow-iw)/2:{band}+({height}-ih)/2"
    return (
        f"fps={layout.fps},scale={size},setsar=1,"
        f"pad={width}:{height + band}:{place}:color={_BACKGROUND},{_letter(side.label, band)}"
    )


def _letter(label: str, band: int) -> str:
    if not _LABEL.fullmatch(label):
        raise ValueError(f"not a label: {label!r}")
    return (
        f"drawtext=fontfile=label-font:text='{label}':x=(w-text_w)/2:y=({band}-ascent)/2:"
        f"fontsize={round(band * 0.7)}:fontcolor=white"
    )


def _even(side: float) -> int:
    return max(_LEAST_SIDE, round(side / 2) * 2)


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """A working folder that holds the font under a plain name: graphs escape paths badly."""
    with open_workspace() as folder:
        (folder / "label-font").symlink_to(FONT)
        yield folder
