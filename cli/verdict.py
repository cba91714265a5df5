"""`caption-ab verdict`: a verdict again, from the snapshot that was frozen with it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from service.errors import InvalidRequest
from service.experiments.snapshot import read_snapshot
from service.experiments.verdict import decide


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
        raise InvalidRequest(f"{options.source} cannot be read as JSON: {error}") from error
    sys.stdout.buffer.write(decide(read_snapshot(document)).as_bytes())
    sys.stdout.flush()
    return 0
