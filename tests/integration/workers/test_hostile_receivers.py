"""Receivers that mean harm: each try ends in time, costs no memory, and delays nobody else.

`-s` shows the figures.
"""

from __future__ import annotations

import json
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cli.interrupt import Interrupt
from service.model.job import CaptionsSpec, ClipSpec, JobSpec, VariantSpec, WebhookSpec
from service.model.rows import delivery_row
from service.store.accounts import AccountStore, Tenant
from service.vault import Vault
from service.webhooks.signing import new_secret
from tests.builders import SRT, a_new_job
from tests.hostile import RETRY_AFTERS, Receivers, hostile
from tests.integration.workers.conftest import SECRET_KEY, Site, wait_for
from tests.receiver import Receiver

EACH, TOLD, PAUSE_S = 2, 50, 0.1
DEADLINE_S, GRACE_S = 2.0, 1.5
RETRY_S, DAY_S = 600, 86_400
GROWTH_MB = 30
HARMFUL, HARMED = "ten_harmful", "ten_harmed"

#: What the answer counts as; all others are no answer at all, which is 0.
STATUSES = {
    "redirects with 300 MB": 302,
    "answers with 300 MB": 200,
    "answers with 300 MB in chunks": 200,
    "is a gzip bomb": 200,
    "sends 103 for ever": 103,
    "breaks off in its body": 200,
    "TLS as it should be": 200,
    **{f"asks to wait: {when}": 429 for when in RETRY_AFTERS},
}
#: When a receiver that asks to wait is tried again; the others as planned.
WAITS_S = {"asks to wait: in 31 years": DAY_S, "asks to wait: in 9999": DAY_S}


@dataclass
class Figures:
    """What was seen: latencies beside a good receiver and beside bad ones, tries of the bad."""

    beside_good_s: list[float]
    beside_bad_s: list[float] = field(default_factory=list)
    growth_mb: float = 0.0
    tries: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    waits_s: dict[str, list[float]] = field(default_factory=dict)

    def print(self) -> None:
        print(f"\n{'receiver':36} {'status':>6} {'longest ms':>10} {'next try s':>10}")
        for name, tries in self.tries.items():
            longest = max(each["duration_ms"] for each in tries)
            waits = max(self.waits_s[name], default=0)
            print(f"{name:36} {tries[0]['status']:6} {longest:10} {waits:10.0f}")
        for name, found in (("good", self.beside_good_s), ("bad", self.beside_bad_s)):
            middle = statistics.median(found) * 1000
            print(
                f"a good receiver beside {name} ones: p50 {middle:.0f} ms, "
                f"max {max(found) * 1000:.0f} ms"
            )
        ratio = statistics.median(self.beside_bad_s) / statistics.median(self.beside_good_s)
        print(f"ratio of p50 {ratio:.1f}; the worker grew by {self.growth_mb:.1f} MB")


class Post:
    """Jobs whose first event goes to an address."""

    def __init__(self, site: Site) -> None:
        self._site = site
        accounts = AccountStore(site.connection)
        for tenant in (HARMFUL, HARMED):
            secret = Vault([SECRET_KEY]).seal(new_secret())
            accounts.create_tenant(Tenant(tenant, "t", f"acc_{tenant}", secret))

    def send(self, tenant: str, url: str) -> str:
        """Accept a job; the row of its first delivery."""
        spec = JobSpec(
            clips=(ClipSpec(url="https://clips.example/a.mp4"),),
            variants=(VariantSpec("A"),),
            captions=CaptionsSpec(SRT, "srt"),
            webhook=WebhookSpec(url),
        )
        new = a_new_job(spec, tenant=tenant, account=f"acc_{tenant}", quota=1000)
        self._site.jobs.create(new, now_ms=self._site.clock.now_ms())
        return delivery_row(new.id, 1, "job")

    def time(self, receiver: Receiver) -> list[float]:
        """Tell one thing after the other; how long each took to arrive."""
        before, sent = len(receiver.received), []
        for _ in range(TOLD):
            sent.append(time.time())
            self.send(HARMED, receiver.url)
            time.sleep(PAUSE_S)
        came = [each.at for each in receiver.wait_for(before + TOLD, 60)[before:]]
        return [at - began for at, began in zip(sorted(came), sent, strict=True)]

    def time_beside(self, receiver: Receiver, urls: Sequence[str]) -> tuple[list[float], list[str]]:
        """The same while as many others are told as these addresses; their rows too."""
        rows: list[str] = []

        def tell() -> None:
            for url in urls:
                rows.append(self.send(HARMFUL, url))
                time.sleep(TOLD * PAUSE_S / len(urls))

        telling = threading.Thread(target=tell)
        telling.start()
        took_s = self.time(receiver)
        telling.join()
        return took_s, rows

    def tries(self, row: str) -> list[dict[str, Any]]:
        doc = self._site.client.hget(f"cab:row:{row}", "doc")
        return list(json.loads(doc).get("attempts", [])) if doc else []

    def wait_s(self, row: str) -> float | None:
        """How long after its last try a row is due again."""
        due = self._site.client.zscore("cab:due", row)
        last = self.tries(row)[-1]
        return due and (due - last["at_ms"] - last["duration_ms"]) / 1000


