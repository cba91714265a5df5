"""`caption-ab keys`: API keys, webhook secrets, encryption keys."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from cryptography.fernet import Fernet

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
    show.add_argument(
        "--webhook-secret", action="store_true", help="show what verifies its webhooks instead"
    )
    show.set_defaults(action=run_show)
    secret = actions.add_parser("secret", help="make a key for CAPTION_AB_SECRET_KEYS")
    secret.set_defaults(action=run_secret)


def run_create(options: argparse.Namespace) -> int:
    """Make a tenant on the Redis that the environment names, and print it as JSON."""
    made = create_key(os.environ, name=options.name, account=options.account)
    say(json.dumps(made, indent=1))
    return 0


def run_show(options: argparse.Namespace) -> int:
    """Print the first tenant's API key, or its webhook secret."""
    made = read_first_key(options.data)
    say(made["webhook_secret"] if options.webhook_secret else made["api_key"])
    return 0


def run_secret(_options: argparse.Namespace) -> int:
    """Print a new key that encrypts tokens and webhook secrets at rest."""
    say(Fernet.generate_key().decode())
    return 0
