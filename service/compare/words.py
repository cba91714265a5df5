"""The sentences of a verdict on legibility. Pure.

They say what is easier to read and by which figures; never that something performs, and what
weakens the finding comes first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from service.compare.measures import Measures
from service.compare.pairs import TIE_BAND, Pair, Result
from service.compare.score import Part, Score
from service.compare.timing import reading_speed

#: What every verdict ends with.
KIND = "This is legibility measured from pixels, not performance."
_MOST_DECIDING = 2
_UNCONTROLLED = (
    "More than the captions differs between these videos, so what follows may not be due to the "
    "captions alone."
)
_NOT_CONTROLLED = "It is not known whether only the captions differ between these videos."
_CONFOUNDED = "The drafts differ in more than their captions."
_UNKNOWN: Mapping[str, str] = {
    "unseen": "the captions could not be looked at",
    "both_hidden": "hardly any letters can be made out in either",
    "flagged": "the contrast measured is of low confidence, and nothing else decides it",
}


def tell_pair(pair: Pair, found: Mapping[str, Measures], scores: Mapping[str, Score]) -> str:
    """What can be said of two variants, in one or two sentences."""
    first, second = found[pair.first], found[pair.second]
    match pair.result:
        case Result.BETTER if pair.why == "hidden":
            return _tell_hidden(found[pair.better], found[pair.worse])
        case Result.BETTER:
            return _tell_better(pair, found)
        case Result.MIXED:
            return _tell_mixed(pair, first, second)
        case Result.TIE:
            return _tell_tie(pair, scores)
        case Result.UNKNOWN:
            return _tell_unknown(pair, first, second)


def tell_part(part: Part, found: Measures) -> str:
    """What a part of a score is made of, and what it is held against."""
    if part.value is None:
        return _ABSENT[part.name]
    doubt = "" if part.sure else " Of low confidence."
    return _TOLD[part.name](found) + doubt


def caveats(
    found: Mapping[str, Measures], *, controlled: bool | None, confounded: bool = False
) -> list[str]:
    """What weakens a verdict on a clip, the weightiest first."""
    told = []
    if confounded:
        told.append(_CONFOUNDED)
    if controlled is False:
        told.append(_UNCONTROLLED)
    elif controlled is None:
        told.append(_NOT_CONTROLLED)
    for label, each in found.items():
        if each.flagged:
            of = f"{each.flagged} of {_captions(len(each.seen))}"
            told.append(f"{label}: {of} could only be measured with low confidence.")
    return told


def tell_clips(better: Counter[str], results: Counter[str], count: int) -> str:
    """How many of several clips say what."""
    told = [(f"{label}'s captions are easier to read in", times) for label, times in better.items()]
    told.append(("there is no clear difference in", results[Result.TIE] + results[Result.MIXED]))
    told.append(("which are easier to read is not known in", results[Result.UNKNOWN]))
    parts = [f"{words} {times}" for words, times in told if times]
    text = "; ".join([f"{parts[0]} of {count} clips", *parts[1:]])
    return text[:1].upper() + text[1:] + "."


def join(*sentences: str) -> str:
    """Sentences as one text, without the empty ones."""
    return " ".join(filter(None, sentences))


def first_words(caveats_told: Sequence[str]) -> str:
    """What a verdict must begin with: that other things differ."""
    weighty = {_UNCONTROLLED, _CONFOUNDED}
    return join(*(each for each in caveats_told if each in weighty))


def _tell_better(pair: Pair, found: Mapping[str, Measures]) -> str:
    better, worse = found[pair.better], found[pair.worse]
    reasons = _reasons(pair, better, worse)
    text = f"{pair.better}'s captions are easier to read than {pair.worse}'s: {reasons}."
    if pair.contrasts is None:
        text += " Their contrast is of low confidence and was left out."
    return text


def _tell_hidden(better: Measures, worse: Measures) -> str:
    of = f"{worse.lost} of {worse.label}'s {_captions(len(worse.seen))}"
    return (
        f"{better.label}'s captions are easier to read than {worse.label}'s: in {of} no letters "
        f"can be made out, in {better.lost} of {better.label}'s."
    )


def _tell_mixed(pair: Pair, first: Measures, second: Measures) -> str:
    ours = _reasons(pair, first, second)
    theirs = _reasons(pair, second, first)
    return (
        f"Neither is easier to read in all: {first.label} has {ours}; {second.label} has {theirs}."
    )


def _tell_tie(pair: Pair, scores: Mapping[str, Score]) -> str:
    one, two = scores[pair.first].value, scores[pair.second].value
    points = ""
    if one is not None and two is not None:
        apart = f"below {TIE_BAND:.0f} apart is a tie"
        points = f" ({one:.0f} and {two:.0f} of 100 points; {apart})"
    return f"{pair.first}'s and {pair.second}'s captions are about equally easy to read{points}."


def _tell_unknown(pair: Pair, first: Measures, second: Measures) -> str:
    faults = "; ".join(f"{each.label}: {each.fault}" for each in (first, second) if each.fault)
    same = first.fault and first.fault == second.fault
    why = (first.fault if same else faults) or _UNKNOWN[pair.why]
    return (
        f"Whether {pair.first}'s or {pair.second}'s captions are easier to read is not known: "
        f"{why}."
    )


def _reasons(pair: Pair, better: Measures, worse: Measures) -> str:
    """The figures that decide it: of the parts that speak for one side, the strongest two."""
    sign = 1 if better.label == pair.first else -1
    speaking = sorted(pair.edges, key=lambda edge: -sign * edge.points)
    strongest = sign * speaking[0].points
    chosen = [
        edge.name
        for edge in speaking[:_MOST_DECIDING]
        if sign * edge.points > 0 and sign * edge.points >= strongest / 3
    ]
    told = [
        _contrast_against(pair, sign) if name == "contrast" else _AGAINST[name](better, worse)
        for name in chosen
    ]
    return ", and ".join(told)


def _contrast_against(pair: Pair, sign: int) -> str:
    ours, theirs = (pair.contrasts or ())[::sign]
    return (
        f"contrast {ours.median:.1f} to 1 against {theirs.median:.1f} "
        f"({ours.weakest:.1f} against {theirs.weakest:.1f} where it is weakest)"
    )


def _size_against(better: Measures, worse: Measures) -> str:
    of = f"{better.text_percent or 0:.1f} % of the picture's short side"
    return f"letters of {of} against {worse.text_percent or 0:.1f} %"


def _speed_against(better: Measures, worse: Measures) -> str:
    return f"{_fastest(better):.0f} characters a second at most against {_fastest(worse):.0f}"


def _layout_against(better: Measures, worse: Measures) -> str:
    return f"{_lines(better)} against {_lines(worse)}"


def _safe_against(better: Measures, worse: Measures) -> str:
    return f"{_clear(better)} clear of what platforms cover against {_clear(worse)}"


def _fastest(found: Measures) -> float:
    return max((reading_speed(card.shown) for card in found.cards), default=0.0)


def _lines(found: Measures) -> str:
    if found.timing is None:
        return "its lines"
    lines = max([found.timing.lines_most, *(cue.lines for cue in found.seen.values())])
    noun = "line" if lines == 1 else "lines"
    return f"up to {lines} {noun} of {found.timing.line_chars_most} characters"


def _clear(found: Measures) -> str:
    share = sum(found.safe.values()) / len(found.safe) if found.safe else 0.0
    return f"{_share(share)} of captions"


def _share(value: float) -> str:
    return f"{100 * value:.0f} %"


def _captions(count: int) -> str:
    return f"{count} caption" + ("" if count == 1 else "s")


def _tell_contrast(found: Measures) -> str:
    told = found.contrast
    if told is None:
        return _ABSENT["contrast"]
    return (
        f"{_share(told.below_4_5)} of the letters below 4.5 to 1, {_share(told.below_3)} below 3 "
        "(the WCAG's formula)."
    )


def _tell_size(found: Measures) -> str:
    return (
        f"A line is {found.text_percent or 0:.1f} % of the picture's short side; "
        "all from 5 %, nothing below 2 % (our own rule)."
    )


def _tell_speed(found: Measures) -> str:
    return (
        f"The fastest has {_fastest(found):.0f} characters a second. Each caption counts: "
        "all up to 17 (Netflix), nothing from 25 on (our own rule)."
    )


def _tell_layout(found: Measures) -> str:
    return (
        f"As the captions were sent: {_lines(found)}; all up to 2 lines of 42 characters (Netflix)."
    )


def _tell_safe(found: Measures) -> str:
    each = "; ".join(f"{name} {_share(share)}" for name, share in found.safe.items())
    return f"Captions clear of what is covered: {each}."


_AGAINST = {
    "size": _size_against,
    "speed": _speed_against,
    "layout": _layout_against,
    "safe": _safe_against,
}
_TOLD = {
    "contrast": _tell_contrast,
    "size": _tell_size,
    "speed": _tell_speed,
    "layout": _tell_layout,
    "safe": _tell_safe,
}
_ABSENT: Mapping[str, str] = {
    "contrast": "Not measured.",
    "size": "Not measured.",
    "speed": "Not held against limits, which are made for alphabets, or there are no times.",
    "layout": "There are no cues with times.",
    "safe": "Where captions stand was not measured.",
}
