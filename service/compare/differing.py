"""In what two measured variants differ, thing by thing: decisions on values. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from service.compare.facts import Box, Break, Measured, Patch, Picture, Sound

# Where no other source is named, thresholds are those of the prototype's table of planted changes,
# in which 12 clean pairs raised no alarm; docs/comparison.md has the figures of this code.
#: Largest difference of the mapped colours, levels.
GRADE_LEVELS = 1.5
#: Lag of the sound, ms, and change of its level, dB.
SOUND_MS = 10.0
SOUND_DB = 1.0
#: Below this a sound is another one; a fall by so much is music 11 dB below it (1/sqrt(1+r^2)).
SOUND_LIKENESS = 0.9
SOUND_APART = 0.04
#: Frames of difference in count, place and length; half a frame is rounding.
FRAMES = 0.5
#: Shares of a picture: a zoom or a shift of one hundredth is seen, a quarter of it is the fit's.
PLACING = 0.01
#: Two boxes that share half of their area are the same thing.
SAME_BOX = 0.5


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which variants differ. `amount` is in `unit`; `at_s` and `box` say where."""

    kind: str
    variants: tuple[str, ...]
    detail: str
    amount: float | None = None
    unit: str = ""
    at_s: float | None = None
    box: Box | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "variants": list(self.variants),
            "detail": self.detail,
            "amount": None if self.amount is None else round(self.amount, 3),
            "unit": self.unit or None,
            "at_s": None if self.at_s is None else round(self.at_s, 3),
            "box": None if self.box is None else list(self.box),
        }


def compare_pair(first: Measured, second: Measured) -> Iterator[Difference]:
    """Everything in which two variants differ that were both measured against their clip."""
    yield from compare_films(first, second)
    yield from _compare_timing(first, second)
    for compare in (_compare_placing, _compare_colours, _compare_patches):
        yield from _on_pictures(compare, first, second)
    yield from _compare_sound(first, second)


def compare_films(first: Measured, second: Measured) -> Iterator[Difference]:
    """Size, length, and sound or none, as files state them."""
    one, two, both = first.film, second.film, (first.label, second.label)
    if (one.width, one.height) != (two.width, two.height):
        detail = f"{one.width}x{one.height} against {two.width}x{two.height}"
        yield Difference("resolution", both, detail)
    step_s = max(one.step_s, two.step_s, 0.001)
    off_s = two.stated_s - one.stated_s
    if abs(off_s) > FRAMES * step_s:
        detail = f"{one.stated_s:.3f} s against {two.stated_s:.3f} s"
        yield Difference("duration", both, detail, off_s, "s")
    if one.has_sound != two.has_sound:
        yield Difference("sound", both, "one has sound, the other none")


def _on_pictures(
    compare: Callable[[str, Picture, str, Picture], Iterator[Difference]],
    first: Measured,
    second: Measured,
) -> Iterator[Difference]:
    if first.picture is not None and second.picture is not None:
        yield from compare(first.label, first.picture, second.label, second.picture)


def _compare_timing(first: Measured, second: Measured) -> Iterator[Difference]:
    one, two, both = first.film, second.film, (first.label, second.label)
    step_s = max(one.step_s, two.step_s, 0.001)
    if abs(one.step_s - two.step_s) > 0.02 * step_s:
        detail = (
            f"{1 / max(one.step_s, 0.001):.2f} against {1 / max(two.step_s, 0.001):.2f} a second"
        )
        yield Difference("frame_rate", both, detail)
        return
    if one.frames != two.frames:
        detail = f"{one.frames} frames against {two.frames}"
        yield Difference("frames", both, detail, two.frames - one.frames, "frames")
    for label, here, there in ((first.label, one, two), (second.label, two, one)):
        for each in _only(here.gaps, there.gaps, step_s):
            detail = f"{each.frames:.1f} frames are missing, and their time is left"
            yield Difference("frames", (label,), detail, each.frames, "frames", each.at_s)
    if first.picture is None or second.picture is None:
        return
    yield from _compare_steps(first.label, first.picture, second.picture, step_s)
    yield from _compare_steps(second.label, second.picture, first.picture, step_s)
    early, late = first.picture.offset_s, second.picture.offset_s
    if early is not None and late is not None and abs(late - early) > FRAMES * step_s:
        detail = (
            f"the pictures of {second.label} are {abs(late - early):.3f} s {_word(late - early)}"
        )
        yield Difference("offset", both, detail, late - early, "s")


