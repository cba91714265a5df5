"""`caption-ab up`: the whole system on this machine, until Ctrl-C."""

from __future__ import annotations

import argparse
import fcntl
import os
import sys
from pathlib import Path
from typing import TextIO

from cli.credentials import DATA, FirstKey, write_address
from cli.interrupt import Interrupt, Interrupted
from cli.system import Plan, System
from cli.terminal import say, warn
from service.errors import StartupError

#: Against the sandbox nothing takes as long as against the cloud.
SANDBOX_PACE = ("--poll-delay", "2,4")
SANDBOX_DEFAULTS = {
    "CAPTION_AB_POLL_EVERY_S": "2",
    "CAPTION_AB_POLL_LIMIT": "300",
    "CAPTION_AB_STEP_RETRY_S": "2",
}
_WATCH_EVERY_S = 0.5


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser("up", help="start the whole system on this machine")
    parser.add_argument("--data", type=Path, default=DATA, help="where everything is kept")
    parser.add_argument("--port", type=int, default=8080, help="port of the API")
    parser.add_argument(
        "--sandbox-credits", type=int, default=1_000_000, help="credits of the sandbox account"
    )
    parser.set_defaults(action=run)


def run(options: argparse.Namespace) -> int:
    """Start, watch, stop."""
    interrupt = Interrupt()
    interrupt.install()
    lock = lock_folder(options.data)
    system = System(plan(options), interrupt, lambda text: say(f"  {text}"))
    interrupt.on_again = system.hurry
    say(f"Starting Caption AB; data in {options.data.resolve()}")
    try:
        first_key = system.start()
        write_address(options.data, system.url)
        introduce(system, first_key, options)
        while True:
            system.watch()
            interrupt.wait(_WATCH_EVERY_S)
    except Interrupted:
        say("\nStopping: the API takes nothing more, workers finish what they hold ...")
        return 0
    except StartupError as error:
        warn(error)
        return 1
    finally:
        system.stop()
        lock.close()
        say("Everything has stopped.")


def plan(options: argparse.Namespace) -> Plan:
    """What `up` starts: the sandbox unless NEMO_API_URL names a backend."""
    own: dict[str, str] = {}
    with_sandbox = not os.environ.get("NEMO_API_URL")
    if with_sandbox and not os.environ.get("NEMO_TOKEN"):
        own["NEMO_TOKEN"] = f"nmv_usr_sbx_up_{options.sandbox_credits}"
    return Plan(
        folder=options.data,
        port=options.port,
        redis_url=os.environ.get("CAPTION_AB_REDIS_URL", ""),
        with_sandbox=with_sandbox,
        sandbox_args=SANDBOX_PACE,
        own=own,
        defaults={
            "CAPTION_AB_DRAIN_S": "20",
            "CAPTION_AB_HANDBACK_S": "5",
            **(SANDBOX_DEFAULTS if with_sandbox else {}),
        },
    )


def lock_folder(folder: Path) -> TextIO:
    """Take a data folder for this process alone; free again when the returned file is closed.

    Raises:
        StartupError: another `up` uses it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / "lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise StartupError(
            f"Another `caption-ab up` uses {folder.resolve()}.", hint="Choose another with --data."
        ) from None
    return lock


def introduce(system: System, key: FirstKey, options: argparse.Namespace) -> None:
    """Tell where everything is and what to do first."""
    say("")
    say(f"Caption AB serves at {system.url} (its API: {system.url}/docs)")
    if system.sandbox_url:
        say(
            f"Backend: the sandbox at {system.sandbox_url}; it really renders. Its account has "
            f"{options.sandbox_credits:,} credits, none of them real."
        )
    else:
        say(f"Backend: {os.environ.get('NEMO_API_URL')}; edits there cost real credits.")
    if key.made_now:
        say(f"API key:        {key.api_key}")
        say(f"Webhook secret: {key.webhook_secret}")
        say(f"Both are shown this once; they are kept in {key.file.resolve()} (only you read it).")
    else:
        say(f"API key and webhook secret: in {key.file.resolve()}")
    say("")
    say("A first job, from another terminal:")
    say(f"  export CAPTION_AB_KEY=$({_program()} keys show --data {options.data})")
    say(f"  {_program()} run clip.mp4 --captions clip.srt --url {system.url}")
    say("or, to begin with, a look at the caption styles there are:")
    say(f'  curl -sS {system.url}/v1/styles -H "Authorization: Bearer $CAPTION_AB_KEY"')
    say("")
    say("Ctrl-C stops everything.")


def _program() -> str:
    """How this command was called, so that what is printed can be copied."""
    called = sys.argv[0]
    return "caption-ab" if called.endswith(".py") or not called else called
