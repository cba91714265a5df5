"""Styles and clips that legibility is measured on: sets to choose thresholds by, and one apart.

`SEEN` was kept apart once; what it showed was then used, so it is a set for choosing by now.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from sandbox.style import PRESETS, Style

FOOTAGE = Path(__file__).resolve().parents[1] / ".cache" / "footage"


@dataclass(frozen=True, slots=True)
class Look:
    """A style, and an ASS effect before each text.

    `ordinary` is a plain, outlined or steadily boxed style with lines of 20 pixels or more.
    """

    name: str
    style: Style
    effect: str = ""
    ordinary: bool = False


@dataclass(frozen=True, slots=True)
class Clip:
    """A background, and how variants are coded.

    One of: what one of ffmpeg's sources makes; footage, from a second on; an `image`, over which
    the view moves slowly from the upper left to the lower right. Files are found from `FOOTAGE`.
    """

    name: str
    filter: str = ""
    file: str = ""
    image: str = ""
    start_s: float = 0.0
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
        Look("outline", _OUTLINE, ordinary=True),
        Look("boxed", _BOXED, ordinary=True),
        Look("lightbox", replace(_BOXED, color="#101010", box_color="#F0F0F0"), ordinary=True),
        Look("plain", _PLAIN, ordinary=True),
        Look("karaoke", PRESETS["karaoke"]),
        Look("fade", _OUTLINE, r"{\fad(300,300)}"),
        Look("lowerthird", PRESETS["lowerthird"], ordinary=True),
        Look("broadcast", PRESETS["broadcast"], ordinary=True),
        Look("smallgrey", replace(_PLAIN, size=2.963, color="#9E9E9E")),
        Look("shadow", replace(_BOLD, shadow=4.0)),
        Look("dark", replace(_BOLD, color="#101010", outline_color="#FFFFFF", outline_width=4.0),
             ordinary=True),
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

SEEN = Set(
    (
        Look("yellow", replace(_OUTLINE, color="#FFF000", outline_width=3.0, size=5.5),
             ordinary=True),
        Look("serious", replace(_BOXED, font="DejaVu Sans", box_opacity=0.6, size=5.0),
             ordinary=True),
        Look("top", replace(_BOLD, position="top", font="DejaVu Sans"), ordinary=True),
        Look("teal", replace(_BOXED, color="#101010", box_color="#00897B", box_opacity=1.0),
             ordinary=True),
        Look("anton", replace(_OUTLINE, font="Anton", size=9.0, outline_width=6.0), ordinary=True),
        Look("words", replace(PRESETS["karaoke"], highlight_color="#00E5FF")),
    ),
    (
        Clip("bars", "smptehdbars=s=1280x720:r=25"),
        Clip("life", "life=s=160x90:r=25:mold=10:ratio=0.2:seed=7"
                     ":life_color=#80C0FF:death_color=#203040"),
        Clip("bikes_low", file="bikes.mp4", quality=("-b:v", "350k")),
    ),
)  # fmt: skip

# Written before the thresholds were done, and shown to nobody who chose them.
APART = Set(
    (
        Look("sky", replace(_OUTLINE, color="#BFE9FF", outline_color="#10204A", outline_width=4.0,
                            size=6.2), ordinary=True),
        Look("lemon", replace(_BOLD, color="#FFF59D", size=6.3), ordinary=True),
        Look("navy", replace(_BOXED, color="#FFE8C0", box_color="#10204A", box_opacity=0.85,
                             size=5.2, alignment="left"), ordinary=True),
        Look("paper", replace(_BOXED, color="#202020", box_color="#FFFFFF", box_opacity=0.7,
                              size=5.6), ordinary=True),
        Look("shorts", PRESETS["shorts"], ordinary=True),
        Look("pop", PRESETS["pop"]),
        Look("fog", _BOLD, r"{\alpha&HF8&}"),
    ),
    (
        Clip("carphone", file="carphone_pristine.mp4"),
        Clip("china", image="china.jpg"),
        Clip("coffee", image="coffee.png"),
    ),
)  # fmt: skip
