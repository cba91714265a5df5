"""Who watches the variants of a job: reports outcomes, and keeps a list of what was answered."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any

from cli.client import Client
from tests.chaos.customer import insist

LABELS = "AB"
#: A viewer who watches for longer counts as one who did so long.
MOST_WATCHED = 3000
_FINAL = frozenset({"winner", "no_difference", "inconclusive", "invalid_srm", "invalid_data"})
_BEGIN_MOST_S, _PAUSE_S = 120.0, 0.1
#: More outcomes than one command takes, so that a batch may be counted by half.
_VIEWERS = 160
_RATES = {"A": 0.1, "B": 0.1}


class Taste(StrEnum):
    """What an audience does, and so what comes of its experiment."""

    CLEAR = "clear"  #: it clicks far more in B
    EVEN = "even"  #: it clicks as often in both
    SKEWED = "skewed"  #: three of four see A
    ABSENT = "absent"  #: nobody comes


#: The state that each comes to, where its outcomes are counted as they were sent.
ENDS: Mapping[Taste, str] = {
    Taste.CLEAR: "winner",
    Taste.EVEN: "inconclusive",
    Taste.SKEWED: "invalid_srm",
    Taste.ABSENT: "inconclusive",
}


def a_plan(*, least_s: int, most_s: int) -> dict[str, Any]:
    """A plan whose verdict comes between two times, in whole seconds."""
    return {
        "primary": {"name": "clicks", "kind": "proportion"},
        "secondary": [{"name": "watch", "kind": "mean", "most": MOST_WATCHED}],
        "min_runtime_s": least_s,
        "max_runtime_s": most_s,
        "rope": 0.0,
    }


@dataclass(frozen=True, slots=True)
class Answered:
    """An outcome, what the API said of it, and when, in milliseconds of Unix time."""

    item: Mapping[str, Any]
    said: str
    at_ms: int


@dataclass
class Crowd:
    """The audience of one experiment. `answered` has an outcome once for each answer to it."""

    client: Client
    job_id: str
    taste: Taste
    dice: Random
    answered: list[Answered] = field(default_factory=list)
    #: Each final verdict that was shown, in its bytes.
    shown: set[bytes] = field(default_factory=set)
    retried: int = 0
    _sent: list[Sequence[Mapping[str, Any]]] = field(default_factory=list)

    def await_begin(self) -> bool:
        """Wait until outcomes may be sent; false where the job has no videos to show.

        Raises:
            AssertionError: it did not begin in two minutes.
        """
        until_s = time.monotonic() + _BEGIN_MOST_S
        while True:
            status = self._insist(lambda: self.client.experiment(self.job_id))["status"]
            if status != "waiting":
                return bool(status in {"running", "decided"})
            assert time.monotonic() < until_s, f"the experiment of {self.job_id} does not begin"
            time.sleep(_PAUSE_S)

    def send_batch(self) -> None:
        """Send a batch of viewers until it is answered, and sometimes once more."""
        if self.taste is Taste.ABSENT:
            return
        self._send(self._viewers(len(self._sent)))
        if self.dice.random() < 0.3:
            self._send(self.dice.choice(self._sent))

    def send_figures(self, revision: int) -> None:
        """Send what a dashboard counts of each variant, more with each revision, and a batch."""
        if self.taste is not Taste.EVEN:
            return
        items: list[dict[str, Any]] = []
        for label in LABELS:  # in one request: a look between the two would see wrong shares
            units = 100 * revision
            metrics = {"clicks": {"s": units // 10}}
            figures = {"variant": label, "units": units, "metrics": metrics, "per": "viewer"}
            items.append({**figures, "source": "board", "revision": revision})
            items.append({**figures, "batch_id": f"batch-{label}-{revision}"})
        self._insist_on(items)

    def ask(self) -> None:
        """Look at the verdict, as often as one likes."""
        text = self._insist(lambda: self.client.verdict(self.job_id))
        if json.loads(text)["state"] in _FINAL:
            self.shown.add(text)

    def _send(self, items: Sequence[Mapping[str, Any]]) -> None:
        self._sent.append(items)
        self._insist_on(items)

    def _insist_on(self, items: Sequence[Mapping[str, Any]]) -> None:
        results = self._insist(lambda: self.client.count_outcomes(self.job_id, items))
        at_ms = int(time.time() * 1000)
        said = [each.get("reason") or each["status"] for each in results]
        self.answered += [
            Answered(item, word, at_ms) for item, word in zip(items, said, strict=True)
        ]

    def _viewers(self, number: int) -> list[dict[str, Any]]:
        rates = {**_RATES, "B": 0.4} if self.taste is Taste.CLEAR else _RATES
        found: list[dict[str, Any]] = []
        for each in range(_VIEWERS):
            unit = f"viewer-{number}-{each}"
            skewed = self.taste is Taste.SKEWED and each % 4 == 1
            label = "A" if skewed else LABELS[each % 2]
            seen = {"unit_id": unit, "variant": label}
            found.append({**seen, "event_id": f"{unit}.seen"})
            watched = self.dice.randrange(1, MOST_WATCHED)
            found.append({**seen, "event_id": f"{unit}.watch", "metric": "watch", "value": watched})
            if each % 20 // 2 < rates[label] * 10:
                found.append({**seen, "event_id": f"{unit}.click", "metric": "clicks"})
        return found

    def _insist(self, ask: Any) -> Any:
        def again() -> None:
            self.retried += 1

        return insist(ask, again)
