"""`caption-ab jobs inspect`: the whole story of a job, to be read at three in the morning."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cli.children import with_our_code
from cli.client import Client, Problem
from cli.credentials import read_environment, without_client_names
from cli.run import find_key, find_url
from cli.terminal import json_text, printable, say

_STORE_S = 60


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the commands."""
    parser = commands.add_parser("jobs", help="look into a job")
    actions = parser.add_subparsers(required=True, metavar="inspect")
    inspect = actions.add_parser("inspect", help="tell all that happened to a job")
    inspect.add_argument("job", help="its id, job_...")
    inspect.add_argument("--url", default="", help="address of the API; or that of `up`")
    inspect.add_argument("--key", default="", help="API key; or CAPTION_AB_KEY, or the key of `up`")
    inspect.add_argument(
        "--store",
        action="store_true",
        help="ask no API: read the store that this environment names, any tenant's job",
    )
    inspect.add_argument(
        "--data", type=Path, help="with --store: the store of an `up` with this folder"
    )
    inspect.add_argument("--json", action="store_true", help="print it as JSON")
    inspect.set_defaults(action=run)


def run(options: argparse.Namespace) -> int:
    """Print the story."""
    if options.store:
        story = read_from_store(options.job, options.data)
    else:
        story = Client(find_url(options.url), find_key(options.key)).story(
            quote(options.job, safe="")
        )
    if options.json:
        say(json_text(story, indent=1))
    else:
        for line in tell(story):
            say(printable(line))
    return 0


def read_from_store(job_id: str, data: Path | None) -> dict[str, Any]:
    """A job's story without the API, in the environment of one of the service's processes.

    Raises:
        Problem: there is no such job, or no such store.
    """
    hint = "Run it with the environment of a process of the service (CAPTION_AB_REDIS_URL)."
    try:
        done = subprocess.run(
            [sys.executable, "-m", "api.story", job_id],
            env=with_our_code(read_environment(data) if data else without_client_names(os.environ)),
            capture_output=True,
            text=True,
            timeout=_STORE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Problem(
            {"detail": f"The store had not answered after {_STORE_S} s.", "hint": hint}
        ) from None
    if done.returncode:
        raise Problem({"detail": done.stderr.strip()[-500:], "hint": hint})
    story: dict[str, Any] = json.loads(done.stdout)
    return story


def tell(story: Mapping[str, Any]) -> Iterator[str]:
    """The story in lines. Times are UTC."""
    money = story["credits"]
    yield f"{story['job_id']}  {story['name']}".rstrip()
    yield f"  status   {story['status']}"
    yield f"  credits  {money['charged']} charged, {money['reserved']} set aside"
    experiment = story.get("experiment")
    if experiment:
        state = f", {experiment['state']}" if experiment["state"] else ""
        yield f"  viewers  experiment {experiment['status']}{state}"
    yield f"  request  {story['request_id'] or 'not recorded'}"
    day = ""
    for entry in story["entries"]:
        date, _, time = entry["at"].partition("T")
        if date != day:
            day = date
            yield ""
            yield date
        unit, what = entry["unit"], entry["what"]
        yield f"  {time.rstrip('Z')}  {unit:<7} {what:<9} {entry['text']}"
        note = note_below(entry)
        if note:
            yield f"  {'':<12}  {'':<7} {'':<9} | {note[:200]}"
    yield ""
    yield from tell_open(story)


def note_below(entry: Mapping[str, Any]) -> str:
    """Words of the backend or a receiver. Why there was no answer is in the entry's own text."""
    data = entry["data"]
    answered = entry["what"] == "delivery" and data.get("status")
    return str(data.get("said") or (answered and data.get("note")) or "")


def tell_open(story: Mapping[str, Any]) -> Iterator[str]:
    """What is not finished, and what each part waits for."""
    if not story["open"]:
        yield "Nothing of it is open."
        return
    yield f"Open at {story['told_at']}:"
    for row in story["open"]:
        yield f"  {row['row']}  {row['state']} on {row['queue']}"
        if row["held_by"]:
            yield f"    held by {row['held_by']} until {row['held_until']}"
        elif row["ready_at"] > story["told_at"]:
            yield f"    looked at again at {row['ready_at']}"
        elif row["waits_for"]:
            yield f"    waits for {', '.join(row['waits_for'])}, or for a worker"
        else:
            yield "    waits for a worker of this queue"
        if row["claims_without_commit"] > 1:
            yield f"    taken {row['claims_without_commit']} times without an outcome"
        if row["deadline"]:
            yield f"    deadline {row['deadline']}"
