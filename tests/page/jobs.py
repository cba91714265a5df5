"""Jobs and reports as pages are drawn from, in every shape that must be shown."""

from __future__ import annotations

import copy
from typing import Any

from api.page_view import PageRights, PageView

JOB = "job_0123456789abcdefghjkmnpqrs"
NOW_MS = 1_795_000_000_000
TEXTS = (
    "Cold brew in under\nthirty seconds",
    "No fridge, no waiting",
    '<b>Pour & stir</b> "twice"',
    "Then let it rest for as long as you can stand it",
)


def make_job(labels: str = "AB", *, clips: int = 1, status: str = "succeeded", **more: Any) -> dict:
    """A job whose cuts all have their video, unless told otherwise."""
    made: dict[str, Any] = {
        "id": JOB,
        "object": "job",
        "status": status,
        "name": "spring teaser",
        "created_at": "2026-11-25T14:05:00.000Z",
        "ended_at": "2026-11-25T14:08:10.000Z",
        "credits": {"reserved": 0, "charged": 100},
        "language": "en",
        "instruction": "test two caption styles and compare which performs better",
        "clips": [
            {
                "index": index,
                "status": "ready",
                "media": {"duration_s": 10.0, "width": 320, "height": 180, "fps": "25/1"},
            }
            for index in range(clips)
        ],
        "variants": [
            {
                "label": label,
                "style": {"preset": "outline" if label == "A" else "boxed"},
                "instruction": "",
                "cuts": [make_cut(label, clip) for clip in range(clips)],
            }
            for label in labels
        ],
        "comparison": None,
    }
    return {**made, **more}


def make_cut(label: str, clip: int = 0, revision: int = 1, **more: Any) -> dict:
    """A cut that has its video."""
    video = {"url": f"/jobs/{JOB}/video/{label}?clip={clip}&revision={revision}", "size": 345678}
    video |= {"width": 320, "height": 180, "duration_s": 10.0, "audio": True}
    made = {"id": f"{clip}.{label}.{revision}", "clip": clip, "revision": revision}
    return {**made, "status": "succeeded", "video": video, **more}


def make_report(labels: str = "AB", *, clips: int = 1, **film: Any) -> dict:
    """A report in which later letters read better."""
    return {
        "object": "comparison",
        "version": 1,
        "job": JOB,
        "status": "done",
        "reason": None,
        "controlled": True,
        "confounded": [],
        "clips": [make_clip(labels, index, **film) for index in range(clips)],
    }


def make_clip(labels: str, index: int = 0, **film: Any) -> dict:
    """One clip of a report."""
    best, worst = labels[-1], labels[0]
    ranking = list(reversed(labels))
    text = (
        f"{best}'s captions are easier to read than {worst}'s: contrast 9.1 against 3.2 in the "
        "weakest tenth. This is legibility measured from pixels, not performance."
    )
    times = [at / 5 for at in range(2, 48)]
    return {
        "clip": index,
        "status": "done",
        "reason": None,
        "controlled": True,
        "control": {"differences": [], "shared": [], "unsure": [], "notes": ["Sound: the same."]},
        "variants": list(labels),
        "revisions": dict.fromkeys(labels, 1),
        "film": {
            label: {"width": 320, "height": 180, "fps": "25/1", "step_s": 0.04, "frames": 250}
            | {"duration_s": 10.0, "start_s": 0.0, "variable": False}
            | film
            for label in labels
        },
        "verdict": {"kind": "legibility", "result": "better", "better": best, "over": worst}
        | {"text": text, "caveats": ["One caption of A is of low confidence."]},
        "ranking": ranking,
        "pairs": [
            {"variants": [one, other], "result": "better", "better": other, "difference": 12.3}
            | {"text": f"{other} is easier to read than {one}."}
            for at, one in enumerate(labels)
            for other in labels[at + 1 :]
        ],
        "measures": {label: make_measures(place) for place, label in enumerate(labels)},
        "cues": [make_cue(at, text, labels) for at, text in enumerate(TEXTS)],
        "curve": {
            "at_s": times,
            "variants": {
                label: [_contrast(at, place) for at in times] for place, label in enumerate(labels)
            },
        },
        "moments": [
            {
                "name": "weakest",
                "variant": each,
                "at_s": 3.2,
                "frame": 80,
                "cue": 1,
                "contrast": 2.1,
            }
            for each in labels
        ]
        + [{"name": "largest_difference", "variant": None, "at_s": 5.6, "frame": 140, "cue": 2}],
        "pictures": {"status": "done", "reason": None, "files": []},
    }


