"""`caption-ab share`: a link that shows one job to whoever has it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from cli.client import Client
from cli.run import find_key, find_url
from cli.terminal import say

_DAY_S = 86_400


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser("share", help="make a link that shows a job without a key")
    parser.add_argument("job", help="its id, job_...")
    parser.add_argument("--days", type=float, default=7.0, help="how long it works (7)")
    parser.add_argument(
        "--preferences", action="store_true", help="let viewers say which variant they prefer"
    )
    other = parser.add_mutually_exclusive_group()
    other.add_argument("--list", action="store_true", help="list the job's links instead")
    other.add_argument("--revoke", metavar="SHARE", default="", help="end a link, shr_..., instead")
    parser.add_argument("--url", default="", help="address of the API; or that of `up`")
    parser.add_argument("--key", default="", help="API key; or CAPTION_AB_KEY, or the key of `up`")
    parser.set_defaults(action=run)


def run(options: argparse.Namespace) -> int:
    """Print the link, or the list of links; or end one."""
    client, job = Client(find_url(options.url), find_key(options.key)), quote(options.job, safe="")
    if options.list:
        for link in client.shares(job):
            say(tell(link))
    elif options.revoke:
        client.revoke_share(job, quote(options.revoke, safe=""))
        say(f"{options.revoke} opens nothing any more.")
    else:
        wish = {"expires_in_s": options.days * _DAY_S, "preferences": options.preferences}
        say(client.share(job, wish)["url"])
    return 0


def tell(link: Mapping[str, Any]) -> str:
    """A link in one line; its address cannot be told again."""
    rights = "look and prefer" if link["preferences"] else "look"
    return f"{link['id']}  {link['status']:<7}  until {link['expires_at']}  {rights}"
