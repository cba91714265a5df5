"""What the commands print: plain lines, and errors in the same three parts everywhere."""

from __future__ import annotations

import json
import os
import re
import select
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console

from cli.client import Problem
from service.errors import CaptionAbError, InvalidRequest

#: What JSON leaves as it is and a terminal, or UTF-8, does not.
_UNPRINTED = re.compile("[\x7f-\x9f\ud800-\udfff]")
#: The exit code of a command whose output nobody reads any more, as shells give it (128 + SIGPIPE).
UNHEARD = 141


class Unheard(Exception):
    """Whoever read what the command prints has gone."""


class Screen(Console):
    """Prints tables; other commands end in the same way where nobody reads them."""

    def on_broken_pipe(self) -> None:
        hush()
        raise Unheard


def fill_streams() -> None:
    """Let streams that whoever started this has closed be empty ones: else there are none."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115


def say(text: str) -> None:
    """Print a line at once.

    Raises:
        Unheard: nobody reads it any more; what is said from then on is lost in silence. Only the
            main thread is told, as others could not end the command.
    """
    try:
        print(text, flush=True)
    except BrokenPipeError:
        if threading.current_thread() is threading.main_thread():
            hush()
            raise Unheard from None


def check_heard() -> None:
    """See whether somebody may still read what is printed, where nothing is to be printed yet.

    Raises:
        Unheard: nobody does.
    """
    if sys.stdout is not None and _is_shut(sys.stdout):
        hush()
        raise Unheard


def hush() -> bool:
    """Let what is printed into pipes that nobody reads go nowhere; false where there is none."""
    shut = [each for each in (sys.stdout, sys.stderr) if each is not None and _is_shut(each)]
    for each in shut:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, each.fileno())
        os.close(nowhere)
    return bool(shut)


def flush() -> None:
    """Let go of what was printed and is not on its way yet."""
    if sys.stdout is not None:
        sys.stdout.flush()


def _is_shut(stream: TextIO) -> bool:
    """Whether it is a pipe or a socket whose other end is closed."""
    try:
        look = select.poll()
        look.register(stream.fileno(), 0)
    except (OSError, ValueError):  # no file behind it
        return False
    return any(seen & (select.POLLERR | select.POLLHUP) for _, seen in look.poll(0))


def warn(error: CaptionAbError | Problem) -> None:
    """Print an error: what went wrong, which fields, what to do.

    It may quote a file or a server of somebody else, so nothing of it moves the cursor.
    """
    for line in _lines_of(error):
        print(printable(line), file=sys.stderr)
    sys.stderr.flush()


def _lines_of(error: CaptionAbError | Problem) -> Iterator[str]:
    yield from f"error: {error.detail}".splitlines()
    if isinstance(error, InvalidRequest):
        for each in error.errors:
            yield f"  {each.pointer}: {each.detail}"
    if isinstance(error, Problem):
        for pointer, detail in error.fields:
            yield f"  {pointer}: {detail}"
        if error.example:
            yield f"  for example: {json.dumps(error.example, ensure_ascii=False)}"
    hint = error.hint if isinstance(error, Problem) else error.hint_text
    if hint:
        yield f"  {hint}"


def json_text(value: Any, *, indent: int | None = None) -> str:
    """JSON in which what moves a cursor is escaped, and what no file in UTF-8 holds."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return _UNPRINTED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def write_document(document: bytes) -> None:
    """Write JSON in its one form to standard output: to the byte, save where a person reads it.

    There what moves a cursor is escaped, and the line ends.
    """
    if sys.stdout.isatty():
        say(json_text(json.loads(document)))
        return
    sys.stdout.buffer.write(document)
    sys.stdout.flush()


def printable(text: str) -> str:
    """Words of others without what moves a terminal's cursor."""
    return "".join(char if char.isprintable() else " " for char in text)


def size_text(size: int) -> str:
    """A file's size for people."""
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size:,} bytes"
