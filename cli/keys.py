"""`caption-ab keys`: API keys, tenants, the audit log; webhook secrets, encryption keys."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from cli.credentials import DATA, ask_keys, find_folder, read_environment, read_first_key
from cli.terminal import say

_LIMITS = ("jobs_per_minute", "open_jobs", "month_credits")
_GIVEN = ("name", "tenant", "account", "scopes", "expires", "mode", "old_lives", "limit")
_COLUMNS = {
    "list": ("id", "name", "mode", "scopes", "status", "last4", "expires_at", "last_used_at"),
    "tenants": ("id", "name", "account_id"),
    "audit": ("at", "act", "actor", "tenant_id", "object_id"),
}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the commands."""
    parser = commands.add_parser("keys", help="make and end API keys, show the webhook secret")
    actions = parser.add_subparsers(
        required=True, metavar="create|list|revoke|rotate|tenants|audit|show|secret"
    )
    _add_create(actions)
    listed = _add(actions, "list", "list a tenant's keys")
    listed.add_argument("--tenant", default="", help="ten_...; needed where there are several")
    revoke = _add(actions, "revoke", "end a key; running processes follow within ten seconds")
    revoke.add_argument("key", help="key_...")
    rotate = _add(actions, "rotate", "make a successor of a key with the same scopes")
    rotate.add_argument("key", help="key_...")
    rotate.add_argument(
        "--old-lives", default="24h", help="how long the old key still works (24h; 0m: not)"
    )
    _add(actions, "tenants", "list all tenants")
    audit = _add(actions, "audit", "show who made and ended what, newest first")
    audit.add_argument("--tenant", default="", help="ten_...; of one tenant only")
    audit.add_argument("--limit", type=int, default=100)
    show = actions.add_parser("show", help="show the API key of `up`'s first tenant")
    show.add_argument("--data", type=Path, default=DATA)
    show.add_argument(
        "--webhook-secret", action="store_true", help="show what verifies its webhooks instead"
    )
    show.set_defaults(action=run_show)
    secret = actions.add_parser("secret", help="make a key for CAPTION_AB_SECRET_KEYS")
    secret.set_defaults(action=run_secret)


def _add(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=text)
    parser.add_argument(
        "--data",
        type=Path,
        metavar="FOLDER",
        help=f"of an `up`; else the system of the environment, else {DATA}",
    )
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    parser.set_defaults(action=run_action, asked=name)
    return parser


def _add_create(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    create = _add(actions, "create", "make a key of --tenant, or a tenant with its first key")
    create.add_argument("--name", default="", help="the key's name, and a new tenant's")
    create.add_argument("--tenant", default="", help="ten_...; without it a tenant is made")
    create.add_argument("--account", default="default", help="whose backend credits are spent")
    create.add_argument("--scopes", default="", help="jobs:read,jobs:write,webhooks,admin")
    create.add_argument("--expires", default="", help="90d, 12h or 30m; without it never")
    create.add_argument("--mode", default="live", choices=["live", "test"])
    create.add_argument(
        "--operator", action="store_true", help="its scope admin is for all tenants"
    )
    for name in _LIMITS:
        create.add_argument(f"--{name.replace('_', '-')}", default="", help="0: no limit")


def run_action(options: argparse.Namespace) -> int:
    """Run an action on the store of the system that is meant; print its answer."""
    folder = find_folder(options.data, os.environ)
    env = read_environment(folder) if folder else os.environ
    answer = ask_keys(env, options.asked, *_arguments(options))
    # A secret that is shown once is not to be lost in a table.
    if options.json or options.asked in {"create", "rotate", "revoke"}:
        say(json.dumps(answer, indent=1))
        return 0
    for line in tell(answer["data"], _COLUMNS[options.asked]):
        say(line)
    return 0


def _arguments(options: argparse.Namespace) -> Iterator[str]:
    if "key" in options:
        yield options.key
    for name in (*_GIVEN, *_LIMITS):
        value = getattr(options, name, "")
        if value != "":
            yield from (f"--{name.replace('_', '-')}", str(value))
    if getattr(options, "operator", False):
        yield "--operator"


def tell(rows: list[Mapping[str, Any]], columns: tuple[str, ...]) -> Iterator[str]:
    """Rows as lines, one column below the other, the first line their names."""
    table = [columns, *(tuple(_word(row[name]) for name in columns) for row in rows)]
    widths = [max(len(line[at]) for line in table) for at in range(len(columns))]
    for line in table:
        yield "  ".join(
            word.ljust(width) for word, width in zip(line, widths, strict=True)
        ).rstrip()


def _word(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(value)
    text = str(value) if value not in {None, ""} else "-"
    return "".join(each if each.isprintable() else "?" for each in text)


def run_show(options: argparse.Namespace) -> int:
    """Print the first tenant's API key, or its webhook secret."""
    made = read_first_key(options.data)
    say(made["webhook_secret"] if options.webhook_secret else made["api_key"])
    return 0


def run_secret(_options: argparse.Namespace) -> int:
    """Print a new key that encrypts tokens and webhook secrets at rest."""
    say(Fernet.generate_key().decode())
    return 0
