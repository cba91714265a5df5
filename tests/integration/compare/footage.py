"""Short pairs of variants made by ffmpeg: clean ones, and ones with one fault planted."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import imageio_ffmpeg

from tests.conftest import FOOTAGE

SECONDS = 3.2
RATE = 25
#: Two captions, with nothing in between: what a user's SRT would say.
CUES = ((0.4, 1.3), (1.8, 2.8))
_ENCODERS = {
    "fast": ("-preset", "ultrafast", "-crf", "23"),
    "usual": ("-preset", "veryfast", "-crf", "18"),
    "small": ("-preset", "medium", "-crf", "28"),
}
_STYLES = {
    "outline": "Style: D,Inter,22,&H00FFFFFF,&H00FFFFFF,&H00000000,&H80000000,-1,0,0,0,100,100,0,0,"
    "1,1.5,0.5,2,20,20,20,1",
    "boxed": "Style: D,Inter,20,&H0000D7FF,&H00FFFFFF,&H00000000,&H30000000,-1,0,0,0,100,100,0,0,"
    "4,0,6,8,20,20,20,1",
}


@dataclass(frozen=True)
class Cut:
    """How a variant is made: `before` and `after` are filters around the captions."""

    style: str = "outline"
    before: str = ""
    after: str = ""
    sound: str = ""
    encoder: str = "usual"
    extra: tuple[str, ...] = ()
    texts: tuple[str, str] = field(default=("Cold brew in under", "thirty seconds flat"))
    times: tuple[tuple[float, float], ...] = CUES


def make_source(name: str, folder: Path) -> Path:
    """The first seconds of a clip, 640 wide. bikes has no sound, so it gets noise."""
    out = folder / f"{name}.mp4"
    if not out.exists():
        args = ["-t", str(SECONDS), "-i", str(FOOTAGE / f"{name}.mp4")]
        speech = "anoisesrc=r=44100:a=0.3:seed=5,lowpass=f=1500,tremolo=f=3:d=0.8"
        if name == "bikes":
            args += ["-f", "lavfi", "-t", str(SECONDS), "-i", speech, "-map", "0:v", "-map", "1:a"]
        args += ["-vf", "scale=640:-2", *_ENCODERS["usual"], "-c:a", "aac", "-b:a", "96k"]
        run(args, out)
    return out


def make_variant(source: Path, cut: Cut, out: Path) -> Path:
    """A variant with captions burned in."""
    height = 272 if "bikes" in source.name else 360
    script = out.with_suffix(".ass")
    script.write_text(_script(cut, height))
    fonts = Path(__file__).resolve().parents[3] / "sandbox"
    chain = [
        each for each in (cut.before, f"ass={script.name}:fontsdir={fonts}", cut.after) if each
    ]
    args = ["-i", str(source), "-filter_complex", f"[0:v]{','.join(chain)}[v]", "-map", "[v]"]
    if cut.sound:
        args += ["-af", cut.sound]
    args += ["-map", "0:a?", *_ENCODERS[cut.encoder], "-pix_fmt", "yuv420p"]
    args += ["-c:a", "aac" if cut.sound else "copy", *cut.extra]
    run(args, out)
    return out


def run(args: list[str], out: Path) -> None:
    """Run ffmpeg beside its output."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-threads", "1", *args]
    subprocess.run(
        [*command, "-threads", "1", str(out)],
        check=True,
        stdin=subprocess.DEVNULL,
        timeout=100,
        cwd=out.parent,
    )


def _script(cut: Cut, height: int) -> str:
    head = f"[Script Info]\nScriptType: v4.00+\nPlayResX: 640\nPlayResY: {height}\n\n[V4+ Styles]\n"
    head += (
        "Format: Name,Fontname,Fontsize,PrimaryColour,SecondaryColour,OutlineColour,BackColour,"
        "Bold,Italic,Underline,StrikeOut,ScaleX,ScaleY,Spacing,Angle,BorderStyle,Outline,Shadow,"
        "Alignment,MarginL,MarginR,MarginV,Encoding\n"
    )
    events = "\n[Events]\nFormat: Layer,Start,End,Style,Name,MarginL,MarginR,MarginV,Effect,Text\n"
    lines = [
        f"Dialogue: 0,0:00:{start:05.2f},0:00:{end:05.2f},D,,0,0,0,,{text}\n"
        for (start, end), text in zip(cut.times, cut.texts, strict=True)
    ]
    return head + _STYLES[cut.style] + "\n" + events + "".join(lines)
