"""The store's commands as data: names, arguments and refusals, and the text of each script.

A script's header states the same; a test compares them. Scripts are composed from `lua/<name>.lua`
and the fragments it includes, once per process.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from importlib.resources import files

_LUA = files("service.store") / "lua"
_INCLUDE = re.compile(r"^-- @include (.+)$", re.MULTILINE)

#: Arguments that every command starts with.
COMMON = ("prefix", "now_ms", "back_ms", "ahead_ms")


class Refusal(IntEnum):
    """Why a command said no. Python never reads Redis again to find out."""

    HELD = -1
    NOT_YET = -2
    WAITING = -3
    GONE = -4
    ENDED = -5
    FENCED = -6
    STATE = -7
    CREDITS = -8
    CLOCK = -9
    KEY_REUSED = -10
    UPLOAD_GONE = -11
    QUOTA = -12
    LIMIT = -13
    FULL = -14
    RATE = -15
    KEY_JOBS = -16
    KEY_CREDITS = -17


@dataclass(frozen=True, slots=True)
class Script:
    """One command: one atomic write."""

    name: str
    args: tuple[str, ...]
    refusals: tuple[Refusal, ...]
    keys: tuple[str, ...] = ()


_HOLDER = (Refusal.GONE, Refusal.ENDED, Refusal.FENCED)


def _script(name: str, *args: str, refuses: tuple[Refusal, ...] = ()) -> Script:
    return Script(name, (*COMMON, *args), tuple(sorted((*refuses, Refusal.CLOCK), reverse=True)))


CREATE_JOB = _script(
    "create_job",
    *("tenant", "job", "idempotency_key", "fingerprint", "idempotency_ttl_ms"),
    *("quota", "account", "change"),
    refuses=(
        *(Refusal.KEY_REUSED, Refusal.UPLOAD_GONE, Refusal.QUOTA, Refusal.FULL),
        *(Refusal.RATE, Refusal.KEY_JOBS, Refusal.KEY_CREDITS),
    ),
)
ADD_CUT = _script(
    "add_cut",
    *("tenant", "job", "idempotency_key", "fingerprint", "idempotency_ttl_ms"),
    *("clip", "label", "most", "change"),
    refuses=(
        *(Refusal.GONE, Refusal.STATE, Refusal.KEY_REUSED, Refusal.QUOTA, Refusal.FULL),
        Refusal.KEY_CREDITS,
    ),
)
TICK = _script("tick", "limit", "ring_ms", "ring_max_ms", "worker", "room_until_ms", "rooms")
CLAIM = _script(
    "claim",
    *("row", "owner", "lease_ms", "grace_ms", "look_ms", "slots", "tenant_slots"),
    refuses=(Refusal.HELD, Refusal.NOT_YET, Refusal.WAITING, Refusal.GONE, Refusal.ENDED),
)
EXTEND = _script("extend", "row", "fence", "lease_ms", "grace_ms", refuses=_HOLDER)
RELEASE = _script("release", "row", "fence", refuses=_HOLDER)
COMMIT = _script(
    "commit",
    *("row", "fence", "expected_state", "lease_ms", "grace_ms", "change"),
    refuses=(*_HOLDER, Refusal.STATE),
)
EVIDENCE = _script("evidence", "row", "edit", "kind", "body", "ttl_ms")
RESERVE = _script(
    "reserve",
    *("row", "fence", "scope", "amount", "total", "mark", "limit"),
    refuses=(*_HOLDER, Refusal.CREDITS, Refusal.LIMIT),
)
SETTLE = _script(
    "settle", "row", "fence", "edit", "total", "most", "confirmed", "mark", refuses=_HOLDER
)
FINISH = _script(
    "finish", "row", "fence", "status", "result", "event", refuses=(*_HOLDER, Refusal.STATE)
)
CANCEL = _script("cancel", "job", "event", refuses=(Refusal.GONE, Refusal.STATE))
RESUME = _script("resume", "job", "event", refuses=(Refusal.GONE, Refusal.STATE))
NOTE = _script("note", "row", "fence", "event", refuses=_HOLDER)
FAN_OUT = _script("fan_out", "row", "fence", "deliveries", "log_ms", "log_most", refuses=_HOLDER)
RECORD_ATTEMPT = _script(
    "record_attempt",
    *("row", "fence", "state", "doc", "next_ms", "kept_ms", "health"),
    refuses=_HOLDER,
)
CREATE_ENDPOINT = _script(
    "create_endpoint",
    *("tenant", "endpoint", "most", "fields"),
    refuses=(Refusal.QUOTA, Refusal.FULL),
)
CHANGE_ENDPOINT = _script(
    "change_endpoint", "tenant", "endpoint", "fields", refuses=(Refusal.GONE,)
)
DROP_ENDPOINT = _script("drop_endpoint", "tenant", "endpoint", refuses=(Refusal.GONE,))
ROTATE_SECRET = _script(
    "rotate_secret",
    *("tenant", "endpoint", "secret", "overlap_ms", "most"),
    refuses=(Refusal.GONE, Refusal.LIMIT),
)
SEND_TEST = _script(
    "send_test",
    *("tenant", "endpoint", "row", "doc", "log_ms", "log_most", "origin"),
    refuses=(Refusal.GONE, Refusal.STATE, Refusal.FULL),
)
REPLAY = _script("replay", "tenant", "endpoint", "row", refuses=(Refusal.GONE, Refusal.STATE))
BEGIN_REPLY = _script(
    "begin_reply",
    *("tenant", "digest", "fingerprint", "turn", "lock_ms"),
    refuses=(Refusal.WAITING, Refusal.KEY_REUSED, Refusal.FULL),
)
PUT_REPLY = _script("put_reply", "tenant", "digest", "turn", "answer", "ttl_ms")
TAKE_TOKEN = _script(
    "take_token", "account", "least_ms", "lock_ms", refuses=(Refusal.WAITING, Refusal.GONE)
)
PUT_TOKEN = _script(
    "put_token", "account", "fence", "change", "next_ms", refuses=(Refusal.GONE, Refusal.FENCED)
)
DROP_TOKEN = _script("drop_token", "account", "hash", refuses=(Refusal.GONE,))

RESUME_UPLOAD = _script(
    "resume_upload",
    *("upload", "tenant", "offset", "join_ms"),
    refuses=(Refusal.HELD, Refusal.GONE, Refusal.STATE),
)
APPEND_PART = _script(
    "append_part",
    *("upload", "fence", "part", "size", "most", "ttl_ms"),
    refuses=(Refusal.GONE, Refusal.FENCED, Refusal.LIMIT),
)
COMPLETE_UPLOAD = _script(
    "complete_upload",
    *("upload", "fence", "file", "size", "sha256", "kind", "ttl_ms"),
    refuses=(Refusal.GONE, Refusal.FENCED),
)
TOUCH_KEY = _script("touch_key", "digest", "every_ms", refuses=(Refusal.GONE,))
REVOKE_KEY = _script("revoke_key", "id", "listed_ms", refuses=(Refusal.GONE,))
ROTATE_KEY = _script(
    "rotate_key",
    *("tenant", "old", "new", "digest", "until_ms", "listed_ms", "fields"),
    refuses=(Refusal.GONE, Refusal.STATE),
)

RETIRE = _script("retire", "limit", "remember_ms", "uncounted_ms")
DELETE_JOB = _script(
    "delete_job",
    *("tenant", "job", "remember_ms", "uncounted_ms", "force"),
    refuses=(Refusal.GONE, Refusal.STATE),
)
WARN = _script("warn", "job", "expires_ms", "event")

CREATE_SHARE = _script(
    "create_share",
    *("tenant", "job", "share", "most", "doc"),
    refuses=(Refusal.GONE, Refusal.QUOTA, Refusal.FULL),
)
REVOKE_SHARE = _script("revoke_share", "tenant", "job", "share", refuses=(Refusal.GONE,))
ADD_PREFERENCE = _script(
    "add_preference",
    *("tenant", "job", "share", "most", "doc"),
    refuses=(Refusal.GONE, Refusal.FULL),
)

ATTACH_PLAN = _script(
    "attach_plan",
    *("tenant", "job", "plan", "digest"),
    refuses=(Refusal.GONE, Refusal.STATE, Refusal.FULL),
)
BEGIN_PLAN = _script("begin_plan", "tenant", "job", refuses=(Refusal.GONE, Refusal.STATE))
CLOSE_EXPERIMENT = _script(
    "close_experiment",
    *("tenant", "job", "state", "keep_ms", "event"),
    refuses=(Refusal.GONE, Refusal.STATE),
)
CREATE_PUBLIC_KEY = _script(
    "create_public_key",
    *("tenant", "job", "key", "most", "fields"),
    refuses=(Refusal.GONE, Refusal.QUOTA, Refusal.FULL),
)
REVOKE_PUBLIC_KEY = _script("revoke_public_key", "tenant", "job", "key", refuses=(Refusal.GONE,))

ATTACH_EXPERIMENT = _script(
    "attach_experiment",
    *("tenant", "job", "plan", "digest", "begin", "shown"),
    refuses=(Refusal.GONE, Refusal.STATE, Refusal.FULL),
)
RECORD_OUTCOMES = _script(
    "record_outcomes",
    *("tenant", "job", "digest", "metrics", "most", "tenant_most", "items"),
    refuses=(Refusal.GONE, Refusal.STATE, Refusal.FULL),
)
FREEZE_VERDICT = _script(
    "freeze_verdict",
    *("tenant", "job", "least", "snapshot", "verdict", "point", "most_points"),
    refuses=(Refusal.GONE, Refusal.STATE),
)
DROP_EXPERIMENT = _script("drop_experiment", "job")

SCRIPTS: tuple[Script, ...] = (
    CREATE_JOB,
    ADD_CUT,
    TICK,
    CLAIM,
    EXTEND,
    RELEASE,
    COMMIT,
    EVIDENCE,
    RESERVE,
    SETTLE,
    FINISH,
    CANCEL,
    RESUME,
    NOTE,
    FAN_OUT,
    RECORD_ATTEMPT,
    CREATE_ENDPOINT,
    CHANGE_ENDPOINT,
    DROP_ENDPOINT,
    ROTATE_SECRET,
    SEND_TEST,
    REPLAY,
    BEGIN_REPLY,
    PUT_REPLY,
    TAKE_TOKEN,
    PUT_TOKEN,
    DROP_TOKEN,
    RESUME_UPLOAD,
    APPEND_PART,
    COMPLETE_UPLOAD,
    TOUCH_KEY,
    REVOKE_KEY,
    ROTATE_KEY,
    RETIRE,
    DELETE_JOB,
    WARN,
    CREATE_SHARE,
    REVOKE_SHARE,
    ADD_PREFERENCE,
    ATTACH_PLAN,
    BEGIN_PLAN,
    CLOSE_EXPERIMENT,
    CREATE_PUBLIC_KEY,
    REVOKE_PUBLIC_KEY,
    ATTACH_EXPERIMENT,
    RECORD_OUTCOMES,
    FREEZE_VERDICT,
    DROP_EXPERIMENT,
)


@cache
def script_text(name: str) -> str:
    """The whole text of a command, its includes first."""
    body = (_LUA / f"{name}.lua").read_text(encoding="utf-8")
    found = _INCLUDE.search(body)
    parts = found.group(1).split() if found else []
    fragments = [(_LUA / "include" / f"{each}.lua").read_text(encoding="utf-8") for each in parts]
    doorbell = (files("service.store") / "doorbell.json").read_text(encoding="utf-8").strip()
    return "\n".join([*fragments, body]).replace("@doorbell@", doorbell)
