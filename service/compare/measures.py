"""The measures of one variant of a clip, from what was asked and what was seen. Pure.

Flagged figures are shown and never concluded from: `sure` says from which cues something may be.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from service.compare.cards import Asked, Card
from service.compare.facts import Box, Film, Seen, Sight
from service.compare.platforms import Box as Edges
from service.compare.platforms import Fit, Platform, judge_fit
from service.compare.timing import Timing, measure_timing

#: Doubts about where and how large letters are, beside those about their contrast.
SHAPE_DOUBTS = frozenset(
    {
        "no_clip",
        "misaligned",
        "unknown_offset",
        "few_clean_frames",
        "no_letters",
        "unlike_text",
        "moving",
        "too_short",
    }
)
#: Below this share of its cues without a doubt nothing is concluded of a variant.
SURE_SHARE = 0.5
#: Above this share of its cues a variant's captions count as not visible.
HIDDEN_SHARE = 0.5
#: Of a picture whose shape no platform has: EBU R95's graphics safe area, as for television.
_ANY_EDGE = 5.0


@dataclass(frozen=True, slots=True)
class CueSight:
    """What was seen of one cue: of its cards together. A cue that is not visible has contrast 1."""

    visible: bool
    contrast: float
    weakest: float
    below_4_5: float
    below_3: float
    lines: int
    line_px: float
    covered: float
    box: Box | None
    flags: tuple[str, ...]

    @property
    def confident(self) -> bool:
        return not self.flags

    @property
    def is_shaped(self) -> bool:
        """Whether its size and place can be believed.

        Letters under 20 pixels run together, so that their number is not the text's; they are
        small all the same.
        """
        doubts = SHAPE_DOUBTS & set(self.flags)
        if "small_text" in self.flags:
            doubts -= {"unlike_text"}
        return self.visible and self.line_px > 0 and not doubts

    @property
    def is_lost(self) -> bool:
        """Whether no letters are seen: nothing at all, or a box without any in it."""
        return not self.visible and set(self.flags) <= {"no_letters"}


@dataclass(frozen=True, slots=True)
class Contrast:
    """Of some cues: the median of their contrasts, the weakest cue's weakest tenth, shares."""

    median: float
    weakest: float
    below_4_5: float
    below_3: float


@dataclass(frozen=True, slots=True)
class Measures:
    """All that is known of a variant's captions.

    `seen` has the cues that were looked at, by number; `side` is the picture's short side in
    pixels. `safe` is the share of cues clear of what platforms of this shape cover, by platform.
    """

    label: str
    asked: Asked
    cards: tuple[Card, ...] = ()
    timing: Timing | None = None
    seen: Mapping[int, CueSight] = field(default_factory=dict)
    side: int = 0
    fits: tuple[Fit, ...] = ()
    safe: Mapping[str, float] = field(default_factory=dict)
    fault: str = ""

    @property
    def invisible(self) -> int:
        return sum(not cue.visible for cue in self.seen.values())

    @property
    def flagged(self) -> int:
        return sum(not cue.confident for cue in self.seen.values())

    @property
    def sure(self) -> frozenset[int]:
        """Cues from whose contrast something may be concluded."""
        return frozenset(number for number, cue in self.seen.items() if cue.confident)

    @property
    def is_sure(self) -> bool:
        return bool(self.sure) and len(self.sure) >= SURE_SHARE * len(self.seen)

    @property
    def lost(self) -> int:
        """Cues of which no letter can be told from what it stands on, or from the picture."""
        return sum(cue.is_lost for cue in self.seen.values())

    @property
    def is_hidden(self) -> bool:
        """Whether what could be seen for certain is mostly that there are no letters."""
        told = [cue for cue in self.seen.values() if cue.confident or cue.is_lost]
        enough = bool(told) and len(told) >= SURE_SHARE * len(self.seen)
        return enough and self.lost > HIDDEN_SHARE * len(told)

    @property
    def shaped(self) -> tuple[CueSight, ...]:
        """Visible cues whose size and place can be believed."""
        return tuple(cue for cue in self.seen.values() if cue.is_shaped)

    @property
    def text_px(self) -> float | None:
        """Height of a line from ascender to descender, in pixels; all visible cues at worst."""
        cues = self.shaped or tuple(each for each in self.seen.values() if each.line_px > 0)
        return statistics.median(cue.line_px for cue in cues) if cues else None

    @property
    def text_percent(self) -> float | None:
        """The same in percent of the picture's short side, as styles give sizes."""
        return 100 * self.text_px / self.side if self.text_px and self.side else None

    def contrast_of(self, numbers: frozenset[int]) -> Contrast | None:
        """The contrast of some of its cues; none of no cues."""
        cues = [self.seen[number] for number in sorted(numbers) if number in self.seen]
        return sum_contrasts(cues) if cues else None

    @property
    def contrast(self) -> Contrast | None:
        """The contrast of what is sure, or of everything where nothing is."""
        return self.contrast_of(self.sure or frozenset(self.seen))


