"""Starts the sandbox as a process: `python -m sandbox --data DIR`."""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sandbox.config import SandboxConfig
from sandbox.ffmpeg import lacks
from sandbox.scenario import Scenario, read_scenario
from sandbox.server import start_sandbox
from sandbox.switches import Switches, change

_SIGNAL_CHECK_S = 0.2


def main(argv: list[str] | None = None) -> int:
    """Runs until SIGTERM or SIGINT; prints `sandbox ready URL` first."""
    options = _parse(argv)
    try:
        scenario = _scenario(options)
        switches = _switches(options, scenario.switches)
    except (OSError, ValueError) as error:
        print(f"sandbox: {error}", file=sys.stderr)  # noqa: T201 - a command's answer
        return 2
    missing = lacks() if switches.render == "burn" else []
    if missing:
        print(f"sandbox: ffmpeg lacks {', '.join(missing)}", file=sys.stderr)  # noqa: T201
        return 2
    _raise_file_limit()
    config = SandboxConfig(
        data=options.data,
        host=options.host,
        port=options.port,
        switches=switches,
        preset=options.preset,
        seed=options.seed,
        render_workers=options.render_workers,
        fonts_dirs=tuple(options.fonts),
    )
    # A plain list: an event has a lock, which a second signal's handler would wait for for ever.
    asked: list[int] = []
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, _: asked.append(number))
    # its global switches are in the configuration, beneath what the options say
    running = start_sandbox(config, replace(scenario, switches={}))
    if options.ready_file:
        partial = options.ready_file.with_suffix(".partial")
        partial.write_text(running.url + "\n", encoding="utf-8")
        partial.replace(options.ready_file)
    print(f"sandbox ready {running.url}", flush=True)  # noqa: T201 - read by whoever started it
    # a signal that another thread received while starting ffmpeg wakes nobody
    while not asked:
        time.sleep(_SIGNAL_CHECK_S)
    running.stop()
    return 0


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--data", type=Path, required=True, help="folder for uploads and results")
    parser.add_argument("--ready-file", type=Path, help="gets the address once it serves")
    parser.add_argument(
        "--scenario", type=Path, help="JSON file with switches and rules; docs/sandbox.md"
    )
    parser.add_argument("--poll-delay", metavar="PENDING_S,PROCESSING_S", help="default 5,20")
    parser.add_argument("--edit-s", type=float, help="seconds an edit takes")
    parser.add_argument("--render", choices=("burn", "copy"))
    parser.add_argument("--preset", default="veryfast", help="x264 preset")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--render-workers", type=int, default=1, help="ffmpeg processes at once")
    parser.add_argument("--fonts", type=Path, action="append", default=[], help="extra font folder")
    return parser.parse_args(argv)


def _scenario(options: argparse.Namespace) -> Scenario:
    if not options.scenario:
        return Scenario()
    return read_scenario(json.loads(options.scenario.read_text(encoding="utf-8")))


def _switches(options: argparse.Namespace, changes_of_scenario: Mapping[str, Any]) -> Switches:
    switches = change(Switches(), changes_of_scenario)
    changes: dict[str, Any] = {}
    if options.poll_delay:
        pending, _, processing = options.poll_delay.partition(",")
        changes |= {"pending_s": float(pending), "processing_s": float(processing or 0)}
    if options.edit_s is not None:
        changes["edit_s"] = options.edit_s
    if options.render:
        changes["render"] = options.render
    return change(switches, changes)


def _raise_file_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536) if hard > 0 else 65536, hard))


if __name__ == "__main__":
    sys.exit(main())
