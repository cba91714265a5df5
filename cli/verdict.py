"""`caption-ab verdict`: a verdict again, from the snapshot that was frozen with it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from cli.terminal import write_document
from service.errors import InvalidRequest
from service.experiments.snapshot import read_snapshot
from service.experiments.verdict import decide

_HINT = "Give a snapshot as `caption-ab experiment JOB --snapshot FILE` keeps it."


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "verdict", help="make the verdict of an experiment again from its snapshot, to the byte"
    )
    parser.add_argument(
        "--from", dest="source", type=Path, required=True, metavar="FILE", help="the snapshot"
    )
    parser.set_defaults(action=run)


def run(options: argparse.Namespace) -> int:
    """Write the verdict's document to standard output, without a line end."""
    try:
        document = json.loads(options.source.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        detail = f"{options.source} cannot be read as JSON: {error}"
        raise InvalidRequest(detail, hint=_HINT) from error
    try:
        snapshot = read_snapshot(document)
    except InvalidRequest as refused:
        raise InvalidRequest(refused.detail, refused.errors, hint=_HINT) from None
    write_document(decide(snapshot).as_bytes())
    return 0
