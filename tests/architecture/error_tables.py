"""The tables of docs/errors.md that are not about errors of `service/`: requests, and cuts."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Iterator

import api
from api.problems import status_of
from service.captions.fit import CODE as CAPTIONS_PAST_END
from service.errors import CaptionAbError
from tests.architecture.tree import ROOT

#: Codes that only clips and cuts have: what has happened, and what to do.
FAILURES = {
    "auth": (
        "It waits: the backend does not take the account's token.",
        "Give a valid token (`PUT /v1/account/nemo-token` or `NEMO_TOKEN`), then `resume` the job.",
    ),
    "canceled": ("The job was canceled.", "Nothing; `charged` says whether it had cost anything."),
    CAPTIONS_PAST_END: (
        "No caption begins before the clip's end. Nothing was spent.",
        "Correct the times of the captions and send the job anew.",
    ),
    "clip_failed": ("Its source video cannot be used.", "Read the error of the clip."),
    "crashed": (
        "Working on it ended its worker again and again.",
        "Report it with the job's id; `retry` makes a new job.",
    ),
    "draft_changed": (
        "The backend's draft kept changing after the edit was confirmed.",
        "Let nobody edit the session; `retry` makes a new job, paid anew.",
    ),
    "edit_unconfirmed": (
        "The edit was sent once, and no change was seen for five minutes.",
        "`charged` says whether it was paid for; `retry` makes a new job, paid anew.",
    ),
    "expired": (
        "The deadline of the job passed, or nobody acted in time.",
        "Send the job anew, with a larger `deadline_s`.",
    ),
    "max_credits": (
        "It would cost more than the job's `max_credits`. Nothing was spent on it.",
        "Send a new job with a higher one.",
    ),
    "no_credits": (
        "It waits: the account has too few credits. Nothing was spent on it.",
        "Register the account or top it up, then `resume` the job.",
    ),
    "nothing_to_change": (
        "A message to a cut of which no revision was ever edited.",
        "`retry` makes a new job.",
    ),
    "render_failed": (
        "The backend could not render the video, twice.",
        "`retry` makes a new job, paid anew.",
    ),
    "render_lost": (
        "The backend forgot the render, twice.",
        "`retry` makes a new job, paid anew.",
    ),
    "render_timeout": (
        "The render was not done in time, twice.",
        "`retry` makes a new job, paid anew.",
    ),
    "timeline_mixed": (
        "The backend put another clip of the job into this one's timeline.",
        "Send each clip as a job of its own.",
    ),
}
#: Which argument of a call is a code.
_PLACES = {"Failure": 0, "_pause": 1, "_again_or_fail": 2}


def request_lines() -> list[str]:
    """A table of the errors that only answers to requests carry."""
    lines = [
        "",
        "## Of requests alone",
        "",
        "| code | status | meaning | again | what to do |",
        "|---|---|---|---|---|",
    ]
    for cls in request_errors():
        meaning = " ".join((cls.__doc__ or "").split())
        again = "yes" if cls.retryable else "no"
        lines.append(f"| `{cls.code}` | {status_of(cls)} | {meaning} | {again} | {cls.hint} |")
    return lines


def failure_lines() -> list[str]:
    """A table of the codes that only clips and cuts have."""
    lines = [
        "",
        "## Of clips and cuts alone",
        "",
        "They stand in `error` of a clip or a cut, and in the webhooks that tell of it.",
        "",
        "| code | meaning | what to do |",
        "|---|---|---|",
    ]
    return lines + [
        f"| `{code}` | {what} | {do} |" for code, (what, do) in sorted(FAILURES.items())
    ]


def request_errors() -> list[type[CaptionAbError]]:
    """Every error class of api, by code."""
    for module in pkgutil.walk_packages(api.__path__, "api."):
        if module.name != "api.__main__":
            importlib.import_module(module.name)
    return sorted(
        (each for each in _below(CaptionAbError) if each.__module__.startswith("api.")),
        key=lambda each: each.code,
    )


def failure_codes() -> set[str]:
    """The codes that `service/jobs` gives to clips and cuts by name."""
    return {
        code
        for path in (ROOT / "service/jobs").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and (code := _code_of(node)) is not None
    }


def _code_of(call: ast.Call) -> str | None:
    place = _PLACES.get(call.func.id) if isinstance(call.func, ast.Name) else None
    told = call.args[place] if place is not None and place < len(call.args) else None
    return told.value if isinstance(told, ast.Constant) and isinstance(told.value, str) else None


def _below(cls: type[CaptionAbError]) -> Iterator[type[CaptionAbError]]:
    for each in cls.__subclasses__():
        yield each
        yield from _below(each)