def _compare_steps(
    label: str, here: Picture, there: Picture, step_s: float
) -> Iterator[Difference]:
    for each in _only(here.jumps, there.jumps, step_s):
        what = "skips" if each.frames > 0 else "repeats"
        detail = f"it {what} {abs(each.frames):.0f} of its clip's frames"
        yield Difference("frames", (label,), detail, each.frames, "frames", each.at_s)
    held = [Break(at_s, -1) for at_s in here.held]
    for each in _only(held, [Break(at_s, -1) for at_s in there.held], step_s):
        yield Difference("frames", (label,), "a frame is held", 1, "frames", each.at_s)


def _only(ours: Sequence[Break], theirs: Sequence[Break], step_s: float) -> list[Break]:
    """Breaks that the other has not within two frames."""
    return [
        each
        for each in ours
        if not any(
            abs(each.at_s - other.at_s) <= 2.5 * step_s
            and abs(each.frames - other.frames) <= FRAMES
            for other in theirs
        )
    ]


def _compare_placing(a: str, first: Picture, b: str, second: Picture) -> Iterator[Difference]:
    one, two = first.placing, second.placing
    off = max(
        abs(one.zoom_x - two.zoom_x),
        abs(one.zoom_y - two.zoom_y),
        abs(one.shift_x - two.shift_x),
        abs(one.shift_y - two.shift_y),
    )
    if off > PLACING:
        ours, theirs = (f"{each.zoom_x:.3f} by {each.zoom_y:.3f}" for each in (one, two))
        detail = f"zoom {ours} against {theirs}, or moved"
        yield Difference("geometry", (a, b), detail, off, "share of the picture")


def _compare_colours(a: str, first: Picture, b: str, second: Picture) -> Iterator[Difference]:
    if first.colours is None or second.colours is None:
        return
    off, most = 0.0, ""
    for one, two in zip(first.colours, second.colours, strict=True):
        for name, left, right in zip(("luma", "blue", "red"), one, two, strict=True):
            if abs(right - left) > off:
                off, most = abs(right - left), f"{name} {left:.0f} against {right:.0f}"
    if off > GRADE_LEVELS:
        yield Difference("colour", (a, b), f"most at {most}", off, "levels of 255")


def _compare_patches(a: str, first: Picture, b: str, second: Picture) -> Iterator[Difference]:
    for label, here, there in ((a, first, second), (b, second, first)):
        for each in here.patches or ():
            if each.certain and not has_patch(there.patches or (), each):
                detail = "something stands in the picture that its clip and the other have not"
                yield Difference("block", (label,), detail, each.level, "levels", None, each.box)


def has_patch(patches: Sequence[Patch], wanted: Patch) -> bool:
    """Whether the same thing stands in another picture."""
    return any(
        _overlap(each.box, wanted.box) >= SAME_BOX and each.level < 2 * wanted.level
        for each in patches
    )


def _overlap(first: Box, second: Box) -> float:
    """Shared area over the area of both."""
    wide = min(first[0] + first[2], second[0] + second[2]) - max(first[0], second[0])
    high = min(first[1] + first[3], second[1] + second[3]) - max(first[1], second[1])
    common = max(0.0, wide) * max(0.0, high)
    whole = first[2] * first[3] + second[2] * second[3] - common
    return common / whole if whole > 0 else 0.0


def _compare_sound(first: Measured, second: Measured) -> Iterator[Difference]:
    one, two, both = first.sound, second.sound, (first.label, second.label)
    if one is None or two is None:
        return
    if one.shift_s is not None and two.shift_s is not None:
        off_ms = (two.shift_s - one.shift_s) * 1000
        if abs(off_ms) >= SOUND_MS:
            detail = f"the sound of {second.label} is {abs(off_ms):.0f} ms {_word(off_ms)}"
            yield Difference("sound_shift", both, detail, off_ms, "ms")
    if one.gain_db is not None and two.gain_db is not None:
        off_db = two.gain_db - one.gain_db
        if abs(off_db) > SOUND_DB:
            detail = f"{second.label} is {off_db:+.1f} dB against {first.label}"
            yield Difference("sound_level", both, detail, off_db, "dB")
    yield from _compare_likeness(first.label, one, two)
    yield from _compare_likeness(second.label, two, one)


def _word(off: float) -> str:
    return "later" if off > 0 else "earlier"


def _compare_likeness(label: str, here: Sound, there: Sound) -> Iterator[Difference]:
    if here.likeness is None or there.likeness is None:
        return
    if there.likeness >= SOUND_LIKENESS and there.likeness - here.likeness > SOUND_APART:
        detail = f"its sound is not its clip's (correlation {here.likeness:.2f})"
        yield Difference("sound", (label,), detail, here.likeness, "correlation", here.worst_s)
