"""`caption-ab listen`: receive webhooks on this machine, verify them, show them."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cli.client import Problem
from cli.credentials import DATA, read_first_key
from cli.interrupt import Interrupt, Interrupted
from cli.receiver import Receiver
from cli.terminal import check_heard, json_text, printable, say, warn

_SECRET = "WEBHOOK_SECRET"  # noqa: S105  the name of a variable

_OWN = "An endpoint has a secret of its own, shown when it is made or rotated: --secret whsec_..."


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser("listen", help="receive webhooks here, verify and show them")
    parser.add_argument("--port", type=int, default=9000, help="port on 127.0.0.1 (9000)")
    parser.add_argument(
        "--secret",
        action="append",
        default=[],
        metavar="whsec_...",
        help=f"what verifies them, also several; else ${_SECRET}, else that of `up`",
    )
    parser.add_argument("--data", type=Path, default=DATA, help="the folder of `caption-ab up`")
    parser.add_argument(
        "--status",
        type=int,
        default=204,
        help="what to answer, to see how failures are tried again",
    )
    parser.add_argument("--json", action="store_true", help="one line of JSON for each")
    parser.add_argument("--count", type=int, default=0, help="end after so many; 0 goes on")
    parser.set_defaults(action=run)


def run(options: argparse.Namespace) -> int:
    """Listen until Ctrl-C; 0, or 1 when something that came was not signed with the secret."""
    interrupt = Interrupt()
    interrupt.install()
    show = _show_json if options.json else show_delivery
    receiver = _open(options, show)
    receiver.start()
    if not options.json:
        say(f"Listening on {receiver.url}. The service must be allowed to send there:")
        say(f"  CAPTION_AB_CALLER_LOOPBACK_PORTS={receiver.port} caption-ab up")
    try:
        while not options.count or len(receiver.lines) < options.count:
            check_heard()
            interrupt.wait(0.1)
    except Interrupted:
        pass
    finally:
        receiver.stop()
    forged = sum(not line["verified"] for line in receiver.lines)
    if forged:
        warn(
            Problem(
                {"detail": f"{forged} of {len(receiver.lines)} were not verified.", "hint": _OWN}
            )
        )
    return 1 if forged else 0


def _open(options: argparse.Namespace, show: Callable[[Mapping[str, Any]], None]) -> Receiver:
    named = options.secret or [each for each in [os.environ.get(_SECRET, "")] if each]
    secrets = named or [read_first_key(options.data)["webhook_secret"]]
    wrong = [each for each in secrets if not each.startswith("whsec_")]
    if wrong:
        raise Problem({"detail": "A webhook secret begins with whsec_.", "hint": "See --secret."})
    try:
        return Receiver(show, port=options.port, secrets=secrets, status=options.status)
    except OSError:
        detail = f"Port {options.port} is taken."
        raise Problem({"detail": detail, "hint": "--port names another."}) from None


def show_delivery(line: Mapping[str, Any]) -> None:
    """One delivery for people: when, whether it is ours, what happened, and its data."""
    body, headers = line["body"], line["headers"]
    verdict = "verified" if line["verified"] else "NOT VERIFIED"
    sent = headers.get("webhook-timestamp", "")
    at = datetime.fromtimestamp(int(sent), UTC).strftime("%H:%M:%S") if line["verified"] else "?"
    text = json.dumps(body.get("data", body), indent=2, ensure_ascii=False)
    lines = [
        "",
        f"{at}  {body.get('type', '?')}  {verdict}, answered {line['status']}",
        f"  webhook-id {headers.get('webhook-id', '?')}  sequence {body.get('sequence', '-')}",
        *([] if line["verified"] else [f"  {_OWN}"]),
        *(f"  {each}" for each in text.splitlines()),
    ]
    # Any page in a browser of this machine may send here.
    say("\n".join(map(printable, lines)))


def _show_json(line: Mapping[str, Any]) -> None:
    say(json_text(line))
