"""Does any process grow? A steady trickle of jobs, and a look at every process each 5 seconds.

    python -m tests.soak [--minutes 10] [--every-s 2.5] [--keep FOLDER]

Real processes on this machine (Linux): Valkey, API, two flow workers, transfer, hooks, media, the
sandbox, which copies instead of burning, and a webhook receiver. Durations are those of the chaos
suite at scale 1; jobs, uploads and keys are kept for 45 s, so that they come and go. Exit code 1
when something is not flat, when a job did not end as it must, or when a process has ended.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.children import free_port
from tests.chaos.fleet import API, WORKERS, Fleet, Plan
from tests.clips import make_small_clip
from tests.soak.diary import EVERY_S, Diary
from tests.soak.flat import FEWEST, TOLERANCES, WARM_UP, Measure, judge_size
from tests.soak.trickle import ClipServer, Inbox, Trickle

KEPT_S = 45
#: Who is not judged by a measure: the sandbox never forgets, so that its books are whole, and has a
#: thread for each request of the moment; what is resident or shared depends on others.
_NOT_JUDGED = {("sandbox", Measure.OWN), ("sandbox", Measure.THREADS)}
_NEVER_JUDGED = {Measure.RESIDENT, Measure.SHARED}


def main() -> int:
    options = _parse()
    with tempfile.TemporaryDirectory(prefix="cab-") as name:
        folder = Path(name)
        try:
            return _run(folder, options)
        finally:
            if options.keep:
                shutil.copytree(folder / "run" / "logs", options.keep / "logs", dirs_exist_ok=True)


def _run(folder: Path, options: argparse.Namespace) -> int:
    clip = make_small_clip(folder / "small.mp4")
    metrics = {name: free_port() for name in (*WORKERS, API)}
    with Inbox() as inbox, _serving(clip) as clips:
        own = _settings(folder, metrics, (inbox.port, clips.port))
        with Fleet(Plan(folder / "run", inbox.port, own_env=own)) as fleet:
            trickle = Trickle(
                fleet.url, fleet.key["api_key"], inbox, clips, clip, every_s=options.every_s
            )
            with Diary(fleet, metrics, lambda: trickle.sent) as diary:
                trickle.run(options.minutes * 60)
            faults = [*trickle.faults, *diary.faults, *fleet.journal.deaths]
            told, sent = inbox.ends_told(), trickle.sent
            if told < sent:
                faults.append(f"{sent} jobs were sent, and the end of {told} was told")
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
        diary.keep(options.keep / "samples.csv")
    grown = _report(diary)
    print(f"\n{sent} jobs in {options.minutes:g} minutes: {dict(trickle.outcomes)}")
    print(f"webhooks: {inbox.counts.total()}, of which {told} told the end of a job")
    for each in faults[:20]:
        print(f"FAULT {each}")
    print(f"{grown} sizes grow, {len(faults)} faults")
    return 1 if grown or faults else 0


def _settings(
    folder: Path, metrics: dict[str, int], open_ports: tuple[int, ...]
) -> dict[str, dict[str, str]]:
    """What is set beside the durations of the chaos suite, for each process."""
    told = folder / "run" / "metrics"
    told.mkdir(parents=True)
    common = {
        "CAPTION_AB_JOB_TTL_S": str(KEPT_S),
        "CAPTION_AB_UPLOAD_TTL_S": str(KEPT_S),
        "CAPTION_AB_IDEMPOTENCY_TTL_S": str(KEPT_S),
        # What is kept of a paid call outlives its job by as long as a person may take.
        "CAPTION_AB_ACTION_REQUIRED_S": str(KEPT_S),
        "CAPTION_AB_SWEEP_EVERY_S": "5",
        "CAPTION_AB_ORPHANS_EVERY_S": "30",
        "CAPTION_AB_METRICS_FOLDER": str(told),
        "CAPTION_AB_CALLER_LOOPBACK_PORTS": ",".join(map(str, open_ports)),
    }
    return {
        name: {**common, "CAPTION_AB_METRICS_PORT": str(port)} for name, port in metrics.items()
    }


def _report(diary: Diary) -> int:
    """Print a line for each size; how many of those that are judged have grown."""
    grown = 0
    print(
        f"\nMedians of the thirds after the first {WARM_UP:.0%}; flat: the last is above the "
        "middle by no more than\n"
        + "; ".join(
            f"{what}: {each.share:.0%} or {each.amount:g}"
            for what, each in TOLERANCES.items()
            if what not in _NEVER_JUDGED
        )
        + ".\n"
    )
    head = ("", "", "first", "middle", "last", "per 1,000 jobs")
    print("{:15} {:12} {:>8} {:>8} {:>8} {:>15}".format(*head))
    for (who, what), samples in diary.series.items():
        verdict = judge_size(samples, TOLERANCES[what])
        judged = what not in _NEVER_JUDGED and (who, what) not in _NOT_JUDGED
        grown += judged and not verdict.flat
        word = ("flat" if verdict.flat else "GROWS") if judged else "(not judged)"
        print(
            f"{who:15} {what:12} {verdict.first:8.1f} {verdict.middle:8.1f} "
            f"{verdict.last:8.1f} {verdict.per_1000_jobs:+15.1f}  {word}"
        )
    return grown


@contextmanager
def _serving(clip: Path) -> Iterator[ClipServer]:
    server = ClipServer(clip)
    try:
        yield server
    finally:
        server.close()


def _parse() -> argparse.Namespace:
    fewest_minutes = EVERY_S * (3 * FEWEST + 1) / (1 - WARM_UP) / 60
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--every-s", type=float, default=2.5, help="one job each so many seconds")
    parser.add_argument("--keep", type=Path, help="folder for the samples and the logs")
    options = parser.parse_args()
    if options.minutes < fewest_minutes:
        parser.error(f"{fewest_minutes:.1f} minutes at least, or there is nothing to compare")
    return options


if __name__ == "__main__":
    sys.exit(main())
