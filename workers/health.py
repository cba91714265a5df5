"""Whether a worker works: `python -m workers.health`, for container probes. 0 yes, 1 no.

It reads the heartbeat of the process beside it. When that could not reach Redis for long, this one
tries by itself: a restart helps against a process that has lost its way there, and does harm, with
streams open, when Redis is away for all.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from service.errors import ClockRefused, StoreError, StoreUnavailable
from service.settings import Settings, load_settings
from workers.heartbeat import Beat, read_beat

#: After this long without a sign a worker is taken for dead.
STALE_S = 90.0
#: The clock of Redis' host has jumped: a person decides (docs/operations.md), no restart helps.
_FOR_A_PERSON = ClockRefused.code
_AWAY = StoreUnavailable.code


def judge(beat: Beat, now_s: float, store_answers: Callable[[], bool]) -> str:
    """Why the worker should be restarted; empty when it should not."""
    if beat.drains_until_s:
        late_s = now_s - beat.drains_until_s
        return f"its drain should have ended {late_s:.0f} s ago" if late_s > STALE_S else ""
    if now_s - beat.looped_s > STALE_S:
        return f"its loop has stood for {now_s - beat.looped_s:.0f} s"
    if beat.idle_since_s and now_s - beat.idle_since_s > STALE_S:
        return f"work waits and it has taken none for {now_s - beat.idle_since_s:.0f} s"
    silent_s = now_s - beat.ticked_s
    if silent_s <= STALE_S or beat.trouble == _FOR_A_PERSON:
        return ""
    if beat.trouble == _AWAY and not store_answers():
        return ""
    return f"it has not reached Redis for {silent_s:.0f} s ({beat.trouble})"


def ask_store(settings: Settings) -> bool:
    """Whether Redis answers a process that has just started."""
    from service.store.connection import translated
    from service.store.pool import connect

    client = connect(settings, connections=1, name="caption-ab-health")
    try:
        with translated():
            return bool(client.ping())
    except StoreError:
        return False
    finally:
        client.close()


def is_starting(path: Path, starting_s: float) -> bool:
    """Whether the folder for a heartbeat was made so lately that its worker may still be starting.

    Only for a folder that each start makes anew, and that holds nothing else.
    """
    try:
        return not path.exists() and time.time() - path.parent.stat().st_mtime < starting_s
    except OSError:
        return False


def main(argv: Sequence[str] = ()) -> int:
    """Say what is wrong, if anything."""
    parser = argparse.ArgumentParser(prog="python -m workers.health", description=__doc__)
    parser.add_argument(
        "--starting-s",
        type=float,
        default=0.0,
        help="for so long after its folder was made, a missing heartbeat is no fault",
    )
    options = parser.parse_args(argv)
    settings = load_settings()
    path = Path(settings.beat_file)
    try:
        beat = read_beat(path.read_text("ascii"))
    except (OSError, ValueError):
        if settings.beat_file and is_starting(path, options.starting_s):
            return 0
        why = f"there is no heartbeat in {settings.beat_file or 'CAPTION_AB_BEAT_FILE'}"
    else:
        why = judge(beat, time.monotonic(), lambda: ask_store(settings))
    if why:
        print(f"unhealthy: {why}", file=sys.stderr)  # noqa: T201  what a probe shows
    return 1 if why else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
