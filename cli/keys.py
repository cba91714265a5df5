"""`caption-ab keys`: API keys and webhook secrets of a data folder."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from cli.credentials import DATA, create_key, read_first_key
from cli.terminal import say


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the commands."""
    parser = commands.add_parser("keys", help="make an API key, show the webhook secret")
    actions = parser.add_subparsers(required=True, metavar="create|show|secret")
    create = actions.add_parser("create", help="make a tenant with its first API key")
    create.add_argument("--name", required=True, help="the tenant's name")
    create.add_argument("--account", default="default", help="whose backend credits are spent")
    create.set_defaults(action=run_create)
    show = actions.add_parser("show", help="show the API key of `up`'s first tenant")
    show.add_argument("--data", type=Path, default=DATA)
    show.set_defaults(action=run_show)
    secret = actions.add_parser("secret", help="show the webhook secret of `up`'s first tenant")
    secret.add_argument("--data", type=Path, default=DATA)
    secret.set_defaults(action=run_secret)


def run_create(options: argparse.Namespace) -> int:
    """Make a tenant on the Redis that the environment names, and print it as JSON."""
    made = create_key(os.environ, name=options.name, account=options.account)
    say(json.dumps(made, indent=1))
    return 0


def run_show(options: argparse.Namespace) -> int:
    """Print the first tenant's API key."""
    say(read_first_key(options.data)["api_key"])
    return 0


def run_secret(options: argparse.Namespace) -> int:
    """Print the secret by which webhooks of the first tenant are verified."""
    say(read_first_key(options.data)["webhook_secret"])
    return 0