def measure_variant(
    label: str,
    asked: Asked,
    cards: Sequence[Card],
    *,
    seen: Seen,
    film: Film,
    platforms: Sequence[Platform],
) -> Measures:
    """Put together what is known of a variant. `cards` are all that it shows in time."""
    timing = None
    if cards and film.stated_s > 0:
        frame_ms = 1000 * film.step_s if film.step_s > 0 else 40.0
        shown = [card.shown for card in cards]
        length_ms = max(1, round(film.stated_s * 1000))
        timing = measure_timing(shown, asked.style, duration_ms=length_ms, frame_ms=frame_ms)
    cues = join_sights(cards, seen.sights)
    boxes = {
        number: Edges(x, y, x + wide, y + high)
        for number, cue in cues.items()
        if cue.is_shaped and cue.box is not None
        for x, y, wide, high in (cue.box,)
    }
    fits, safe = _fit(boxes, film, platforms)
    side = min(film.width, film.height)
    return Measures(label, asked, tuple(cards), timing, cues, side, fits, safe, seen.fault)


def join_sights(cards: Sequence[Card], sights: Sequence[Sight]) -> dict[int, CueSight]:
    """Cues from their cards, of which some were looked at."""
    by_cue: dict[int, list[Sight]] = {}
    for sight in sights:
        by_cue.setdefault(cards[sight.card].cue, []).append(sight)
    return {number: _join(each) for number, each in sorted(by_cue.items())}


def sum_contrasts(cues: Sequence[CueSight]) -> Contrast:
    """Each cue counts once. There must be some."""
    return Contrast(
        statistics.median(cue.contrast for cue in cues),
        min(cue.weakest for cue in cues),
        statistics.mean(cue.below_4_5 for cue in cues),
        statistics.mean(cue.below_3 for cue in cues),
    )


def _join(sights: Sequence[Sight]) -> CueSight:
    seen = [each for each in sights if each.visible]
    hidden = len(sights) - len(seen)
    boxes = [each.box for each in seen if each.box is not None]
    return CueSight(
        # Half of its cards at least, or nobody could follow it.
        visible=len(seen) >= hidden and bool(seen),
        contrast=statistics.median(_contrast(each) for each in sights),
        weakest=min(_weakest(each) for each in sights),
        below_4_5=statistics.mean(_below(each.below_4_5, each) for each in sights),
        below_3=statistics.mean(_below(each.below_3, each) for each in sights),
        lines=max((each.lines for each in seen), default=0),
        line_px=statistics.median(each.line_px for each in seen) if seen else 0.0,
        covered=max((each.covered for each in seen), default=0.0),
        box=_around(boxes) if boxes else None,
        flags=tuple(sorted({flag for each in sights for flag in each.flags})),
    )


def _contrast(sight: Sight) -> float:
    return sight.contrast if sight.contrast is not None else 1.0


def _weakest(sight: Sight) -> float:
    return sight.weakest if sight.weakest is not None else _contrast(sight)


def _below(share: float | None, sight: Sight) -> float:
    if share is None or not sight.visible:
        return 1.0
    return share


def _around(boxes: Sequence[Box]) -> Box:
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right = max(box[0] + box[2] for box in boxes)
    bottom = max(box[1] + box[3] for box in boxes)
    return (left, top, right - left, bottom - top)


def _fit(
    boxes: Mapping[int, Edges], film: Film, platforms: Sequence[Platform]
) -> tuple[tuple[Fit, ...], dict[str, float]]:
    """Every platform's fit, and the share of cues that are clear, by platforms of this shape."""
    if not film.width or not film.height or not boxes:
        return (), {}
    numbers, size = sorted(boxes), {"width": film.width, "height": film.height}
    placed = [boxes[number] for number in numbers]
    fits = tuple(judge_fit(placed, platform, **size) for platform in platforms)
    safe = {fit.label: 1 - len(fit.colliding) / len(placed) for fit in fits if fit.right_shape}
    if not safe:
        edge, shape = _ANY_EDGE, film.width / film.height
        anywhere = Platform("any", "", shape, edge, edge, edge, edge, "EBU R95", "")
        fit = judge_fit(placed, anywhere, **size)
        safe = {"5 % from each edge": 1 - len(fit.colliding) / len(placed)}
    # Boxes were judged by place; the reader knows cues by number.
    return tuple(_numbered(fit, numbers) for fit in fits), safe


def _numbered(fit: Fit, numbers: Sequence[int]) -> Fit:
    return replace(fit, colliding=tuple(numbers[place] for place in fit.colliding))
