"""Makes and ends API keys with direct access to the store: `python -m api.keys --help`.

Each action prints one JSON document. What it does is in the audit log as done by the command line.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from service.audit import COMMAND_LINE, read_entries
from service.errors import CaptionAbError, InvalidRequest
from service.keyring import (
    Administrator,
    Keyring,
    KeyWish,
    ShownKey,
    entry_data,
    key_data,
    read_span_ms,
)
from service.model.limits import KeyLimits
from service.model.scope import DEFAULT_SCOPES, Mode, Scope, read_scopes, write_scopes
from service.settings import load_settings
from service.wiring import build_services

if TYPE_CHECKING:
    from service.jobs.context import Services

#: Means the account of NEMO_TOKEN, or the anonymous one where there is no token.
DEFAULT_ACCOUNT = "default"
_BY = Administrator(COMMAND_LINE)
_MOST = 10_000
#: Tenants that an error names, at most.
_NAMED = 20
Action = Callable[["Services", Keyring, argparse.Namespace], Any]


def main(argv: list[str] | None = None) -> int:
    """Print what an action answers as JSON; secrets in it are shown this once."""
    options = _parser().parse_args(argv)
    try:
        settings = load_settings()
        parts = build_services(settings, name="keys", connections=2)
        keyring = Keyring(parts.connection, parts.accounts, parts.vault, settings)
        action: Action = options.action
        print(json.dumps(action(parts, keyring, options)))  # noqa: T201  a command's answer
    except CaptionAbError as error:
        print(f"{error.detail} {error.hint_text}".strip(), file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m api.keys", description=__doc__)
    actions = parser.add_subparsers(required=True, metavar="action")
    create = actions.add_parser("create", help="a key of --tenant, or a tenant with its first key")
    create.add_argument("--name", default="")
    create.add_argument("--tenant", default="", help="ten_...; without it a tenant is made")
    create.add_argument("--account", default=DEFAULT_ACCOUNT)
    create.add_argument("--scopes", default=write_scopes(DEFAULT_SCOPES).replace(" ", ","))
    create.add_argument("--expires", default="", help="90d, 12h, 30m; without it never")
    create.add_argument("--mode", default=Mode.LIVE, choices=[each.value for each in Mode])
    create.add_argument(
        "--operator", action="store_true", help="its scope admin is for all tenants"
    )
    for name in ("jobs-per-minute", "open-jobs", "month-credits"):
        create.add_argument(f"--{name}", type=int, default=None)
    create.set_defaults(action=create_key)
    found = actions.add_parser("list", help="a tenant's keys")
    found.add_argument("--tenant", default="", help="ten_...; needed where there are several")
    found.set_defaults(action=list_keys)
    revoke = actions.add_parser("revoke", help="end a key")
    revoke.add_argument("key")
    revoke.set_defaults(action=revoke_key)
    rotate = actions.add_parser("rotate", help="a successor of a key")
    rotate.add_argument("key")
    rotate.add_argument("--old-lives", default="24h", help="how long the old key works: 24h, 0m")
    rotate.set_defaults(action=rotate_key)
    tenants = actions.add_parser("tenants", help="all tenants")
    tenants.set_defaults(action=list_tenants)
    audit = actions.add_parser("audit", help="the audit log, newest first")
    audit.add_argument("--tenant", default="")
    audit.add_argument("--limit", type=int, default=100)
    audit.set_defaults(action=list_acts)
    return parser


def create_key(parts: Services, keyring: Keyring, options: argparse.Namespace) -> dict[str, Any]:
    """A tenant with its first key, or one more key of a tenant.

    Raises:
        InvalidRequest: a scope or a time is none.
    """
    now_ms = parts.clock.now_ms()
    scopes = read_scopes(options.scopes.replace(",", " "))
    if len(scopes) != len(options.scopes.replace(",", " ").split()) or not scopes:
        raise InvalidRequest(f"Scopes are {', '.join(sorted(Scope))}.", hint="Separate by commas.")
    wish = KeyWish(
        name=options.name,
        scopes=scopes | ({Scope.ADMIN} if options.operator else frozenset()),
        mode=Mode(options.mode),
        expires_ms=now_ms + read_span_ms(options.expires) if options.expires else 0,
        operator=options.operator,
        limits=KeyLimits(options.jobs_per_minute, options.open_jobs, options.month_credits),
    )
    if options.tenant:
        return _shown(parts, keyring.create(_BY, options.tenant, wish, now_ms=now_ms))
    if not options.name:
        raise InvalidRequest("A tenant needs a name.", hint="Give --name, or --tenant for a key.")
    account = options.account
    account_id = parts.tokens.ensure_account() if account == DEFAULT_ACCOUNT else account
    made = keyring.create_tenant(_BY, wish, account_id=account_id, now_ms=now_ms)
    return asdict(made)


def list_keys(parts: Services, keyring: Keyring, options: argparse.Namespace) -> dict[str, Any]:
    """All keys of a tenant, those of earlier releases too."""
    parts.accounts.api_keys.enter_old()
    tenant = keyring.find_tenant(_BY, options.tenant or _only_tenant(parts))
    keys = parts.accounts.api_keys.page(tenant.id, before_ms=None, limit=_MOST)
    now_ms = parts.clock.now_ms()
    return {"data": [key_data(each, parts.settings, now_ms) for each in keys]}


def revoke_key(parts: Services, keyring: Keyring, options: argparse.Namespace) -> dict[str, Any]:
    """End a key."""
    parts.accounts.api_keys.enter_old()
    key = keyring.revoke(_BY, options.key, now_ms=parts.clock.now_ms())
    return {"revoked": key.id, "trusted_for_s": parts.settings.key_cache_s}


def rotate_key(parts: Services, keyring: Keyring, options: argparse.Namespace) -> dict[str, Any]:
    """A successor of a key."""
    parts.accounts.api_keys.enter_old()
    lives_ms = read_span_ms(options.old_lives)
    made = keyring.rotate(_BY, options.key, old_lives_ms=lives_ms, now_ms=parts.clock.now_ms())
    return _shown(parts, made)


def list_tenants(parts: Services, _keyring: Keyring, _options: argparse.Namespace) -> Any:
    """All tenants, those of earlier releases too."""
    parts.accounts.api_keys.enter_old()
    found = parts.accounts.tenants(before_ms=None, limit=_MOST)
    return {"data": [{"id": t.id, "name": t.name, "account_id": t.account_id} for t in found]}


def list_acts(parts: Services, _keyring: Keyring, options: argparse.Namespace) -> Any:
    """The newest lines of the audit log."""
    found = read_entries(
        parts.connection, tenant_id=options.tenant or None, before="", limit=options.limit
    )
    return {"data": [entry_data(each) for each in found]}


def _only_tenant(parts: Services) -> str:
    """The id of the only tenant.

    Raises:
        InvalidRequest: there are several, or none.
    """
    found = parts.accounts.tenants(before_ms=None, limit=_MOST)
    if len(found) == 1:
        return found[0].id
    named = ", ".join(f"{each.id} ({each.name})" for each in found[:_NAMED])
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    raise InvalidRequest(
        f"There are {len(found)} tenants: {named}{more}." if found else "There is no tenant yet.",
        hint="Name one with --tenant." if found else "Make one with create --name.",
    )


def _shown(parts: Services, made: ShownKey) -> dict[str, Any]:
    data = key_data(made.key, parts.settings, parts.clock.now_ms())
    return {"tenant_id": made.key.tenant_id, "key_id": made.key.id, "api_key": made.text, **data}


if __name__ == "__main__":
    sys.exit(main())
