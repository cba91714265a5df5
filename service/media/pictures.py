"""Two variants in one picture: side by side as a video, and as a sheet of stills."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from service.media.ffmpeg import input_args, run_ffmpeg
from service.media.probe import Probe, probe

MOST_COLUMNS = 8
_GAP = 6
_BACKGROUND = "0x202020"
_LABEL = re.compile(r"[A-Za-z0-9 _-]{1,24}")
_VIDEO = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p"]
_SOUND = ["-c:a", "aac", "-b:a", "128k"]
_FILE = ["-movflags", "+faststart", "-f", "mp4"]
# A picture of 25 fps has its last frame 40 ms before its end.
_LAST_FRAME_S = 0.1


@dataclass(frozen=True, slots=True)
class Size:
    """Pixels of one of the two pictures."""

    width: int
    height: int


def side_by_side(
    ffmpeg: str,
    a: Path,
    b: Path,
    out: Path,
    *,
    labels: tuple[str, str] = ("A", "B"),
    fontfile: Path | None = None,
    deadline_s: float = 600.0,
) -> None:
    """Write an MP4 with A on the left and B on the right, with A's sound.

    960x540 each; portrait 540x960 each; square 720x720 each. Labels need a `fontfile`.

    Raises:
        FfmpegFailed, ProbeFailed, UnsupportedFile: as their makers say.
    """
    size = _fit(probe(a), Size(960, 540))
    graph = (
        f"[0:v]{_scaled(size)},{_label(labels[0], fontfile, 40)}[a];"
        f"[1:v]{_scaled(size)},{_label(labels[1], fontfile, 40)}[b];"
        "[a][b]hstack=inputs=2[v]"
    )
    args = [*input_args(a), *input_args(b), "-filter_complex", graph]
    args += ["-map", "[v]", "-map", "0:a:0?", *_VIDEO, *_SOUND, *_FILE, str(out.absolute())]
    with _folder(fontfile) as folder:
        run_ffmpeg(ffmpeg, args, cwd=folder, deadline_s=deadline_s)


def contact_sheet(
    ffmpeg: str,
    a: Path,
    b: Path,
    out: Path,
    *,
    times_s: Sequence[float],
    labels: tuple[str, str] = ("A", "B"),
    fontfile: Path | None = None,
    deadline_s: float = 120.0,
) -> None:
    """Write a PNG with A above B and one column per time, such as the middle of each cue.

    Of more than 8 times, 8 are taken evenly. Times after the end show the last picture.

    Raises:
        ValueError: no times.
        FfmpegFailed, ProbeFailed, UnsupportedFile: as their makers say.
    """
    if not times_s:
        raise ValueError("a contact sheet needs at least one time")
    first, second = probe(a), probe(b)
    size = _fit(first, Size(480, 270))
    ends_s = min(first.duration_s, second.duration_s) - _LAST_FRAME_S
    columns = [min(max(0.0, each), max(0.0, ends_s)) for each in _thin(sorted(times_s))]
    args = [part for t in columns for clip in (a, b) for part in input_args(clip, seek_s=t)]
    args += ["-filter_complex", _sheet(size, columns, labels, fontfile), "-map", "[sheet]"]
    args += ["-frames:v", "1", "-update", "1", "-c:v", "png", "-f", "image2", str(out.absolute())]
    with _folder(fontfile) as folder:
        run_ffmpeg(ffmpeg, args, cwd=folder, deadline_s=deadline_s)


def _sheet(
    size: Size, columns: Sequence[float], labels: tuple[str, str], fontfile: Path | None
) -> str:
    chains = []
    for number, at_s in enumerate(columns):
        for row in (0, 1):
            text = f"{labels[row]}  {at_s:.1f} s" if row == 0 else labels[row]
            still = f"trim=end_frame=1,setpts=0,{_scaled(size)},{_label(text, fontfile, 18)}"
            framed = f"pad=iw+{_GAP}:ih+{_GAP}:{_GAP}/2:{_GAP}/2:color={_BACKGROUND}"
            chains.append(f"[{2 * number + row}:v]{still},{framed}[p{number}{row}]")
        chains.append(f"[p{number}0][p{number}1]vstack=inputs=2[c{number}]")
    names = "".join(f"[c{number}]" for number in range(len(columns)))
    joined = f"hstack=inputs={len(columns)}" if len(columns) > 1 else "null"
    return ";".join([*chains, f"{names}{joined}[sheet]"])


def _fit(source: Probe, landscape: Size) -> Size:
    """The size of one picture: lying, standing or square, as the source is."""
    ratio = source.width / source.height
    if ratio > 1.1:
        return landscape
    if ratio < 0.9:
        return Size(landscape.height, landscape.width)
    return Size(landscape.width * 3 // 4, landscape.width * 3 // 4)


def _scaled(size: Size) -> str:
    return (
        f"scale={size.width}:{size.height}:force_original_aspect_ratio=decrease,"
        f"pad={size.width}:{size.height}:(ow-iw)/2:(oh-ih)/2:color={_BACKGROUND},setsar=1"
    )


def _label(text: str, fontfile: Path | None, font_px: int) -> str:
    if fontfile is None:
        return "null"
    if not _LABEL.fullmatch(text.replace(".", "")):
        raise ValueError(f"not a label: {text!r}")
    gap = font_px // 2
    return (
        f"drawtext=fontfile=label-font:text='{text}':x={gap}:y={gap}:fontsize={font_px}:"
        f"fontcolor=white:box=1:boxcolor=black@0.7:boxborderw={font_px // 4}"
    )


def _thin(times_s: Sequence[float]) -> list[float]:
    """At most 8 times, the first and the last among them."""
    count = len(times_s)
    if count <= MOST_COLUMNS:
        return list(times_s)
    return [times_s[i * (count - 1) // (MOST_COLUMNS - 1)] for i in range(MOST_COLUMNS)]


@contextlib.contextmanager
def _folder(fontfile: Path | None) -> Iterator[Path]:
    """A working folder that holds the font under a plain name: graphs escape paths badly."""
    with tempfile.TemporaryDirectory(prefix="caption-ab-") as name:
        folder = Path(name)
        if fontfile is not None:
            (folder / "label-font").symlink_to(fontfile.absolute())
        yield folder
