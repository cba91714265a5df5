"""A probe's report: report.json for programs, report.md for people, the same in both."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from service.nemo.probe_answer import Answer, Certainty
from service.nemo.probe_facts import Ending, Facts
from service.nemo.probe_fixtures import as_json, write_whole

_ENDINGS = {
    Ending.DONE: "The run came to its end.",
    Ending.DECLINED: "The run was declined before anything was spent.",
    Ending.FAILED: "The run could not go on; the last step says why.",
    Ending.INTERRUPTED: "The run was interrupted. What was recorded until then is here.",
    Ending.RUNNING: "The run has not ended, or was killed. What was recorded until then is here.",
}
_ORDER = (
    (Certainty.ANSWERED, "Answered"),
    (Certainty.HINT, "Hints, no proof"),
    (Certainty.OPEN, "Still open"),
)


def build_report(
    facts: Facts, answers: Sequence[Answer], fixtures: Sequence[str]
) -> dict[str, Any]:
    """The report as JSON values; not yet redacted."""
    return {
        "format": 1,
        "source": facts.source,
        "backend": facts.backend,
        "account": facts.account,
        "started": facts.started,
        "ending": facts.ending,
        "last_step": facts.step,
        "charge": facts.charge(),
        "messages_sent": facts.messages_sent,
        "balances": {
            moment: {"available": b.available, "frozen": b.frozen, "total": b.total}
            for moment, b in facts.balances.items()
        },
        "answers": [each.as_dict() for each in answers],
        "steps": [
            {"name": n.name, "ending": n.ending, "detail": n.detail, "error": n.error}
            for n in facts.steps
        ],
        "fixtures": list(fixtures),
    }


def write_report(folder: Path, facts: Facts, answers: Sequence[Answer], files: list[str]) -> None:
    """Write both files, redacted, each as a whole."""
    folder.mkdir(parents=True, exist_ok=True)
    report = build_report(facts, answers, files)
    write_whole(folder / "report.json", facts.redact(as_json(report)))
    write_whole(folder / "report.md", facts.redact(render_markdown(facts, answers, len(files))))


def render_markdown(facts: Facts, answers: Sequence[Answer], fixtures: int) -> str:
    """The report for people."""
    lines = [
        "# Probe of the NemoVideo backend",
        "",
        f"Backend: {facts.backend} ({facts.source}). Account: {facts.account}. {facts.started}.",
        f"**{_ENDINGS[facts.ending]}** {facts.charge()}",
        "",
        *_summary(answers),
    ]
    for certainty, title in _ORDER:
        group = [each for each in answers if each.certainty is certainty]
        if group:
            lines += [f"## {title}", "", *(line for each in group for line in _tell(each))]
    lines += ["## What was done", "", "| step | ended | what it said |", "|---|---|---|"]
    lines += [
        f"| {n.name} | {_ending(n.ending, n.error)} | {_cell(n.detail)} |" for n in facts.steps
    ]
    lines += ["", "## The recording", "", *_recording(facts, fixtures)]
    return "\n".join(lines) + "\n"


def _summary(answers: Sequence[Answer]) -> list[str]:
    answered, hints, still_open = (
        sum(each.certainty is certainty for each in answers) for certainty, _ in _ORDER
    )
    counted = f"{answered} answered, {hints} with hints only, {still_open} open"
    return [f"Of {len(answers)} questions: {counted}.", ""]


def _tell(answer: Answer) -> list[str]:
    lines = [f"**{answer.question}**", ""]
    if answer.answer:
        lines += [answer.answer, ""]
    if answer.why:
        lines += [f"Open because: {answer.why}" if not answer.answer else answer.why, ""]
    if answer.evidence:
        lines += [f"See {', '.join(f'`{name}`' for name in answer.evidence)}.", ""]
    return lines


def _recording(facts: Facts, fixtures: int) -> list[str]:
    mark = " It was made with the sandbox and proves nothing about the cloud." * (
        facts.source == "sandbox"
    )
    made = f"`fixtures/` holds {fixtures} exchanges, one file each, in the order in which they were"
    gone = (
        "Tokens, ids of users, sessions and tasks, hosts and paths of files, and e-mail addresses "
        "are replaced, each always by the same placeholder. Captions, and what the agent says of "
        "the clip, are not: read the files before you pass them on."
    )
    return [f"{made} made.{mark}", gone, "How to turn them into a test: docs/probe.md."]


def _ending(ending: Ending, error: str) -> str:
    return f"{ending} ({error})" if error else str(ending)


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")
