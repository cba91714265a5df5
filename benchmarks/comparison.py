"""What the comparison of two variants costs: CPU seconds beside ffmpeg's own decode, and memory.

Two variants of 1080p with a caption about every 2.5 s, of 15, 30 and 60 s. CPU seconds of both
measuring processes are set against what ffmpeg takes to decode the same three files; memory is
that of the larger process. `--seconds` takes other lengths. Needs `make footage`.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.looks import FOOTAGE
from sandbox.ass import write_ass
from sandbox.cues import Cue as Line
from sandbox.style import PRESETS
from service.captions.model import Cue
from service.compare.files import compare_files
from service.media.ffmpeg import find_ffmpeg, input_args, run_ffmpeg
from service.media.limits import MediaLimits

WIDTH, HEIGHT, RATE = 1920, 1080, 25
DEADLINE_S = 3600.0
FONTS = Path(__file__).resolve().parents[1] / "sandbox" / "fonts"
VIDEO = ["-c:v", "libx264", "-preset", "superfast", "-crf", "23", "-pix_fmt", "yuv420p"]
TEXTS = ("Cold brew in under thirty", "No filter, no fuss", "Just beans, water\nand a little time")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, nargs="+", default=[15, 30, 60])
    parser.add_argument(
        "--folder", type=Path, help="a comparison as JSON, by itself: for this file"
    )
    args = parser.parse_args()
    if args.folder:
        print(json.dumps(_compare(args.folder)))
        return 0
    clip = FOOTAGE / "bigbuckbunny.mp4"
    if not clip.is_file():
        print("no footage: run `make footage`")
        return 2
    print("| seconds | captions | decode CPU s | comparison CPU s | ratio | memory MB | verdict |")
    print("|---|---|---|---|---|---|---|")
    for seconds in args.seconds:
        with tempfile.TemporaryDirectory(prefix="comparison-") as name:
            print(_measure(clip, seconds, Path(name)), flush=True)
    return 0


def _measure(clip: Path, seconds: int, folder: Path) -> str:
    """A row of the table."""
    paths = _make(clip, seconds, folder)
    before = _children_cpu_s()
    for path in paths:
        run_ffmpeg(
            find_ffmpeg(), ["-threads", "1", *input_args(path), "-f", "null", "-"], cwd=folder,
            deadline_s=DEADLINE_S,
        )  # fmt: skip
    decode_s = _children_cpu_s() - before
    command = [sys.executable, "-m", "benchmarks.comparison", "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return (
        f"| {seconds} | {found['captions']} | {decode_s:.1f} | {found['cpu_s']:.1f} "
        f"| {found['cpu_s'] / decode_s:.1f} | {found['memory_mb']:.0f} | {found['result']} |"
    )


def _make(clip: Path, seconds: int, folder: Path) -> list[Path]:
    """The clip and its two variants, with their cues beside them."""
    cues = [
        Cue(at_ms, at_ms + 2000, TEXTS[n % len(TEXTS)])
        for n, at_ms in enumerate(range(300, seconds * 1000 - 2100, 2500))
    ]
    told = [[cue.start_ms, cue.end_ms, cue.text] for cue in cues]
    (folder / "cues.json").write_text(json.dumps(told), encoding="utf-8")
    fit = f"scale={WIDTH}:{HEIGHT},setsar=1,fps={RATE}"
    length = ["-t", str(seconds), "-vf", fit, *VIDEO, "-an", "clip.mp4"]
    args = ["-stream_loop", "-1", *input_args(clip), *length]
    run_ffmpeg(find_ffmpeg(), args, cwd=folder, deadline_s=DEADLINE_S)
    for label, preset in (("A", "outline"), ("B", "boxed")):
        lines = [(Line(cue.start_ms, cue.end_ms, cue.text), PRESETS[preset]) for cue in cues]
        script = write_ass(lines, width=WIDTH, height=HEIGHT)
        (folder / "burn.ass").write_text(script, encoding="utf-8")
        graph = f"ass=burn.ass:fontsdir={FONTS}"
        source = input_args(folder / "clip.mp4")
        args = [*source, "-vf", graph, *VIDEO, "-an", f"{label}.mp4"]
        run_ffmpeg(find_ffmpeg(), args, cwd=folder, deadline_s=DEADLINE_S)
    return [folder / name for name in ("clip.mp4", "A.mp4", "B.mp4")]


def _compare(folder: Path) -> dict[str, Any]:
    """Compare what lies in a folder, in a process that has no other children."""
    told = json.loads((folder / "cues.json").read_text(encoding="utf-8"))
    cues = [Cue(*each) for each in told]
    variants = {label: folder / f"{label}.mp4" for label in "AB"}
    limits = MediaLimits(deadline_s=DEADLINE_S)
    full = compare_files(folder / "clip.mp4", variants, cues, limits=limits)
    kilobytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    measures = full["clips"][0]["measures"]["A"]
    return {
        "captions": measures["cues"]["measured"],
        "cpu_s": _children_cpu_s(),
        "memory_mb": kilobytes / 1024,
        "result": full["verdict"]["result"] if not full["reason"] else full["reason"],
    }


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
