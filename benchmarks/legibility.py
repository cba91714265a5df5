"""Legibility measured blind, beside the truth: contrast of each cue, styles by backgrounds.

The truth is what libass says of where the letters are; blind are the clip, the video and the cues,
whose times are off by a tenth of a second. `--set tuning` and `--set seen` have styles and clips
that thresholds were chosen on, `--set apart` such that none was. `--looks` and `--clips` narrow it.
Needs `make footage`.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from benchmarks.legibility_tables import Case, print_summary, print_table, show_error
from benchmarks.looks import APART, FOOTAGE, SEEN, TUNING, Clip, Look
from sandbox.ass import write_ass
from sandbox.cues import Cue as Line
from sandbox.style import Style
from service.captions.model import Cue
from service.compare.colours import Colour
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
# The same texts without a moment between them, before them or after them.
TIGHT = (replace(CUES[0], start_ms=0, end_ms=2200), replace(CUES[1], start_ms=2200, end_ms=4400))
JITTER_MS = (120, -120)
FONTS = Path(__file__).resolve().parents[1] / "sandbox" / "fonts"
VIDEO = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"]
VIDEO += ["-colorspace", "bt709", "-color_range", "tv", "-an"]
SETS = {"tuning": TUNING, "seen": SEEN, "apart": APART}
# The view moves over a fifth of a still image.
STILL = (round(WIDTH * 1.2), round(HEIGHT * 1.2))
Named = TypeVar("Named", Look, Clip)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", choices=sorted(SETS), default="tuning")
    parser.add_argument("--looks", default="", help="names of styles, with commas between")
    parser.add_argument("--clips", default="", help="names of clips, likewise")
    parser.add_argument("--asked", action="store_true", help="tell the colour that was asked for")
    parser.add_argument("--tight", action="store_true", help="captions without a pause")
    parser.add_argument("--jobs", type=int, default=2, help="processes, each with a clip")
    args = parser.parse_args()
    chosen = SETS[args.set]
    if not (chosen.looks and chosen.clips):
        print(f"the set {args.set} is empty: define it in benchmarks/looks.py")
        return 2
    files = {each.name: each.file or each.image for each in chosen.clips}
    missing = [name for name, file in files.items() if file and not (FOOTAGE / file).is_file()]
    if missing:
        print(f"no footage for {', '.join(missing)}: run `make footage`")
        return 2
    looks = _narrow(chosen.looks, args.looks)
    clips = _narrow(chosen.clips, args.clips)
    with ProcessPoolExecutor(args.jobs) as pool:
        cues = TIGHT if args.tight else CUES
        measure = functools.partial(_measure_clip, looks=looks, cues=cues, told=args.asked)
        parts = list(pool.map(measure, clips))
    cases = [case for part, _ in parts for case in part]
    cpu_s = sum(spent_s for _, spent_s in parts) / (len(clips) * len(looks) * LASTS_S)
    print_table(cases, looks, clips)
    print_summary(cases, cpu_s)
    return 0


def _narrow(all_of: tuple[Named, ...], names: str) -> tuple[Named, ...]:
    chosen = set(filter(None, names.split(",")))
    return tuple(each for each in all_of if not chosen or each.name in chosen)


def _measure_clip(
    clip: Clip, looks: tuple[Look, ...], cues: Sequence[Cue], *, told: bool
) -> tuple[list[Case], float]:
    """All styles on a clip, and the CPU seconds of the blind measurements, all at once."""
    ffmpeg = find_ffmpeg()
    with tempfile.TemporaryDirectory(prefix="legibility-") as name:
        folder = Path(name)
        source = _make_clip(ffmpeg, clip, folder)
        variants, truth = {}, {}
        for look in looks:
            ass = _write(look, cues)
            variants[look.name] = _burn(ffmpeg, source, ass, clip, folder / f"{look.name}.mp4")
            truth[look.name] = _measure_exact(ffmpeg, variants[look.name], ass, cues)
        asked = {look.name: find_asked(look.style) for look in looks} if told else None
        began_s = time.process_time()
        blind = measure_films(source, variants, _jitter(cues), asked=asked)
        spent_s = time.process_time() - began_s
    cases = [
        Case(look, clip.name, *both)
        for look in looks
        for both in zip(truth[look.name], blind[look.name], strict=True)
    ]
    for case in cases:
        print(f"{clip.name} {case.look.name}: {_describe(case)}", file=sys.stderr, flush=True)
    return cases, spent_s


def find_asked(style: Style) -> Colour:
    """The colour that a style gives its letters, in levels of video."""
    rgb = [int(style.color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    y = 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]
    cb, cr = (rgb[2] - y) / 1.8556, (rgb[0] - y) / 1.5748
    return Colour(16 + 219 * y, 128 + 224 * cb, 128 + 224 * cr)


def _describe(case: Case) -> str:
    true, found = case.exact, case.blind.legibility
    figures = [
        "none" if each is None else f"{each:.1f}"
        for each in (true.contrast, found.contrast, true.weakest, found.weakest)
    ]
    return (
        f"{show_error(case)} contrast {figures[0]} found {figures[1]}, weakest {figures[2]} found"
        f" {figures[3]}, lines of {true.line_px:.0f} found {found.line_px:.0f} px"
        f" {' '.join(case.blind.flags)}"
    )


def _burn(ffmpeg: str, source: Path, ass: str, clip: Clip, target: Path) -> Path:
    folder = target.parent
    (folder / "burn.ass").write_text(ass, encoding="utf-8")
    graph = f"ass=burn.ass:fontsdir={FONTS}"
    args = [*input_args(source), "-vf", graph, *VIDEO, *clip.quality, target.name]
    run_ffmpeg(ffmpeg, args, cwd=folder, deadline_s=300)
    return target


def _make_clip(ffmpeg: str, clip: Clip, folder: Path) -> Path:
    target = folder / f"clip-{clip.name}.mp4"
    fitted = f"scale={WIDTH}:{HEIGHT}:out_color_matrix=bt709:out_range=tv,setsar=1,fps=25"
    if clip.image:
        source = ["-loop", "1", "-framerate", "25", "-i", str(FOOTAGE / clip.image)]
        moved = f"crop={WIDTH}:{HEIGHT}:(iw-ow)*t/{LASTS_S}:(ih-oh)*t/{LASTS_S}:exact=1"
        wide, high = STILL
        fitted = f"scale={wide}:{high}:force_original_aspect_ratio=increase,{moved},{fitted}"
    elif clip.file:
        source = ["-ss", str(clip.start_s), *input_args(FOOTAGE / clip.file)]
    else:
        source = ["-f", "lavfi", "-i", clip.filter]
    args = [*source, "-t", str(LASTS_S), "-vf", fitted, *VIDEO, "-crf", "18", target.name]
    run_ffmpeg(ffmpeg, args, cwd=folder, deadline_s=300)
    return target


def _write(look: Look, cues: Sequence[Cue]) -> str:
    pairs = [(Line(cue.start_ms, cue.end_ms, cue.text), look.style) for cue in cues]
    ass = write_ass(pairs, width=WIDTH, height=HEIGHT)
    return ass.replace(",,0,0,0,,", f",,0,0,0,,{look.effect}")


def _jitter(cues: Sequence[Cue]) -> list[Cue]:
    return [
        replace(cue, start_ms=max(0, cue.start_ms + shift), end_ms=cue.end_ms + shift)
        for cue, shift in zip(cues, JITTER_MS, strict=True)
    ]


def _measure_exact(ffmpeg: str, variant: Path, ass: str, cues: Sequence[Cue]) -> list[Legibility]:
    windows = find_windows(cues)
    frames = read_frames(variant, [at_s for window in windows for at_s in window.samples()])
    found = []
    for window in windows:
        shown = list(itertools.islice(frames, len(window.samples())))
        times_s = [each.at_s for each in shown]
        size = {"width": WIDTH, "height": HEIGHT}
        masks = draw_masks(ffmpeg, ass, times_s=times_s, fonts=FONTS, **size)
        found.append(
            measure_cue(
                (to_luminance(frame.picture()), find_letters(mask.fill, mask.footprint))
                for frame, mask in zip(shown, masks, strict=True)
            )
        )
    return found


if __name__ == "__main__":
    sys.exit(main())
