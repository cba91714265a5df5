"""What goes over the wires, in the words of the engine: store commands and backend calls. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from service.store.scripts import SCRIPTS, script_text
from tests.chaos.resp import read_words

_BY_DIGEST = {
    hashlib.sha1(script_text(each.name).encode(), usedforsecurity=False).hexdigest(): each.name
    for each in SCRIPTS
}
#: Arguments that every script has before its own.
_COMMON = 4
#: They begin with a tenant and a job.
_OF_EXPERIMENTS = frozenset({"attach_plan", "attach_experiment", "record_outcomes",
                             "freeze_verdict", "close_experiment"})  # fmt: skip
_HEAD = re.compile(rb"(GET|POST|PUT|DELETE) (\S+) HTTP/1\.1\r\n")
_REQUEST_ID = re.compile(rb"\r\nX-Request-Id: *(\S+)", re.IGNORECASE)
_SESSION_ID = re.compile(rb"[?&\"/]session_id[=\"]:? ?\"?([\w-]+)")


@dataclass(frozen=True, slots=True)
class Call:
    """A request to the store: a script of ours by its name, or a plain command in lower case.

    `row` is what it is about; a commit goes from `before` to the state of its `change`, a call
    about an experiment to what it comes to by it.
    """

    name: str
    row: str = ""
    fence: str = ""
    before: str = ""
    change: Mapping[str, object] = field(default_factory=dict)

    @property
    def after(self) -> str:
        return str(self.change.get("state", ""))


def read_call(message: bytes) -> Call:
    """What a request to the store asks for."""
    words = read_words(message)
    command = words[0].decode().lower() if words else ""
    name = _script_of(command, words)
    if not name:
        return Call(command)
    args = [each.decode(errors="replace") for each in words[3 + _COMMON :]]
    if name in {"create_job", "tick", "cancel", "resume"}:
        return Call(name)
    call = Call(name, row=args[0], fence=args[1] if len(args) > 1 else "")
    if name == "commit":
        return Call(name, args[0], args[1], before=args[2], change=json.loads(args[5]))
    if name in _OF_EXPERIMENTS:
        return Call(name, f"experiment:{args[1]}", change={"state": _reached(name, args)})
    if name == "record_attempt":
        return Call(name, args[0], args[1], change={"state": args[2], "ended": args[4] == "0"})
    return call


def _reached(name: str, args: list[str]) -> str:
    """What an experiment comes to by a call: begun, looked at, or frozen."""
    if name == "attach_experiment":
        return "begun" if args[4] == "1" else "waiting"
    if name == "freeze_verdict":
        return "frozen" if args[4] else "looked at"
    return ""


def _script_of(command: str, words: list[bytes]) -> str:
    if command == "evalsha":
        return _BY_DIGEST.get(words[1].decode(), "")
    if command == "eval":
        return _BY_DIGEST.get(hashlib.sha1(words[1], usedforsecurity=False).hexdigest(), "")
    return ""


def rung_row(reply: bytes) -> str:
    """The row of a doorbell that a worker has popped; empty when none came."""
    found = re.search(rb'\[\[\\?"([^"\\]+)', reply)
    return found.group(1).decode() if found else ""


def is_refusal(reply: bytes) -> bool:
    """Whether a script said no, or Redis did."""
    return reply.startswith((b"-", b"*1\r\n:-", b"*2\r\n:-"))


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to the backend."""

    method: str
    path: str
    edit_id: str = ""


def read_ask(data: bytes) -> Ask | None:
    """The request that begins with these bytes; None when they go on with an earlier one."""
    head = _HEAD.match(data)
    if head is None:
        return None
    found = _REQUEST_ID.search(data)
    path = head[2].decode(errors="replace").partition("?")[0]
    return Ask(head[1].decode(), path, found[1].decode() if found else "")
