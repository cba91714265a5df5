"""`caption-ab experiment`: gives a job its experiment, or shows how it stands."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cli.client import Client, Problem
from cli.run import find_key, find_url
from cli.terminal import printable, say, write_document
from service.experiments.metrics import Kind
from service.experiments.plan import Unit

_PERCENT = " %"
_NOT_BEGUN = {
    "waiting": "It begins when the job has ended with a video of every variant.",
    "dropped": "It never began: the job has ended without the video of every variant.",
    "lost": "It has no result: what was counted of it has been lost. Make a new job.",
}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "experiment", help="plan which variant performs better, or see how that stands"
    )
    parser.add_argument("job", help="its id, job_...")
    parser.add_argument("--plan", type=Path, help="a plan as JSON: give the job this experiment")
    parser.add_argument(
        "--dry-run", action="store_true", help="with --plan: say what it needs, make nothing"
    )
    parser.add_argument(
        "--snapshot", type=Path, metavar="FILE", help="keep what the verdict is made from there"
    )
    parser.add_argument("--json", action="store_true", help="print the verdict's document instead")
    parser.add_argument("--url", default="", help="address of the API; or that of `up`")
    parser.add_argument("--key", default="", help="API key; or CAPTION_AB_KEY, or the key of `up`")
    parser.set_defaults(action=run)


def run(options: argparse.Namespace) -> int:
    """Attach or size where there is a plan; then, or else, show it."""
    if options.dry_run and not options.plan:
        raise Problem({"detail": "--dry-run needs --plan: without one nothing would be made."})
    plan = read_plan_file(options.plan) if options.plan else None
    client, job = Client(find_url(options.url), find_key(options.key)), quote(options.job, safe="")
    if plan is not None:
        answer = client.attach_experiment(job, plan, dry_run=options.dry_run)
        for line in tell_sizing(answer):
            say(printable(line))
        if options.dry_run:
            return 0
    if options.json:
        write_document(client.verdict(job))
    else:
        for line in show(client, job):
            say(printable(line))
    if options.snapshot:
        options.snapshot.write_bytes(client.snapshot(job))
    return 0


def read_plan_file(path: Path) -> dict[str, Any]:
    """A plan from a file; whether it is a good one, the API says.

    Raises:
        Problem: it is not there, or no JSON object.
    """
    try:
        plan = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise Problem({"detail": f"{path} cannot be read: {error.strerror}."}) from None
    except (ValueError, RecursionError) as error:
        raise Problem({"detail": f"{path} is no JSON: {error}"}) from None
    if not isinstance(plan, dict):
        raise Problem({"detail": f"{path} must hold one JSON object, the plan."})
    return plan


def show(client: Client, job: str) -> Iterator[str]:
    """How the experiment of a job stands; this is a look, and may be the one that decides it."""
    try:
        verdict = json.loads(client.verdict(job))
    except Problem as problem:
        if problem.status != 409:
            raise
        verdict = None
    yield from tell(client.experiment(job), verdict)


def tell(experiment: Mapping[str, Any], verdict: Mapping[str, Any] | None) -> Iterator[str]:
    """An experiment in lines; one that has not begun has no verdict."""
    if verdict is None:
        yield f"{experiment['job_id']}  {experiment['status']}"
        yield _NOT_BEGUN.get(experiment["status"], "Look again.")
        return
    final = experiment["decided_at"]
    when = f"decided {final}" if final else f"running since {experiment['started_at']}"
    yield f"{experiment['job_id']}  {when}"
    yield f"{verdict['state']}: {verdict['sentence']['en']}"
    primary = experiment["plan"]["primary"]
    yield f"By {primary['title'] or primary['name']}:"
    scale, unit = _find_unit(primary)
    for each in verdict["variants"]:
        found = each["metrics"][primary["name"]]
        value = "-" if found is None else f"{scale * found['value']:,.2f}{unit}"
        yield f"  {each['label']:<8} {each['exposed']:>12,} viewers  {value:>10}"
    if verdict["state"].startswith("invalid_"):
        return  # nobody should read a difference out of spoiled data
    for pair in verdict["pairs"]:
        yield f"  {_tell_pair(pair, scale, unit)}"
    for each in verdict["guardrails"]:
        if each["harm"]:
            yield f"  {each['variant']} does harm: its {each['metric']} is worse than allowed"
    if not final and verdict["days_left"] is not None:
        left, end = _days(verdict["days_left"]), _days(verdict["days_to_end"])
        yield f"  about {left} more; it ends in {end}"


def _find_unit(metric: Mapping[str, Any]) -> tuple[float, str]:
    """What the values of a metric are multiplied by to be shown, and what follows them."""
    if metric["kind"] == Kind.PROPORTION:
        return 100, _PERCENT
    return (0.01, " s") if metric.get("unit") == Unit.SECONDS else (1, "")


def _tell_pair(pair: Mapping[str, Any], scale: float, unit: str) -> str:
    numbers = [pair["difference"], *pair["interval"]]
    here, low, high = (f"{scale * each:+,.2f}" for each in numbers)
    unit = " points" if unit == _PERCENT else unit
    text = f"{pair['variant']} against {pair['base']}: {here}{unit}, between {low} and {high}"
    if pair["lift"]:
        text += "; that is {:+.1f} % to {:+.1f} %".format(*(100 * each for each in pair["lift"]))
    return text


def _days(count: int) -> str:
    return f"{count:,} {'day' if count == 1 else 'days'}"


def tell_sizing(answer: Mapping[str, Any]) -> Iterator[str]:
    """What a plan needs, where it says what is assumed."""
    sizing = answer.get("sizing")
    if not sizing:
        return
    yield sizing["sentence"]["en"]
    for name, size in (("one look", sizing["one_look"]), ("any look", sizing["any_look"])):
        days = "" if size["days"] is None else f", {_days(size['days'])}"
        each = ", ".join(f"{label} {units:,}" for label, units in size["by_variant"].items())
        yield f"  {name}: {size['units']:,} viewers ({each}){days}"
