"""Looks over a machine and its configuration: `python -m workers.doctor`, one JSON line a check.

It spends nothing, issues no token and changes nothing, save that an empty folder of files gets its
id, as at any start. `caption-ab doctor` prints it.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from service.errors import BackendError, CaptionAbError, StoreError, StoreUnavailable
from service.jobs.context import Services
from service.media.ffmpeg import check_ffmpeg, find_ffmpeg
from service.nemo.errors import BackendUnavailable
from service.settings import Settings, load_settings
from service.store.connection import Connection
from service.store.identity import check_known
from service.store.look import find_sealed, look_around
from service.store.policy import COUNTING, check_policy
from service.wiring import build_services
from workers.checks import check_sizes

_FAR_S = 2.0
_LATE_S = 60.0
_REDIS_PORT = 6379
_LEAST_FREE = 0.05
#: Shares of Redis' `maxmemory`: from the second on it takes nothing new (`include/full.lua`).
_MUCH_USED, _FULL = 0.75, 0.9


class Verdict(StrEnum):
    """What a check found."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was found, and what to do where it is not well."""

    name: str
    verdict: Verdict
    text: str
    hint: str = ""


def examine() -> Iterator[Finding]:
    """All checks, in the order in which they depend on each other."""
    try:
        settings = load_settings()
        check_sizes(settings)
        parts = build_services(settings, name="doctor", connections=2)
    except CaptionAbError as error:
        yield _failed("configuration", error)
        return
    yield Finding("configuration", Verdict.OK, f"{len(settings.secret_keys)} secret key(s)")
    yield _pepper(settings)
    away = False
    for name, look in _CHECKS:
        if away and look in _OF_REDIS:
            yield Finding(name, Verdict.WARN, "not looked at without Redis")
            continue
        try:
            yield from look(name, parts)
        except StoreUnavailable as error:
            away = True
            yield _away(name, error, settings)
        except CaptionAbError as error:
            yield _failed(name, error)


def _pepper(settings: Settings) -> Finding:
    if settings.key_pepper:
        return Finding("key pepper", Verdict.OK, "set")
    hint = "Set CAPTION_AB_KEY_PEPPER before the first key is made; later it makes them invalid."
    return Finding("key pepper", Verdict.WARN, "none: hashes of API keys are not peppered", hint)


def _redis(name: str, parts: Services) -> Iterator[Finding]:
    policy = check_policy(parts.connection, parts.settings)
    if not policy.checked:
        text = "answers; its persistence is not checked (CAPTION_AB_REDIS_POLICY=stated)"
        yield Finding(name, Verdict.WARN, text, "See that it has appendfsync always yourself.")
    elif policy.durable:
        yield Finding(name, Verdict.OK, "answers; every write is on its disk before the reply")
    else:
        hint = "Set appendfsync always for the promise of docs/operations.md."
        yield Finding(name, Verdict.WARN, f"appendfsync {policy.appendfsync}", hint)
    yield from _memory(name, parts.connection, "new jobs and messages are refused")


def _memory(name: str, connection: Connection, refused: str) -> Iterator[Finding]:
    """What is used of `maxmemory`, where there is one; `refused` is what is from nine tenths on."""
    told = connection.read(lambda client: client.info("memory"))
    used, most = int(told["used_memory"]), int(told.get("maxmemory", 0))
    if most and used > _MUCH_USED * most:
        full = used > _FULL * most
        text = f"{used / 1e6:.0f} of {most / 1e6:.0f} MB used" + (f": {refused}" if full else "")
        yield Finding(name, Verdict.FAIL if full else Verdict.WARN, text, "Raise maxmemory.")


def _counting(name: str, parts: Services) -> Iterator[Finding]:
    counting = parts.experiments.connection
    is_apart = counting is not parts.connection
    where = _place(parts.settings.experiments_redis_url or parts.settings.redis_url)
    try:
        if is_apart:
            check_policy(counting, parts.settings, COUNTING)
        check_known(counting, parts.connection)
    except StoreUnavailable as error:
        hint = (
            "See CAPTION_AB_EXPERIMENTS_REDIS_URL, and CaptionAbCountingAway in "
            "docs/operations.md. Jobs go on; outcomes are answered with 503."
        )
        yield Finding(name, Verdict.FAIL, f"{where}: {error.detail}", hint)
    else:
        if is_apart:
            yield Finding(name, Verdict.OK, f"{where} answers")
            yield from _memory(name, counting, "outcomes are answered with 503")


