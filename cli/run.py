"""`caption-ab run`: one A/B job of a clip on a running system."""

from __future__ import annotations

import argparse
import os
import secrets
import webbrowser
from pathlib import Path
from typing import Any

from rich.console import Console

from cli.client import Client, Problem
from cli.comparison import fetch_comparison
from cli.credentials import DATA, read_address, read_first_key
from cli.interrupt import Interrupt, Interrupted
from cli.jobs import (
    ENDED,
    captions_of,
    download_results,
    errors_of,
    follow,
    job_request,
    warnings_of,
)
from cli.live import byte_progress, job_view
from cli.terminal import Screen, say, warn
from service.errors import StartupError


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser("run", help="compare two caption styles on a clip")
    parser.add_argument("clip", type=Path, help="the video")
    parser.add_argument("--captions", type=Path, help="SRT, VTT, TTML or plain text")
    parser.add_argument("--a", default="outline", metavar="PRESET", help="style of variant A")
    parser.add_argument("--b", default="boxed", metavar="PRESET", help="style of variant B")
    parser.add_argument("--url", default="", help="address of the API; or that of `up`")
    parser.add_argument("--key", default="", help="API key; or CAPTION_AB_KEY, or the key of `up`")
    parser.add_argument("--out", type=Path, default=Path(), help="folder of the results")
    parser.add_argument("--open", action="store_true", help="show the report in a browser")
    parser.set_defaults(action=run)


def run(options: argparse.Namespace) -> int:
    """Upload, submit, watch, download; 0 only when the job has succeeded."""
    interrupt = Interrupt()
    interrupt.install()
    console = Screen()
    try:
        check_clip(options.clip)
        captions = captions_of(options.captions) if options.captions else None
        client = Client(find_url(options.url), find_key(options.key))
        upload = send_clip(client, options.clip, console)
        request = job_request(upload["id"], captions, {"A": options.a, "B": options.b})
        job = client.submit({**request, "name": options.clip.name}, secrets.token_hex(16))
        say(f"Job {job['id']} is accepted.")
        with job_view(console) as view:
            job = follow(client, job["id"], interrupt, view.look)
        return conclude(client, job, options.out, console, opened=options.open)
    except Interrupted:
        say("\nNo longer watching; the job goes on. Cancel it with POST /v1/jobs/{id}/cancel.")
        return 130
    except Problem as problem:
        warn(problem)
        return 1


def check_clip(clip: Path) -> None:
    """See that a clip is there.

    Raises:
        Problem: it is not, or is a folder or empty.
    """
    if not clip.is_file():
        raise Problem({"detail": f"There is no file {clip}."})
    if not clip.stat().st_size:
        raise Problem({"detail": f"{clip} is empty."})


def find_url(given: str) -> str:
    """The address of the API: given, or where an `up` of this folder was started last."""
    return given or read_address(DATA)


def find_key(given: str) -> str:
    """The API key: given, from the environment, or of an `up` started in this folder.

    Raises:
        Problem: there is none.
    """
    if given:
        return given
    if os.environ.get("CAPTION_AB_KEY"):
        return os.environ["CAPTION_AB_KEY"]
    try:
        return read_first_key(DATA)["api_key"]
    except StartupError:
        hint = "Give --key or set CAPTION_AB_KEY, or run this where the data folder of `up` is."
        raise Problem({"detail": "There is no API key.", "hint": hint}) from None


def send_clip(client: Client, clip: Path, console: Console) -> dict[str, Any]:
    """Upload a clip, showing how far it is."""
    with byte_progress(console, f"Uploading {clip.name}", clip.stat().st_size) as progress:
        return client.upload(clip, progress)


def conclude(
    client: Client,
    job: dict[str, Any],
    folder: Path,
    console: Console,
    *,
    opened: bool = False,
) -> int:
    """Fetch what there is and tell how it ended; the exit code of the command.

    The comparison is printed and kept as one page, which a browser opens where `opened` is asked.
    """
    for text in warnings_of(job):
        say(f"Warning: {text}")
    for error in errors_of(job):
        warn(Problem(error))
    total = sum(
        cut["video"]["size"] for variant in job["variants"] for cut in variant["cuts"]
        if cut.get("video")
    )  # fmt: skip
    if total:
        with byte_progress(console, "Fetching the videos", total) as progress:
            videos = download_results(client, job, folder, progress)
        for label, path in videos.items():
            say(f"{label}: {path}")
    say(
        f"The job has {'succeeded' if job['status'] == 'succeeded' else 'ended: ' + job['status']}."
    )
    if job["status"] in ENDED:
        report = fetch_comparison(client, job, folder, console)
        if report and opened:
            webbrowser.open(report.resolve().as_uri())
    if job["status"] == "action_required":
        say(f"Do what is said above, then: POST {job['links']['self']}/resume")
    return 0 if job["status"] == "succeeded" else 1
