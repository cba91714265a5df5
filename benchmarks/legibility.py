"""Legibility measured blind, beside the truth: contrast of each cue, styles by backgrounds.

The truth is what libass says of where the letters are; blind are the clip, the video and the cues,
whose times are off by a tenth of a second. `--set apart` has styles and clips that no threshold was
chosen on. `--looks` and `--clips` narrow it. Needs `make footage`.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from benchmarks.looks import APART, FOOTAGE, TUNING, Clip, Look
from sandbox.ass import write_ass
from sandbox.cues import Cue as Line
from service.captions.model import Cue
from service.compare.blind import Blind
from service.compare.films import find_windows, measure_films
from service.compare.legibility import Legibility, find_letters, measure_cue
from service.compare.planes import to_luminance
from service.media.ffmpeg import find_ffmpeg, input_args, run_ffmpeg
from service.media.frames import read_frames
from service.media.masks import draw_masks

WIDTH, HEIGHT, LASTS_S = 1280, 720, 4.4
CUES = (
    Cue(400, 2000, "Cold brew in under\nthirty seconds flat"),
    Cue(2500, 3900, "No filter, no fuss"),
)
JITTER_MS = (120, -120)
FONTS = Path(__file__).resolve().parents[1] / "sandbox" / "fonts"
VIDEO = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"]
VIDEO += ["-colorspace", "bt709", "-color_range", "tv", "-an"]
Named = TypeVar("Named", Look, Clip)


@dataclass(frozen=True, slots=True)
class Case:
    """One cue of one style on one clip, both ways."""

    look: str
    clip: str
    exact: Legibility
    blind: Blind

    @property
    def error(self) -> float | None:
        """The blind median contrast's relative error; nothing where either sees no letters."""
        ours, true = self.blind.legibility.contrast, self.exact.contrast
        if ours is None or true is None or not self.exact.visible:
            return None
        return ours / true - 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", choices=("tuning", "apart"), default="tuning")
    parser.add_argument("--looks", default="", help="names of styles, with commas between")
    parser.add_argument("--clips", default="", help="names of clips, likewise")
    parser.add_argument("--jobs", type=int, default=2, help="processes, each with a clip")
    args = parser.parse_args()
    chosen = TUNING if args.set == "tuning" else APART
    missing = [
        each.name for each in chosen.clips if each.file and not (FOOTAGE / each.file).is_file()
    ]
    if missing:
        print(f"no footage for {', '.join(missing)}: run `make footage`")
        return 2
    looks = _narrow(chosen.looks, args.looks)
    clips = _narrow(chosen.clips, args.clips)
    with ProcessPoolExecutor(args.jobs) as pool:
        parts = list(pool.map(_measure_clip, clips, itertools.repeat(looks)))
    cases = [case for part, _ in parts for case in part]
    cpu_s = sum(spent_s for _, spent_s in parts) / (len(clips) * len(looks) * LASTS_S)
    _print_table(cases, looks, clips)
    _print_summary(cases, cpu_s)
    return 0


def _narrow(all_of: tuple[Named, ...], names: str) -> tuple[Named, ...]:
    chosen = set(filter(None, names.split(",")))
    return tuple(each for each in all_of if not chosen or each.name in chosen)


def _measure_clip(clip: Clip, looks: tuple[Look, ...]) -> tuple[list[Case], float]:
    """All styles on a clip, and the CPU seconds of the blind measurements."""
    ffmpeg, cases, spent_s = find_ffmpeg(), [], 0.0
    with tempfile.TemporaryDirectory(prefix="legibility-") as name:
        folder = Path(name)
        source = _make_clip(ffmpeg, clip, folder)
        for look in looks:
            ass = _write(look)
            variant = _burn(ffmpeg, source, ass, clip, folder)
            truth = _measure_exact(ffmpeg, variant, ass)
            began_s = time.process_time()
            blind = measure_films(source, {look.name: variant}, _jittered())[look.name]
            spent_s += time.process_time() - began_s
            cases += [Case(look.name, clip.name, *both) for both in zip(truth, blind, strict=True)]
            cells = ", ".join(f"{_cell(case)} {case.blind.flags}" for case in cases[-len(CUES) :])
            print(f"{clip.name} {look.name}: {cells}", file=sys.stderr, flush=True)
    return cases, spent_s


def _burn(ffmpeg: str, source: Path, ass: str, clip: Clip, folder: Path) -> Path:
    (folder / "burn.ass").write_text(ass, encoding="utf-8")
    graph = f"ass=burn.ass:fontsdir={FONTS}"
    args = [*input_args(source), "-vf", graph, *VIDEO, *clip.quality, "variant.mp4"]
    run_ffmpeg(ffmpeg, args, cwd=folder, deadline_s=300)
    return folder / "variant.mp4"


