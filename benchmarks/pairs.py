"""Planted pairs: is the variant that reads plainly worse named, and are equal ones called a tie?

All 30 by themselves; `--only WORD` takes those whose names have the word. Needs `make footage`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.looks import FOOTAGE, Clip
from benchmarks.plants import ALIKE, WORSE, Planted, Take
from sandbox.ass import write_ass
from sandbox.cues import Cue as Line
from service.compare.files import compare_files
from service.media.ffmpeg import find_ffmpeg, input_args, run_ffmpeg
from service.media.limits import MediaLimits

LINES, LASTS_S = 720, 4.4
DEADLINE_S = 300.0
FONTS = Path(__file__).resolve().parents[1] / "sandbox" / "fonts"
VIDEO = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-colorspace", "bt709", "-color_range", "tv"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was said of a planted pair, whose better variant is A where there is one."""

    planted: Planted
    verdict: dict[str, Any]
    clip: dict[str, Any]

    @property
    def is_right(self) -> bool:
        if self.planted.is_tie:
            return bool(self.verdict["result"] == "tie")
        return bool(self.verdict["better"] == "A")


def judge(planted: Planted, folder: Path, *, lines: int = LINES) -> Outcome:
    """Make both videos of a pair in a folder, which keeps grounds, and compare them.

    `lines` is the height of the pictures, which are 16 to 9.
    """
    ffmpeg = find_ffmpeg()
    source = make_ground(ffmpeg, planted.ground, folder, lines)
    paths = {
        label: _burn(ffmpeg, source, take, folder / f"{label}.mp4", lines)
        for label, take in (("A", planted.good), ("B", planted.other))
    }
    cues_of = {"A": planted.good.cues, "B": planted.other.cues}
    limits = MediaLimits(deadline_s=DEADLINE_S)
    full = compare_files(source, paths, planted.good.cues, cues_of=cues_of, limits=limits)
    return Outcome(planted, full["verdict"], full["clips"][0])


def make_ground(ffmpeg: str, clip: Clip, folder: Path, lines: int) -> Path:
    """A clip without captions, made once for a folder."""
    target = folder / f"{clip.name}-{lines}.mp4"
    if not target.exists():
        source = (
            input_args(FOOTAGE / clip.file) if clip.file else ["-f", "lavfi", "-i", clip.filter]
        )
        fit = f"scale={_width(lines)}:{lines}:out_color_matrix=bt709:out_range=tv,setsar=1,fps=25"
        args = ["-t", str(LASTS_S), "-vf", fit, *VIDEO, "-preset", "veryfast", "-crf", "18", "-an"]
        run_ffmpeg(ffmpeg, [*source, *args, target.name], cwd=folder, deadline_s=DEADLINE_S)
    return target


def _burn(ffmpeg: str, source: Path, take: Take, target: Path, lines: int) -> Path:
    told = [(Line(cue.start_ms, cue.end_ms, cue.text), take.style) for cue in take.cues]
    script = target.with_suffix(".ass")
    script.write_text(write_ass(told, width=_width(lines), height=lines), encoding="utf-8")
    graph = f"ass={script.name}:fontsdir={FONTS}"
    args = [*input_args(source), "-vf", graph, *VIDEO, *take.quality, "-an", target.name]
    run_ffmpeg(ffmpeg, args, cwd=target.parent, deadline_s=DEADLINE_S)
    return target


def _width(lines: int) -> int:
    return round(lines * 16 / 9 / 2) * 2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="a part of the pairs' names")
    parser.add_argument("--jobs", type=int, default=2, help="processes, each with a pair")
    args = parser.parse_args()
    chosen = [each for each in (*WORSE, *ALIKE) if args.only in each.name]
    missing = {
        each.ground.file for each in chosen if each.ground.file and not _is_there(each.ground)
    }
    if missing:
        print(f"no footage for {', '.join(missing)}: run `make footage`")
        return 2
    with ProcessPoolExecutor(args.jobs) as pool:
        outcomes = list(pool.map(_judge_alone, chosen))
    _print(outcomes)
    return 0 if all(each.is_right for each in outcomes) else 1


def _is_there(ground: Clip) -> bool:
    return (FOOTAGE / ground.file).is_file()


def _judge_alone(planted: Planted) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="pairs-") as name:
        found = judge(planted, Path(name))
    print(f"{_mark(found)} {planted.name}: {found.verdict['text']}", file=sys.stderr, flush=True)
    for label, each in found.clip["measures"].items():
        cues = [cue["variants"].get(label, {}) for cue in found.clip["cues"]]
        flags = [(cue.get("visible"), cue.get("contrast"), cue.get("flags")) for cue in cues]
        print(f"     {label} {each['score']['value']} {flags}", file=sys.stderr, flush=True)
    return found


def _mark(outcome: Outcome) -> str:
    return "  ok" if outcome.is_right else "MISS"


def _print(outcomes: Sequence[Outcome]) -> None:
    print("\n| planted | said | points | contrast | right |\n|---|---|---|---|---|")
    for each in outcomes:
        scores = [m["score"]["value"] for m in each.clip["measures"].values()]
        medians = [(m["contrast"] or {}).get("median") for m in each.clip["measures"].values()]
        said = each.verdict["better"] or each.verdict["result"]
        right = "yes" if each.is_right else "**no**"
        figures = " | ".join(" / ".join(map(_text, row)) for row in (scores, medians))
        print(f"| {each.planted.name} | {said} | {figures} | {right} |")
    for name, ties in (("plainly worse", False), ("alike", True)):
        some = [each for each in outcomes if each.planted.is_tie is ties]
        print(f"\n{name}: {sum(each.is_right for each in some)} of {len(some)} right")


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


if __name__ == "__main__":
    sys.exit(main())
