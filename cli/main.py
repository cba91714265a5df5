"""The command `caption-ab`."""

from __future__ import annotations

import argparse

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
from cli.terminal import warn
from service.errors import CaptionAbError


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns its exit code."""
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
