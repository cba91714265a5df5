"""What the commands print: plain lines, and errors in the same three parts everywhere."""

from __future__ import annotations

import json
import sys

from cli.client import Problem
from service.errors import CaptionAbError, InvalidRequest


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


def warn(error: CaptionAbError | Problem) -> None:
    """Print an error: what went wrong, which fields, what to do."""
    print(f"error: {error.detail}", file=sys.stderr)
    if isinstance(error, InvalidRequest):
        for each in error.errors:
            print(f"  {each.pointer}: {each.detail}", file=sys.stderr)
    if isinstance(error, Problem):
        for pointer, detail in error.fields:
            print(f"  {pointer}: {detail}", file=sys.stderr)
        if error.example:
            print(
                f"  for example: {json.dumps(error.example, ensure_ascii=False)}", file=sys.stderr
            )
    hint = error.hint if isinstance(error, Problem) else error.hint_text
    if hint:
        print(f"  {hint}", file=sys.stderr)
    sys.stderr.flush()


def printable(text: str) -> str:
    """Words of others without what moves a terminal's cursor."""
    return "".join(char if char.isprintable() else " " for char in text)


def size_text(size: int) -> str:
    """A file's size for people."""
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size:,} bytes"
