"""Styles and clips that legibility is measured on: one set to choose thresholds by, one apart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from sandbox.style import PRESETS, Style

FOOTAGE = Path(__file__).resolve().parents[1] / ".cache" / "footage"


@dataclass(frozen=True, slots=True)
class Look:
    """A style, and an ASS effect before each text."""

    name: str
    style: Style
    effect: str = ""


@dataclass(frozen=True, slots=True)
class Clip:
    """A background: footage, or what one of ffmpeg's sources makes; and how variants are coded."""

    name: str
    filter: str = ""
    file: str = ""
    quality: tuple[str, ...] = ("-crf", "23")


@dataclass(frozen=True, slots=True)
class Set:
    """Styles by clips."""

    looks: tuple[Look, ...]
    clips: tuple[Clip, ...]


_OUTLINE, _PLAIN, _BOXED = PRESETS["outline"], PRESETS["plain"], PRESETS["boxed"]
_BOLD = replace(_PLAIN, size=6.667, weight=700)
_NOISE = "noise=alls=6:allf=t:all_seed=1"

TUNING = Set(
    (
        Look("outline", _OUTLINE),
        Look("boxed", _BOXED),
        Look("lightbox", replace(_BOXED, color="#101010", box_color="#F0F0F0")),
        Look("plain", _PLAIN),
        Look("karaoke", PRESETS["karaoke"]),
        Look("fade", _OUTLINE, r"{\fad(300,300)}"),
        Look("lowerthird", PRESETS["lowerthird"]),
        Look("broadcast", PRESETS["broadcast"]),
        Look("smallgrey", replace(_PLAIN, size=2.963, color="#9E9E9E")),
        Look("shadow", replace(_BOLD, shadow=4.0)),
        Look("dark", replace(_BOLD, color="#101010", outline_color="#FFFFFF", outline_width=4.0)),
        Look("thin", replace(_OUTLINE, color="#FF3030", outline_color="#FFFFFF",
                             outline_width=1.3, shadow=0.0)),
        Look("ghost", _BOLD, r"{\alpha&HF8&}"),
    ),
    (
        Clip("bright", f"color=c=0xEBEBE4:s=1280x720:r=25,{_NOISE}"),
        Clip("dark", f"color=c=0x181C20:s=1280x720:r=25,{_NOISE}"),
        Clip("busy", "mandelbrot=s=1280x720:r=25:maxiter=300:end_scale=0.05"),
        Clip("gradient", "gradients=s=1280x720:r=25:c0=black:c1=white:n=2:speed=0.02:seed=3"),
        Clip("bikes", file="bikes.mp4"),
        Clip("bunny", file="bigbuckbunny.mp4"),
    ),
)  # fmt: skip

APART = Set(
    (
        Look("yellow", replace(_OUTLINE, color="#FFF000", outline_width=3.0, size=5.5)),
        Look("serious", replace(_BOXED, font="DejaVu Sans", box_opacity=0.6, size=5.0)),
        Look("top", replace(_BOLD, position="top", font="DejaVu Sans")),
        Look("teal", replace(_BOXED, color="#101010", box_color="#00897B", box_opacity=1.0)),
        Look("anton", replace(_OUTLINE, font="Anton", size=9.0, outline_width=6.0)),
        Look("words", replace(PRESETS["karaoke"], highlight_color="#00E5FF")),
    ),
    (
        Clip("bars", "smptehdbars=s=1280x720:r=25"),
        Clip("life", "life=s=160x90:r=25:mold=10:ratio=0.2:seed=7"
                     ":life_color=#80C0FF:death_color=#203040"),
        Clip("bikes_low", file="bikes.mp4", quality=("-b:v", "350k")),
    ),
)  # fmt: skip
