"""What the pictures of a comparison show, in words, for who does not see them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from service.compare.pictures_plan import Plan, Worst

_MOST_QUOTED = 120


def say_time(at_s: float) -> str:
    """A time as people read it: `4.2 s`, `1:04.2`."""
    tenths = round(at_s * 10)
    if tenths < 600:
        return f"{tenths / 10:.1f} s"
    return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"


def say_side_by_side(left: str, right: str, sound: str | None, length_s: float) -> str:
    """Of the video: what is where, and what is heard."""
    heard = f"with the sound of {sound}" if sound else "without sound"
    return f"Video of {say_time(length_s)}: {left} on the left, {right} on the right, {heard}."


def say_contact_sheet(plan: Plan) -> str:
    """Of what the columns and rows of the sheet are."""
    rows = " above ".join(plan.labels)
    times = ", ".join(say_time(each) for each in plan.columns)
    what = "captions, in their middle" if plan.of_cues else "moments"
    return f"Stills of {rows}: one column for each of {len(plan.columns)} {what}, at {times}."


def say_poster(plan: Plan, label: str) -> str:
    """Of a variant's still: when it is, and its words."""
    text = plan.poster_texts.get(label, "")
    shown = f", while {_quoted(text)} is shown" if text else ""
    return f"{label} at {say_time(plan.posters[label])}{shown}."


def say_worst(worst: Worst) -> str:
    """Of a weakest moment: when, how weak, its words, and what is beside it."""
    contrast = "" if worst.contrast is None else f", with a contrast of {worst.contrast:.1f}"
    contrast = ", where no letters were found" if worst.unseen else contrast
    quoted = f": {_quoted(worst.text)}" if worst.text else ""
    return (
        f"The weakest moment of {worst.label}, at {say_time(worst.at_s)}{contrast}{quoted}. "
        f"{worst.label} is first, then {worst.other} at the same moment."
    )


def name_worst(worst: Worst) -> str:
    """The line above the weakest moment's own half."""
    said = f"{worst.label}, weakest, {say_time(worst.at_s)}"
    if worst.unseen:
        return f"{said}, no letters found"
    return said if worst.contrast is None else f"{said}, contrast {worst.contrast:.1f}"


def say_difference(pair: Sequence[str], at_s: float, share: float, *, coloured: bool) -> str:
    """`share` is the part of the picture that differs, 0..1."""
    a, b = pair
    marks = f"{a}'s part is blue and {b}'s orange" if coloured else "what differs is orange"
    amount = f"{100 * share:.1f} % of the picture"
    return f"Where {a} and {b} differ at {say_time(at_s)}: {amount}; {marks}, the rest is dark."


def _quoted(text: str) -> str:
    line = " ".join(text.split())
    kept = line if len(line) <= _MOST_QUOTED else f"{line[: _MOST_QUOTED - 1].rstrip()}…"
    return f"“{kept}”"