def _contrast(at_s: float, place: int) -> float | None:
    """Low at 3.2 s in the first; nothing between captions."""
    if at_s % 2.4 > 2:
        return None
    return round(3 + 4 * place + abs(at_s - 3.2), 2)


def make_measures(place: int) -> dict:
    """What is measured of a variant."""
    return {
        "score": {"value": 61.2 + 11 * place, "confident": place > 0}
        | {
            "parts": [{"name": "contrast", "weight": 0.4, "value": 0.9, "text": "mostly above 4.5"}]
        },
        "contrast": {"median": 5.1 + place, "weakest": 3.2 + 2 * place, "below_4_5": 0.2}
        | {"below_3": 0.004},
        "text_height": {"percent": 5.4, "px": 39.0},
        "covered": 0.04,
        "timing": {"cps_median": 12.1, "cps_highest": 17.0, "lines_most": 2, "line_chars_most": 48}
        | {"duration_shortest_s": 1.2, "duration_longest_s": 2.0, "gap_shortest_s": 0.4}
        | {"changes_per_s": 0.8, "highlights_per_s": 0.0, "latin": True},
        "cues": {"measured": 4, "invisible": 0, "flagged": 1},
        "platforms": [
            {"platform": "tiktok", "label": "TikTok", "fits": place > 0, "right_shape": False}
            | {"edges": ["bottom"], "deepest": 0.02, "source": "TikTok's template", "as_of": "2026"}
        ],
        "findings": [
            {"standard": "netflix-line", "source": "Netflix Timed Text Style Guide"}
            | {"text": "No more than 42 characters a line: 48.", "checked": True, "cues": [3]}
        ]
        if place == 0
        else [],
    }


def make_cue(at: int, text: str, labels: str) -> dict:
    """A caption with its figures."""
    flags = ["several_fills"] if at == 1 else []
    own = {"visible": True, "contrast": 5.0, "weakest": 3.0, "flags": flags}
    return {
        "index": at,
        "start_s": at * 2.4,
        "end_s": at * 2.4 + 2.0,
        "text": text,
        "variants": {label: dict(own) for label in labels},
    }


def make_view(job: dict | None = None, report: dict | None = None, **more: Any) -> PageView:
    """A page's values; by default of two variants that were compared, for its owner."""
    rights = more.pop("rights", PageRights(owner=True, may_prefer=True))
    if job is None:
        job, report = make_job(), report or make_report()
    return PageView(
        copy.deepcopy(job),
        copy.deepcopy(report),
        f"/jobs/{JOB}",
        more.pop("query", ""),
        NOW_MS,
        rights,
        csrf="c5rf",
        **more,
    )


def make_state(text: str) -> dict:
    """What `/state` says of a job whose first variant is rendered and whose second is captioned."""
    clip = {"clip": 0, "status": "ready", "text": "Clip 1 is ready.", "next": None}
    cuts = [
        {"label": "A", "clip": 0, "revision": 1, "status": "rendering"}
        | {"text": "A is being rendered.", "next": "The editor is asked whether it is done."}
        | {"next_at": "2026-11-25T14:06:00.000Z", "render_progress": 0.42, "polls": 2},
        {"label": "B", "clip": 0, "revision": 1, "status": "captioning"}
        | {"text": "B is being captioned.", "next": "The editor answers, within 15 minutes."}
        | {"next_at": None, "render_progress": None, "polls": None},
    ]
    state = {"object": "job_state", "job_id": JOB, "status": "running", "text": text}
    return {**state, "clips": [clip], "cuts": cuts, "ask_again_s": 2, "ended": False}
