"""Makes tenants and their keys: `python -m api.keys create --name NAME`."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from service.access import create_tenant_with_key
from service.errors import CaptionAbError
from service.settings import load_settings
from service.wiring import build_services

#: Means the account of NEMO_TOKEN, or the anonymous one where there is no token.
DEFAULT_ACCOUNT = "default"


def main(argv: list[str] | None = None) -> int:
    """Print {tenant_id, api_key, webhook_secret} as JSON; both secrets are shown this once."""
    parser = argparse.ArgumentParser(prog="python -m api.keys", description=__doc__)
    create = parser.add_subparsers(required=True, metavar="create").add_parser("create")
    create.add_argument("--name", required=True)
    create.add_argument("--account", default=DEFAULT_ACCOUNT)
    options = parser.parse_args(argv)
    try:
        print(json.dumps(_create(options.name, options.account)))  # noqa: T201  a command's answer
    except CaptionAbError as error:
        print(f"{error.detail} {error.hint_text}".strip(), file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _create(name: str, account: str) -> dict[str, str]:
    settings = load_settings()
    services = build_services(settings, name="keys", connections=2)
    account_id = services.tokens.ensure_account() if account == DEFAULT_ACCOUNT else account
    made = create_tenant_with_key(
        services.accounts,
        services.vault,
        name=name,
        account_id=account_id,
        pepper=settings.key_pepper,
        now_ms=services.clock.now_ms(),
    )
    return asdict(made)


if __name__ == "__main__":
    sys.exit(main())
