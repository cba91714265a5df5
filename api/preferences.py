"""What people prefer who look at a job's variants without their names. Pure, but for the form."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from service.errors import FieldError, InvalidRequest
from service.ids import new_id
from service.model.job import MAX_REVISIONS, Job
from service.webhooks.events import iso_time

#: Characters of a note, at most.
MAX_NOTE = 500
#: What is counted where no difference was seen.
NONE = "none"
_NUMBER = re.compile(r"\d{1,4}", re.ASCII)
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def read_preference(form: Mapping[str, str], job: Job, *, share_id: str, now_ms: int) -> Any:
    """A preference as it is kept, from a form.

    `clip` is the clip's index; `pair` the labels in the order in which they were shown, such as
    `B|A`, which a job of two variants may leave out; `preferred` one of them, or empty where no
    difference was seen; `revisions` their revisions in the same order, if known; `note` some words.

    Raises:
        InvalidRequest: one of them is none; each is named.
    """
    labels = [each.label for each in job.spec.variants]
    faults: list[FieldError] = []
    clip = _read_number(form.get("clip", "0"), len(job.spec.clips) - 1)
    if clip is None:
        faults.append(FieldError("form:/clip", "must be the index of a clip of this job"))
    shown = _words(form, "pair") or (labels if len(labels) == 2 else [])
    if len(set(shown)) != len(shown) or len(shown) < 2 or not set(shown) <= set(labels):
        faults.append(FieldError("form:/pair", "must be labels of this job, such as B|A"))
    preferred = form.get("preferred", "")
    if preferred not in {*shown, ""}:
        faults.append(FieldError("form:/preferred", "must be one of the pair, or empty"))
    revisions = [_read_number(each, MAX_REVISIONS) for each in _words(form, "revisions")]
    if None in revisions or len(revisions) not in {0, len(shown)}:
        faults.append(FieldError("form:/revisions", "must be as many numbers as the pair has"))
    note = _UNSEEN.sub(" ", form.get("note", "")).strip()
    if len(note) > MAX_NOTE:
        faults.append(FieldError("form:/note", f"has at most {MAX_NOTE} characters"))
    if faults:
        raise InvalidRequest("The preference is not valid.", faults)
    return {
        "id": new_id("prf", now_ms),
        "at": now_ms,
        "clip": clip,
        "shown": shown,
        "preferred": preferred or NONE,
        **({"revisions": revisions} if revisions else {}),
        **({"note": note} if note else {}),
        **({"share": share_id} if share_id else {}),
    }


def preferences_data(kept: Iterable[Mapping[str, Any]], *, owner: bool) -> dict[str, Any]:
    """The preferences of a job: how many for each clip and pair; for its owner the notes too.

    In `data` an entry for each clip and pair, with `text` for people; labels in order, whatever
    the order in which they were shown.
    """
    counts: dict[tuple[int, tuple[str, ...]], Counter[str]] = {}
    notes = []
    for each in kept:
        pair = tuple(sorted(each["shown"]))
        counts.setdefault((each["clip"], pair), Counter())[each["preferred"]] += 1
        if "note" in each:
            told = {name: each[name] for name in ("clip", "preferred", "note")}
            notes.append({"at": iso_time(each["at"]), **told})
    data = [_counted(clip, pair, counts[clip, pair]) for clip, pair in sorted(counts)]
    body = {"object": "preferences", "total": sum(each["total"] for each in data), "data": data}
    return {**body, "notes": notes} if owner else body


def _counted(clip: int, pair: tuple[str, ...], found: Counter[str]) -> dict[str, Any]:
    counts = {name: found[name] for name in (*pair, NONE)}
    told = [f"{label} was preferred {_times(counts[label])}" for label in pair]
    told.append(f"no difference was seen {_times(counts[NONE])}")
    return {
        "clip": clip,
        "variants": list(pair),
        "counts": counts,
        "total": found.total(),
        "text": f"Clip {clip + 1}: {', '.join(told)}.",
    }


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _words(form: Mapping[str, str], name: str) -> list[str]:
    return [each for each in re.split(r"[|,]", form.get(name, "")) if each]


def _read_number(text: str, most: int) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) and int(text) <= most else None