def _make_clip(ffmpeg: str, clip: Clip, folder: Path) -> Path:
    target = folder / f"{clip.name}.mp4"
    source = input_args(FOOTAGE / clip.file) if clip.file else ["-f", "lavfi", "-i", clip.filter]
    fitted = f"scale={WIDTH}:{HEIGHT}:out_color_matrix=bt709:out_range=tv,setsar=1,fps=25"
    args = [*source, "-t", str(LASTS_S), "-vf", fitted, *VIDEO, "-crf", "18", target.name]
    run_ffmpeg(ffmpeg, args, cwd=folder, deadline_s=300)
    return target


def _write(look: Look) -> str:
    pairs = [(Line(cue.start_ms, cue.end_ms, cue.text), look.style) for cue in CUES]
    ass = write_ass(pairs, width=WIDTH, height=HEIGHT)
    return ass.replace(",,0,0,0,,", f",,0,0,0,,{look.effect}")


def _jittered() -> list[Cue]:
    return [
        Cue(cue.start_ms + shift, cue.end_ms + shift, cue.text)
        for cue, shift in zip(CUES, JITTER_MS, strict=True)
    ]


def _measure_exact(ffmpeg: str, variant: Path, ass: str) -> list[Legibility]:
    found = []
    for window in find_windows(CUES):
        frames = list(read_frames(variant, window.samples()))
        times_s = [each.at_s for each in frames]
        size = {"width": WIDTH, "height": HEIGHT}
        masks = draw_masks(ffmpeg, ass, times_s=times_s, fonts=FONTS, **size)
        found.append(
            measure_cue(
                (to_luminance(frame.picture()), find_letters(mask.fill, mask.footprint))
                for frame, mask in zip(frames, masks, strict=True)
            )
        )
    return found


def _print_table(cases: list[Case], looks: tuple[Look, ...], clips: tuple[Clip, ...]) -> None:
    print("\n\nError of the blind median contrast in percent, cue 1 / cue 2. `*`: flagged. `inv`:")
    print("invisible both ways; `missed`: the letters were there; `false`: they were not.\n")
    print("| style | " + " | ".join(clip.name for clip in clips) + " |")
    print("|---" * (len(clips) + 1) + "|")
    for look in looks:
        row = [
            " / ".join(_cell(c) for c in cases if (c.look, c.clip) == (look.name, clip.name))
            for clip in clips
        ]
        print(f"| {look.name} | " + " | ".join(row) + " |")


def _cell(case: Case) -> str:
    flagged = "" if case.blind.confident else "*"
    if not case.exact.visible:
        return ("false" if case.blind.legibility.visible else "inv") + flagged
    if case.error is None or not case.blind.legibility.visible:
        return "missed" + flagged
    return f"{100 * case.error:+.0f}{flagged}"


def _print_summary(cases: list[Case], cpu_s: float) -> None:
    seen = [case for case in cases if case.exact.visible]
    hidden = [case for case in cases if not case.exact.visible]
    for name, some in (
        ("all visible cues", seen),
        ("unflagged", [case for case in seen if case.blind.confident]),
    ):
        errors = [abs(case.error) for case in some if case.error is not None]
        if errors:
            shares = ", ".join(f"{_share(errors, at):.0%} within {at:.0%}" for at in (0.15, 0.25))
            sides = statistics.mean(_same_side(case) for case in some if case.error is not None)
            print(
                f"\n{name}: {len(some)}; median error {statistics.median(errors):.1%}, {shares},"
                f" right side of 3 and of 4.5 {sides:.0%}"
            )
    found = sum(not case.blind.legibility.visible for case in hidden)
    false = sum(not case.blind.legibility.visible for case in seen)
    print(
        f"\ninvisible: {found} of {len(hidden)} found, {false} of {len(seen)} visible ones missed"
    )
    flags = sorted(itertools.chain.from_iterable(case.blind.flags for case in seen))
    counts = ", ".join(f"{name} {len(list(same))}" for name, same in itertools.groupby(flags))
    unsure = sum(not case.blind.confident for case in seen)
    print(f"flagged: {unsure} of {len(seen)} ({counts or 'none'})")
    print(f"blind: {cpu_s:.2f} CPU seconds for a second of video of {WIDTH}x{HEIGHT}")


def _share(errors: list[float], most: float) -> float:
    return sum(error <= most for error in errors) / len(errors)


def _same_side(case: Case) -> float:
    ours, true = case.blind.legibility.contrast, case.exact.contrast
    return float(all((ours >= limit) == (true >= limit) for limit in (3, 4.5)))


if __name__ == "__main__":
    sys.exit(main())
