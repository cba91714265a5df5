"""`caption-ab probe`: what the real backend does, found out once and with as little as possible."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from cli.client import Problem
from cli.interrupt import heed_signals
from cli.jobs import captions_of
from cli.run import check_clip
from cli.terminal import say
from service.clock import AnchoredClock
from service.nemo.probe import Ending, Facts, ProbeOptions, describe_plan, run_probe
from service.settings import load_settings

_ACCOUNT = Path("~/.config/caption-ab/probe-account.json")
_CODES = {Ending.DONE: 0, Ending.DECLINED: 0, Ending.INTERRUPTED: 130}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "probe", help="walk the backend's protocol once with your own token and record it"
    )
    parser.add_argument("clip", type=Path, help="a short video; two seconds are enough")
    whose = parser.add_mutually_exclusive_group()
    whose.add_argument(
        "--token-env", default="NEMO_TOKEN", metavar="NAME", help="variable that holds the token"
    )
    whose.add_argument("--anonymous", action="store_true", help="use an anonymous account")
    parser.add_argument("--captions", type=Path, help="SRT, VTT, TTML or text; two cues of its own")
    parser.add_argument("--out", type=Path, default=Path("probe-output"), help="folder to write")
    parser.add_argument("--yes", action="store_true", help="ask nothing: credits may be spent")
    parser.add_argument(
        "--full", action="store_true", help="also hang up on an edit; costs one more of them"
    )
    parser.add_argument(
        "--loopback", action="store_true", help="allow NEMO_API_URL to be on this machine"
    )
    parser.add_argument(
        "--account-file", type=Path, default=_ACCOUNT, help="where an anonymous account is kept"
    )
    parser.set_defaults(action=run)


def run(options: argparse.Namespace) -> int:
    """Ask, walk, tell where the report is; 0 when the walk came to its end or was declined."""
    check_clip(options.clip)
    settings = load_settings()
    wanted = wishes(options)
    say("A probe walks the backend's protocol once and records it.")
    for line in describe_plan(wanted, settings):
        say(f"  {line}")
    if not options.yes and not sys.stdin.isatty():
        raise Problem(
            {"detail": "There is nobody to ask.", "hint": "Without a terminal it takes --yes."}
        )
    heed_signals(_interrupt)
    clock = AnchoredClock(lambda: time.time_ns() // 1_000_000, 3600.0)
    facts = run_probe(wanted, settings, clock, ask=asker(yes=options.yes), tell=say)
    return conclude(facts, options.out)


def wishes(options: argparse.Namespace) -> ProbeOptions:
    """What the probe is asked for.

    Raises:
        Problem: there is no token, the captions cannot be read, or the folder holds something else.
    """
    token = "" if options.anonymous else os.environ.get(options.token_env, "").strip()
    if not token and not options.anonymous:
        raise Problem(
            {
                "detail": f"{options.token_env} is not set.",
                "hint": "Set it to a token of yours, or give --anonymous.",
            }
        )
    if options.out.exists() and any(options.out.iterdir()):
        raise Problem(
            {"detail": f"{options.out} is not empty.", "hint": "Name another folder with --out."}
        )
    captions = captions_of(options.captions) if options.captions else {}
    return ProbeOptions(
        clip=options.clip,
        out=options.out,
        account_file=options.account_file.expanduser(),
        started=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        token=token,
        token_name=options.token_env,
        captions=captions.get("text", ""),
        captions_format=captions.get("format", ""),
        full=options.full,
        loopback=options.loopback,
    )


def asker(*, yes: bool) -> Callable[[str, bool], bool]:
    """Asks on the terminal, where only a clear yes is one; `--yes` answers what it covers."""

    def ask(question: str, covered: bool) -> bool:  # noqa: FBT001  the probe's contract
        if yes:
            say(f"{question} {'yes' if covered else 'no'} (--yes)")
            return covered
        try:
            return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}
        except EOFError:
            return False

    return ask


def conclude(facts: Facts, folder: Path) -> int:
    """Tell what it cost and where the report is; the exit code of the command."""
    say("")
    if facts.ending is Ending.DECLINED:
        say("Nothing was done.")
    say(facts.charge())
    say(f"Report: {folder / 'report.md'}")
    say("Read the files in fixtures/ before you pass them on: captions and replies are in them.")
    return _CODES.get(facts.ending, 1)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