def _clock(name: str, parts: Services) -> Iterator[Finding]:
    seen = look_around(parts.connection)
    apart_s = (seen.server_ms - time.time_ns() // 1_000_000) / 1000
    verdict = Verdict.OK if abs(apart_s) < _FAR_S else Verdict.WARN
    hint = "" if verdict is Verdict.OK else "Set the clocks: logs and tokens go by this machine's."
    yield Finding(name, verdict, f"Redis is {apart_s:+.1f} s from this machine", hint)
    ahead_s = (seen.highest_ms - seen.server_ms) / 1000
    if seen.highest_ms and ahead_s > parts.settings.clock_back_s:
        text = f"Redis' clock is {ahead_s:.0f} s behind the time that it has seen: no row is taken"
        yield Finding(name, Verdict.FAIL, text, "See docs/operations.md, 'Clock'.")


def _workers(name: str, parts: Services) -> Iterator[Finding]:
    seen = look_around(parts.connection)
    for queue, look in seen.queues.items():
        text = f"{queue}: {look.workers} worker(s), {look.room} free places, {look.length} bells"
        hint = "" if look.workers else f"Start one: python -m workers {queue}"
        yield Finding(name, Verdict.OK if look.workers else Verdict.WARN, text, hint)
    late_s = seen.late_ms / 1000
    verdict = Verdict.OK if late_s < _LATE_S else Verdict.WARN
    hint = "" if verdict is Verdict.OK else "See CaptionAbQueueLate in docs/operations.md."
    yield Finding(name, verdict, f"the latest due row has waited {late_s:.0f} s", hint)


def _secrets(name: str, parts: Services) -> Iterator[Finding]:
    found = find_sealed(parts.connection)
    number = len(found.texts)
    if not found.whole:
        yield Finding(name, Verdict.OK, f"the store is large: {number} secrets are tried, not all")
    shut = [error for error in (_why_shut(parts, text) for text in found.texts) if error]
    if shut:
        text = f"{len(shut)} of {number} stored secrets cannot be decrypted"
        yield Finding(name, Verdict.FAIL, text, shut[0].hint_text)
    else:
        text = f"open all {number} stored secrets" if number else "nothing is sealed yet"
        yield Finding(name, Verdict.OK, text)


def _why_shut(parts: Services, sealed: str) -> StoreError | None:
    try:
        parts.vault.open(sealed)
    except StoreError as error:
        return error
    return None


def _files(name: str, parts: Services) -> Iterator[Finding]:
    shared = look_around(parts.connection).store_id
    own = parts.files.store_id()
    if shared and shared != own:
        text = f"this store of files ({own[:8]}...) is not that of the others ({shared[:8]}...)"
        yield Finding(name, Verdict.FAIL, text, "Mount the same folder everywhere.")
        return
    yield Finding(name, Verdict.OK, f"store id {own[:8]}..., {'shared' if shared else 'the first'}")


def _disk(name: str, parts: Services) -> Iterator[Finding]:
    folder = Path(parts.settings.files)
    if folder.is_dir():
        usage = shutil.disk_usage(folder)
        yield judge_room(name, usage.free, usage.total)


def judge_room(name: str, free_bytes: int, total_bytes: int) -> Finding:
    """What is said of the room on a disk. Pure."""
    full = free_bytes < _LEAST_FREE * total_bytes
    hint = "Free space: accepted jobs need room for their videos." if full else ""
    return Finding(
        name, Verdict.WARN if full else Verdict.OK, f"{free_bytes / 1e9:.1f} GB free", hint
    )


def _ffmpeg(name: str, parts: Services) -> Iterator[Finding]:
    if not parts.settings.ffmpeg and find_spec("imageio_ffmpeg") is None:
        yield Finding(name, Verdict.OK, "none here; only media workers and the sandbox need it")
        return
    info = check_ffmpeg(find_ffmpeg(parts.settings.ffmpeg))
    words = info.version.split()
    yield Finding(name, Verdict.OK, f"{' '.join(words[:3])} with libass and libx264")


def _backend(name: str, parts: Services) -> Iterator[Finding]:
    """Ask for the balance: with no token a refusal is the answer that shows that it is there."""
    url, token = parts.settings.nemo_api_url, parts.settings.nemo_token
    try:
        balance = parts.nemo.credits(token)
    except BackendUnavailable as error:
        hint = "Look at the way there: DNS, firewall, NEMO_API_URL in docs/settings.md."
        yield Finding(name, Verdict.FAIL, f"{url}: {error.detail}", hint)
        return
    except BackendError as error:
        if token:
            yield Finding(name, Verdict.FAIL, f"{url}: {error.detail}", error.hint_text)
        else:
            yield Finding(name, Verdict.OK, f"{url} answers; no NEMO_TOKEN to ask more with")
        return
    yield Finding(name, Verdict.OK, f"{url} answers; {balance.total} credits on NEMO_TOKEN")


_CHECKS: tuple[tuple[str, Callable[[str, Services], Iterator[Finding]]], ...] = (
    ("redis", _redis),
    ("experiments redis", _counting),
    ("clock", _clock),
    ("workers", _workers),
    ("secret keys", _secrets),
    ("files", _files),
    ("disk", _disk),
    ("ffmpeg", _ffmpeg),
    ("backend", _backend),
)


_OF_REDIS = {_redis, _counting, _clock, _workers, _secrets, _files}


def _away(name: str, error: StoreUnavailable, settings: Settings) -> Finding:
    """The error's own hint is for callers of the API; of the address no password is shown."""
    where = _place(settings.redis_url)
    hint = (
        "See that Redis runs there, takes writes, and is reached from here; if it is elsewhere, "
        "set CAPTION_AB_REDIS_URL. Then examine again."
    )
    return Finding(name, Verdict.FAIL, f"{where}: {error.detail}", hint)


def _place(url: str) -> str:
    """Where an address of Redis leads, without its password."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or _REDIS_PORT}" if parts.hostname else parts.path


def _failed(name: str, error: CaptionAbError) -> Finding:
    return Finding(name, Verdict.FAIL, error.detail, error.hint_text)


def main() -> int:
    """Print every finding as a line of JSON; 1 when one is a failure."""
    failed = False
    for finding in examine():
        print(json.dumps(asdict(finding)), flush=True)  # noqa: T201  a command's answer
        failed |= finding.verdict is Verdict.FAIL
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
