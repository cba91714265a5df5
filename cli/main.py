"""The command `caption-ab`."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from cli import (
    assign,
    compare,
    doctor,
    experiment,
    keys,
    listen,
    outcomes,
    probe,
    run,
    share,
    story,
    up,
    verdict,
)
from cli.client import Problem
from cli.demo import command as demo
from cli.interrupt import heed_children
from cli.terminal import UNHEARD, Unheard, fill_streams, flush, hush, warn
from service.errors import CaptionAbError


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    fill_streams()
    heed_children()
    return quietly(lambda: _act(argv))


def quietly(act: Callable[[], int]) -> int:
    """Do something that prints; `UNHEARD`, without a word, once nobody reads that any more."""
    try:
        try:
            return act()
        finally:
            flush()
    except Unheard:
        return UNHEARD
    except BrokenPipeError:
        if not hush():  # another pipe than that of what is printed
            raise
        return UNHEARD


def _act(argv: list[str] | None) -> int:
    parser = argparse.ArgumentParser(
        prog="caption-ab", description="A/B tests of captions on video."
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    for each in (
        *(demo, up, run, compare, share, listen, story),
        *(experiment, assign, outcomes, verdict, doctor, keys, probe),
    ):
        each.add_parser(commands)
    options = parser.parse_args(argv)
    try:
        code: int = options.action(options)
        return code
    except (CaptionAbError, Problem) as error:
        warn(error)
        return 1
