"""What a job's page says first: which variant reads better, and whether that can be trusted. Pure.

It speaks of legibility. Nothing here may be read as performance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from api.page_choice import Choice
from api.page_view import PageView
from api.page_words import clock, has_ended, is_number, items, part, texts


@dataclass(frozen=True, slots=True)
class Verdict:
    """The sentence on top. `result` is better, tie, mixed, unknown, unavailable or waiting.

    `pair` is of the two that are shown, `whole` of all clips; empty where they say the same.
    """

    result: str
    text: str
    pair: str
    whole: str
    caveats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trust:
    """Whether only the captions differ: `answer` is yes, no or unsure."""

    answer: str
    headline: str
    differences: tuple[str, ...]
    unsure: tuple[str, ...]
    shared: tuple[str, ...]
    notes: tuple[str, ...]


_TRUST = {
    "yes": "Only the captions differ between these videos.",
    "no": "More than the captions differ, so the captions may not be the reason.",
    "unsure": "It could not be shown that only the captions differ.",
}


def tell_verdict(view: PageView, choice: Choice) -> Verdict:
    """The verdict on the clip that is shown, or why there is none."""
    own = part(choice.report, "verdict")
    if own.get("text"):
        pair = _pair(choice) if len(choice.latest) > 2 else ""
        caveats = tuple(texts(own, "caveats"))
        whole = _whole(view) if len(items(view.job, "clips")) > 1 else ""
        result = str(own.get("result") or "unknown")
        return Verdict(result, str(own["text"]), pair, whole, caveats)
    if not has_ended(str(view.job.get("status", ""))):
        compared = view.job.get("status") == "comparing"
        doing = "compared" if compared else "made"
        return Verdict(
            "waiting", f"There is no result yet: the videos are being {doing}.", "", "", ()
        )
    return Verdict("unavailable", _why_none(view, choice), "", "", ())


def _whole(view: PageView) -> str:
    told = view.report or part(view.job, "comparison")
    return str(part(told, "verdict").get("text") or "")


def _why_none(view: PageView, choice: Choice) -> str:
    told = view.report or part(view.job, "comparison")
    reason = choice.report.get("reason") or told.get("reason")
    if reason:
        return f"The captions could not be compared. {reason}"
    if len(choice.latest) < 2:
        return "There are not two videos to compare."
    return "The legibility of these captions was not measured."


def _pair(choice: Choice) -> str:
    shown = {each.label for each in choice.sides if each.measured}
    for pair in items(choice.report, "pairs"):
        if set(texts(pair, "variants")) == shown:
            text = str(pair.get("text") or "")
            return "" if text in str(part(choice.report, "verdict").get("text")) else text
    return ""


def tell_trust(view: PageView, choice: Choice) -> Trust | None:
    """Whether the difference can come from the captions; None before anything was looked at."""
    told = view.report or part(view.job, "comparison")
    if not choice.report:
        return None
    confounded = tuple(_confounders(told, choice.clip))
    controlled = choice.report.get("controlled")
    answer = "no" if confounded or controlled is False else "yes" if controlled else "unsure"
    control = part(choice.report, "control")
    return Trust(
        answer,
        _TRUST[answer],
        (*map(_say, items(control, "differences")), *confounded),
        tuple(texts(control, "unsure")),
        tuple(map(_say, items(control, "shared"))),
        tuple(texts(control, "notes")) or tuple(texts(choice.report, "differences")),
    )


def _confounders(told: Mapping[str, Any], clip: int) -> Iterator[str]:
    for each in items(told, "confounded"):
        if each.get("clip") == clip:
            yield f"{each.get('label')} alone holds: {', '.join(texts(each, 'only'))}"


def _say(difference: Mapping[str, Any]) -> str:
    """One difference with its place in time and in the picture."""
    variants = " and ".join(texts(difference, "variants"))
    detail = str(difference.get("detail") or difference.get("kind") or "")
    told = f"{variants}: {detail}" if variants and not detail.startswith(variants) else detail
    where = [f"at {clock(difference['at_s'])}"] if is_number(difference.get("at_s")) else []
    where += [_place(difference["box"])] if _is_box(difference.get("box")) else []
    return f"{told} ({', '.join(where)})" if where else told


def _is_box(box: Any) -> bool:
    return isinstance(box, list | tuple) and len(box) == 4 and all(map(is_number, box))


def _place(box: list[float]) -> str:
    """Where in the picture the middle of a box is."""
    across, down = box[0] + box[2] / 2, box[1] + box[3] / 2
    row = "top" if down < 1 / 3 else "middle" if down < 2 / 3 else "bottom"
    column = "left" if across < 1 / 3 else "centre" if across < 2 / 3 else "right"
    return f"{row} {column} of the picture"
