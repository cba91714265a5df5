"""Whether only the captions differ between the variants of a clip: a pure decision.

Each variant was measured against the clip; the variants are judged against each other. What all of
them share (a size asked for, a backend's mark) is told, and confounds nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from service.compare.differing import (
    SOUND_LIKENESS,
    Difference,
    compare_films,
    compare_pair,
    has_patch,
)
from service.compare.facts import ClipFacts, Film, Measured

#: A difference of length beyond a second and a twentieth leaves nothing to follow.
LENGTH_S = 1.0
LENGTH_SHARE = 0.05
#: Width by height: a hundredth is rounding to even sizes.
SHAPE = 0.01
#: More than a twentieth of the distances of frames uneven is a variable rate; less are gaps.
UNEVEN = 0.05
#: A file that ends this much before it says so is cut off.
CUT_OFF_S = 0.5


@dataclass(frozen=True, slots=True)
class Judgement:
    """Of one clip. `reason` says why it is unavailable, and is empty where it is not.

    `unsure` is what could not be measured; while there is any, a clip is never called controlled.
    `notes` are for the reader and decide nothing.
    """

    controlled: bool | None
    reason: str = ""
    differences: tuple[Difference, ...] = ()
    shared: tuple[Difference, ...] = ()
    unsure: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def judge(facts: ClipFacts) -> Judgement:
    """Whether only the captions differ, and if not, what does."""
    if facts.fault:
        return Judgement(None, facts.fault)
    if len(facts.variants) < 2:
        return Judgement(None, "A comparison needs two variants.")
    faults = list(_faults(facts))
    able = [each for each in facts.variants if not fault_of(facts.source, each.film)]
    differences = _compare_all(able)
    shared = tuple(_shared(facts, able))
    unsure, notes = tuple(dict.fromkeys(_unsure(able))), tuple(_notes(able))
    if faults:
        stated = tuple(_compare_stated(facts.variants))
        known = {(each.kind, each.variants) for each in stated}
        more = [each for each in differences if (each.kind, each.variants) not in known]
        found = (*stated, *more)
        return Judgement(False if found else None, " ".join(faults), found, shared, unsure, notes)
    controlled = False if differences else (None if unsure else True)
    return Judgement(controlled, "", differences, shared, unsure, notes)


def cannot_follow(source: Film, film: Film) -> str:
    """Why a variant's frames cannot be set beside its clip's; empty where they can."""
    if film.fault:
        return film.fault.rstrip(".")
    if not source.height or not film.height:
        return "it has no picture"
    shape = film.width / film.height / (source.width / source.height)
    if abs(shape - 1) > SHAPE:
        of = f"{film.width}x{film.height}, its clip {source.width}x{source.height}"
        return f"it has another shape ({of})"
    off_s = abs(film.stated_s - source.stated_s)
    if off_s > LENGTH_S + LENGTH_SHARE * source.stated_s:
        return f"it lasts {film.stated_s:.2f} s, its clip {source.stated_s:.2f} s"
    return ""


def fault_of(source: Film, film: Film) -> str:
    """Why a variant cannot be compared, now that its frames were read; empty where it can."""
    fault = cannot_follow(source, film)
    if fault:
        return fault
    if film.end_s < film.stated_s - CUT_OFF_S:
        return f"it is cut off at {film.end_s:.2f} s of {film.stated_s:.2f} s"
    if film.uneven > UNEVEN:
        return f"its frame rate varies ({film.uneven:.0%} of its frames are uneven)"
    return ""


def _faults(facts: ClipFacts) -> Iterator[str]:
    for each in facts.variants:
        fault = fault_of(facts.source, each.film)
        if fault:
            yield f"{each.label}: {fault}."


def _compare_stated(variants: Sequence[Measured]) -> Iterator[Difference]:
    """What files that cannot be followed still tell: sizes, lengths, sound or none."""
    there = [each for each in variants if not each.film.fault]
    for first, second in combinations(there, 2):
        yield from compare_films(first, second)


def _compare_all(able: Sequence[Measured]) -> tuple[Difference, ...]:
    """Each variant against the one that differs least from all, so that an odd one is told once."""
    if len(able) < 2:
        return ()
    between = {pair: tuple(compare_pair(*pair)) for pair in combinations(able, 2)}

    def differs(one: Measured) -> int:
        return sum(len(found) for pair, found in between.items() if one in pair)

    usual = min(able, key=differs)
    told = [each for pair, found in between.items() if usual in pair for each in found]
    return tuple(dict.fromkeys(told))


def _shared(facts: ClipFacts, able: Sequence[Measured]) -> Iterator[Difference]:
    """What all variants have and the clip has not."""
    labels = tuple(each.label for each in able)
    if len(able) < 2:
        return
    sizes = {(each.film.width, each.film.height) for each in able}
    if len(sizes) == 1 and sizes != {(facts.source.width, facts.source.height)}:
        width, height = sizes.pop()
        detail = f"{width}x{height}, the clip {facts.source.width}x{facts.source.height}"
        yield Difference("resolution", labels, detail)
    first, *rest = [each.picture.patches or () if each.picture else () for each in able]
    for patch in first:
        if all(has_patch(each, patch) for each in rest):
            detail = "something stands in the picture that the clip has not"
            yield Difference("block", labels, detail, patch.level, "levels", None, patch.box)


def _notes(able: Sequence[Measured]) -> Iterator[str]:
    still = [each.label for each in able if each.picture is not None and each.picture.is_still]
    if still:
        yield f"{', '.join(still)}: the picture is still; it cannot show an offset or a lost frame."


def _unsure(able: Sequence[Measured]) -> Iterator[str]:
    for each in able:
        picture = each.picture
        if picture is None or picture.colours is None or picture.patches is None:
            yield f"{each.label}: its colours and what stands in its picture were not compared."
        elif any(not patch.certain for patch in picture.patches):
            yield f"{each.label}: what stands in its picture in all samples may be a caption."
        if each.film.has_sound and each.sound is None:
            yield f"{each.label}: its sound could not be compared."
        if each.sound and each.sound.likeness is not None and each.sound.likeness < SOUND_LIKENESS:
            yield f"{each.label}: its sound is not its clip's, so that it was not compared closely."
