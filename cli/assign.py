"""`caption-ab assign`: which variant viewers see."""

from __future__ import annotations

import argparse
from urllib.parse import quote

from cli.client import Client
from cli.run import find_key, find_url
from cli.terminal import say


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe the command."""
    parser = commands.add_parser("assign", help="say which variant of an experiment viewers see")
    parser.add_argument("job", help="its id, job_...")
    parser.add_argument("units", nargs="+", metavar="unit", help="ids of viewers, at most 1,000")
    parser.add_argument("--url", default="", help="address of the API; or that of `up`")
    parser.add_argument("--key", default="", help="API key; or CAPTION_AB_KEY, or the key of `up`")
    parser.set_defaults(action=run)


def run(options: argparse.Namespace) -> int:
    """Print each viewer with the variant, or `-` for who takes no part."""
    client, job = Client(find_url(options.url), find_key(options.key)), quote(options.job, safe="")
    for each in client.assign(job, options.units):
        say(f"{each['unit_id']}  {each['variant'] or '-'}")
    return 0