def memory_kb(pid: int, name: str) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().partition(f"{name}:")[2].split()[0])


def start_worker(site: Site, receivers: Receivers, ports: Sequence[str]) -> int:
    worker = site.plan_worker(
        "hooks",
        CAPTION_AB_WEBHOOK_DEADLINE_S=str(DEADLINE_S),
        CAPTION_AB_WEBHOOK_SCHEDULE_S=f"0,{RETRY_S}",
        CAPTION_AB_WEBHOOK_JITTER="0",
        CAPTION_AB_TICK_EVERY_S="0.2",
        CAPTION_AB_CALLER_LOOPBACK_PORTS=",".join(ports),
    )
    module = "tests.integration.workers.trusting"
    worker.argv = [sys.executable, "-m", module, str(receivers.authority), "hooks"]
    worker.start()
    worker.wait_ready(Interrupt())
    return worker.pid


@pytest.fixture
def figures(site: Site, tmp_path: Path) -> Iterator[Figures]:
    """One good receiver told of things beside another good one, then beside all the bad ones."""
    with hostile(tmp_path) as receivers, Receiver() as good, Receiver() as other:
        post = Post(site)
        pid = start_worker(site, receivers, [*receivers.ports, str(good.port), str(other.port)])
        names = [*receivers.urls] * EACH
        post.time(good)
        seen = Figures(post.time_beside(good, [other.url] * len(names))[0])
        before_kb = memory_kb(pid, "VmRSS")
        Path(f"/proc/{pid}/clear_refs").write_text("5")  # the highest value begins anew
        seen.beside_bad_s, told = post.time_beside(good, [receivers.urls[name] for name in names])
        rows = {
            name: told[index :: len(receivers.urls)] for index, name in enumerate(receivers.urls)
        }
        wait_for(
            lambda: all(post.tries(row) for row in told),
            60,
            lambda: str([name for name, some in rows.items() if not all(map(post.tries, some))]),
        )
        seen.growth_mb = (memory_kb(pid, "VmHWM") - before_kb) / 1000
        seen.tries = {name: [post.tries(row)[0] for row in some] for name, some in rows.items()}
        seen.waits_s = {
            name: [each for row in some if (each := post.wait_s(row)) is not None]
            for name, some in rows.items()
        }
        seen.print()
        yield seen


def test_they_end_in_time_cost_no_memory_and_delay_nobody(figures):
    # Given every kind of bad receiver at once; then each try has ended at its deadline or before,
    longest = {name: max(t["duration_ms"] for t in some) for name, some in figures.tries.items()}
    assert {k: v for k, v in longest.items() if v > (DEADLINE_S + GRACE_S) * 1000} == {}
    # and counts as what it was;
    found = {name: {each["status"] for each in some} for name, some in figures.tries.items()}
    assert found == {name: {STATUSES.get(name, 0)} for name in figures.tries}
    # what failed is tried again as planned, or at most a day later where it was asked for;
    waits = {name: {round(each, -1) for each in some} for name, some in figures.waits_s.items()}
    assert waits == {
        name: set() if STATUSES.get(name) == 200 else {WAITS_S.get(name, RETRY_S)}
        for name in figures.tries
    }
    # the worker's memory is flat, whatever they sent;
    assert figures.growth_mb < GROWTH_MB
    # and the good receiver was told of everything, on time.
    assert len(figures.beside_bad_s) == TOLD
    good, bad = figures.beside_good_s, figures.beside_bad_s
    assert statistics.median(bad) < max(0.5, 3 * statistics.median(good))
    assert max(bad) < max(DEADLINE_S, 3 * max(good))
