"""The experiment of the demo: viewers come, see a variant each, and what they do is counted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.client import Client, Problem
from cli.demo.browsers import ORIGIN, Browsers
from cli.demo.picture import find_browser, take_picture
from cli.demo.viewers import (
    CHANCES,
    VIEWERS,
    Viewing,
    name_units,
    peek,
    plan_experiment,
    tell,
    watch,
)
from cli.experiment import tell_sizing
from cli.interrupt import Interrupt
from cli.outcomes import BATCH
from cli.receiver import Receiver
from cli.terminal import say
from service.experiments.snapshot import read_snapshot
from service.experiments.verdict import decide

#: Viewers whose own browsers ask and report; a service does it for the others.
BROWSERS = 36
#: How often the demo says how it stands, and how often the reader looks who knows no better.
TELL_EVERY, PEEK_EVERY = 2_000, 100
_DECIDED = "experiment.decided"
_TOLD_WITHIN_S = 20.0
_LINK_S = 3600


@dataclass(frozen=True, slots=True)
class Parts:
    """What the demo has running. `watch` looks after the processes."""

    client: Client
    receiver: Receiver
    interrupt: Interrupt
    watch: Callable[[], None]


def perform_experiment(parts: Parts, job_id: str, seed: int, folder: Path) -> bool:
    """The whole of it; what it leaves is in `folder`. Whether a winner was named and told.

    Raises:
        Problem: the API refuses, or cannot be reached.
        Interrupted: the user asked to stop.
    """

    def between() -> None:
        parts.interrupt.check()
        parts.watch()

    client = parts.client
    say("")
    viewings = run_experiment(client, job_id, seed=seed, count=VIEWERS, between=between)
    told = parts.receiver.wait_for(_DECIDED, parts.interrupt.wait, _TOLD_WITHIN_S)
    kept = keep_verdict(client, job_id, folder)
    for line in tell_peeks(viewings, seed):
        say(line)
    say("")
    say(f"Verdict: {kept['sentence']['en']}")
    if not told:
        say(f"No webhook {_DECIDED} came in {_TOLD_WITHIN_S:.0f} s.")
    client.download(f"/v1/jobs/{job_id}/comparison/report.html", folder / "report.html", _pass)
    picture(client, job_id, folder / "page.png")
    return told and kept["state"] == "winner"


def keep_verdict(client: Client, job_id: str, folder: Path) -> dict[str, Any]:
    """Keep the verdict and its snapshot, and see that the one can be made from the other.

    Raises:
        Problem: it cannot, or the API refuses.
    """
    text, snapshot = client.verdict(job_id), client.snapshot(job_id)
    (folder / "verdict.json").write_bytes(text)
    (folder / "snapshot.json").write_bytes(snapshot)
    if decide(read_snapshot(json.loads(snapshot))).as_bytes() != text:
        raise Problem({"detail": "The snapshot gives another verdict than the one that was told."})
    kept: dict[str, Any] = json.loads(text)
    return kept


def picture(client: Client, job_id: str, target: Path) -> None:
    """A picture of the job's page, where there is a browser; else a line that says so."""
    link = client.share(job_id, {"expires_in_s": _LINK_S})["url"]
    browser = find_browser()
    if browser is None:
        say("There is no Chromium on the PATH to take a picture of the page.")
    elif not take_picture(browser, link, target):
        say(f"{browser} took no picture of the page.")


def _pass(_count: int) -> None:
    """Nobody watches the download of one page."""


def run_experiment(
    client: Client, job_id: str, *, seed: int, count: int, between: Callable[[], None]
) -> list[Viewing]:
    """Attach the plan, let all viewers come and report them; what each of them did.

    `between` is called after each request, and may stop it.

    Raises:
        Problem: the API refuses, or does not count something.
    """
    made = client.attach_experiment(job_id, plan_experiment())
    labels = [each["label"] for each in made["plan"]["variants"]]
    say(f"The experiment has begun: {' against '.join(labels)}, by who watches to the end.")
    for line in tell_sizing(made):
        say(line)
    say(f"{count:,} simulated viewers come (seed {seed}):")
    units, chances = list(name_units(count)), dict(zip(labels, CHANCES, strict=True))
    viewings: list[Viewing] = []
    last = ""
    began_s = time.monotonic()

    def show(unit: str, label: str) -> Viewing:
        return watch(seed, unit, label, chances[label])

    for seen in _come(client, job_id, units, show):
        viewings += seen
        between()
        if len(viewings) % TELL_EVERY < len(seen):
            verdict = json.loads(client.verdict(job_id))
            text = f"{verdict['state']}: {verdict['sentence']['en']}"
            say(f"{len(viewings):>10,}  {'as before' if text == last else text}")
            last = text
    outcomes, took_s = sum(len(list(tell(each))) for each in viewings), time.monotonic() - began_s
    say(f"{outcomes:,} outcomes in {took_s:.0f} s; {BROWSERS} viewers reported by their browsers.")
    return viewings


def _come(
    client: Client, job_id: str, units: Sequence[str], show: Callable[[str, str], Viewing]
) -> Iterator[list[Viewing]]:
    """All viewers, some at a time: each is assigned, and then what it did is counted."""
    key = client.create_public_key(job_id, [ORIGIN])["key"]
    browsers = Browsers(client.url, job_id, key)
    yield [_visit(browsers, unit, show) for unit in units[:BROWSERS]]
    for start in range(0, len(units), BATCH):
        assigned = client.assign(job_id, units[max(start, BROWSERS) : start + BATCH])
        seen = [show(each["unit_id"], each["variant"]) for each in assigned]
        items = [item for viewing in seen for item in tell(viewing)]
        for at in range(0, len(items), BATCH):
            _check(client.count_outcomes(job_id, items[at : at + BATCH]))
        yield seen


def _visit(browsers: Browsers, unit: str, show: Callable[[str, str], Viewing]) -> Viewing:
    """One viewer whose own browser asks, shows the video and reports."""
    place = browsers.assign(unit)
    viewing = show(unit, place["variant"])
    items = [{**item, "token": place["token"]} for item in tell(viewing)]
    _check(browsers.beacon(items)["results"])
    return viewing


def _check(results: Sequence[Mapping[str, Any]]) -> None:
    for each in results:
        if each["status"] != "accepted":
            raise Problem({"detail": f"An outcome was not counted: {each}"})


def tell_peeks(viewings: Sequence[Viewing], seed: int) -> Iterator[str]:
    """What a reader would have named who looks every hundred viewers at an ordinary test.

    And what that reader would have named had there been no difference at all: the same dice.
    """
    usual = f"who looks every {PEEK_EVERY} viewers at an ordinary 95 % test"
    first = next((each for each in peek(viewings, PEEK_EVERY) if each.ahead), None)
    if first:
        rates = ", ".join(f"{label} {100 * rate:.1f} %" for label, rate in first.rates.items())
        yield f"A reader {usual} would have named {first.ahead} after {first.viewers:,} ({rates})."
    same = [watch(seed, each.unit_id, each.variant, CHANCES[0]) for each in viewings]
    false = next((each for each in peek(same, PEEK_EVERY) if each.ahead), None)
    if false:
        yield (
            f"Had there been no difference at all, the same reader would have named {false.ahead} "
            f"after {false.viewers:,}: about four in ten such tests end so (docs/statistics.md)."
        )
