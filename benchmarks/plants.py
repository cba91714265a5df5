"""Pairs of caption styles of which one is plainly worse, and pairs that read alike."""

from __future__ import annotations

from dataclasses import dataclass, replace

from benchmarks.looks import APART, TUNING, Clip
from sandbox.style import PRESETS, Style
from service.captions.model import Cue

#: 14 and 13 characters a second.
CUES = (Cue(400, 2200, "Cold brew in under thirty"), Cue(2500, 3900, "No filter, no fuss"))
#: The same words at 30 characters a second.
HASTY = (Cue(400, 1233, "Cold brew in under thirty"), Cue(2500, 3100, "No filter, no fuss"))


@dataclass(frozen=True, slots=True)
class Take:
    """How one variant is made."""

    style: Style
    cues: tuple[Cue, ...] = CUES
    quality: tuple[str, ...] = ("-preset", "veryfast", "-crf", "23")


@dataclass(frozen=True, slots=True)
class Planted:
    """Two variants of a ground. `good` is easier to read, or as easy where `is_tie`."""

    name: str
    ground: Clip
    good: Take
    other: Take
    is_tie: bool = False

    def __str__(self) -> str:
        return self.name


_GROUNDS = {each.name: each for each in (*TUNING.clips, *APART.clips)}
_OUTLINE, _BOXED, _PLAIN = PRESETS["outline"], PRESETS["boxed"], PRESETS["plain"]
_LOWER, _BROADCAST = PRESETS["lowerthird"], PRESETS["broadcast"]
_DARK = replace(_BOXED, color="#101010", box_color="#F0F0F0", box_opacity=1.0)
_BOLD = replace(_PLAIN, size=6.667, weight=700)
#: Inked lines of 1.5 % of the picture's height.
_TINY = 2.0


def _lost(ground: str, good: Style, bad: Style) -> Planted:
    return Planted(f"lost letters on {ground}", _GROUNDS[ground], Take(good), Take(bad))


def _small(ground: str, good: Style) -> Planted:
    bad = Take(replace(good, size=_TINY))
    return Planted(f"1.5 % high on {ground}", _GROUNDS[ground], Take(good), bad)


def _outside(ground: str, good: Style, **moved: float | str) -> Planted:
    bad = Take(replace(good, **moved))  # type: ignore[arg-type]
    return Planted(f"at the edge on {ground}", _GROUNDS[ground], Take(good), bad)


def _hasty(ground: str, good: Style) -> Planted:
    return Planted(f"30 a second on {ground}", _GROUNDS[ground], Take(good), Take(good, HASTY))


WORSE: tuple[Planted, ...] = (
    _lost("bright", _OUTLINE, replace(_BOLD, color="#EBEBE4")),
    _lost("dark", _BOXED, replace(_BOLD, color="#181C20")),
    _lost("busy", _BROADCAST, replace(_BOXED, box_color="#FFFFFF", box_opacity=1.0)),
    _lost("bikes", _OUTLINE, replace(_DARK, color="#F0F0F0")),
    _lost("bunny", _BOXED, replace(_BOXED, color="#202020", box_opacity=1.0)),
    _small("bright", _OUTLINE),
    _small("dark", _LOWER),
    _small("gradient", _BOXED),
    _small("bikes", _BROADCAST),
    _small("bunny", _DARK),
    _outside("bright", _BOXED, margin_vertical=0.4),
    _outside("dark", _OUTLINE, margin_vertical=0.0),
    _outside("gradient", _OUTLINE, margin_left=0.5, alignment="left"),
    _outside("bikes", _DARK, margin_vertical=0.2, position="top"),
    _outside("bunny", _BROADCAST, margin_vertical=0.5),
    _hasty("bright", _DARK),
    _hasty("dark", _OUTLINE),
    _hasty("busy", _BOXED),
    _hasty("bikes", _LOWER),
    _hasty("bunny", _OUTLINE),
)


def _alike(name: str, ground: str, one: Take, two: Take) -> Planted:
    return Planted(f"{name} on {ground}", _GROUNDS[ground], one, two, is_tie=True)


_SMALLER = ("-preset", "medium", "-crf", "28")
_LARGER = ("-preset", "ultrafast", "-crf", "20")

ALIKE: tuple[Planted, ...] = (
    _alike("encoded smaller", "bikes", Take(_BOXED), Take(_BOXED, quality=_SMALLER)),
    _alike("encoded larger", "bunny", Take(_OUTLINE), Take(_OUTLINE, quality=_LARGER)),
    _alike("encoded smaller", "dark", Take(_OUTLINE), Take(_OUTLINE, quality=_SMALLER)),
    _alike("another white", "bunny", Take(_BOXED), Take(replace(_BOXED, color="#FFFBF0"))),
    _alike("another yellow", "bikes", Take(_BROADCAST), Take(replace(_BROADCAST, color="#FFF500"))),
    _alike("another black", "bright", Take(_OUTLINE),
           Take(replace(_OUTLINE, outline_color="#0C0C0C"))),
    _alike("left and right", "dark", Take(replace(_BOXED, alignment="left")),
           Take(replace(_BOXED, alignment="right"))),
    _alike("a hundredth larger", "bunny", Take(_DARK), Take(replace(_DARK, size=6.0))),
    _alike("a little higher", "bikes", Take(_BOXED), Take(replace(_BOXED, margin_vertical=10.0))),
    _alike("nothing", "busy", Take(_BROADCAST), Take(_BROADCAST)),
)  # fmt: skip
