"""Experiments under way: jobs with plans, and the audience of each in a thread of its own."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from random import Random
from typing import Any

from cli.client import Client
from tests.chaos.crowd import Crowd, Taste, a_plan
from tests.chaos.customer import insist
from tests.chaos.fleet import API, WORKERS
from tests.chaos.run import Run

#: For how long jobs are kept after their experiments.
KEEP_S = 3600.0
#: Jobs would be gone long before the end of a run if their experiments did not hold them.
_TTL_S = 12.0


def apart(*, ttl_s: float = _TTL_S, keep_s: float = KEEP_S) -> dict[str, Any]:
    """What a run with experiments wants to be otherwise: how long jobs are kept, and its stores."""
    env = {
        "CAPTION_AB_JOB_TTL_S": f"{ttl_s:g}",
        "CAPTION_AB_SWEEP_EVERY_S": "0.5",
        "CAPTION_AB_EXPERIMENT_KEEP_S": f"{keep_s:g}",
    }
    return {"counts_apart": True, "own_env": dict.fromkeys((*WORKERS, API), env)}


@dataclass(frozen=True, slots=True)
class Script:
    """What an audience does: batches and the pause after each; the verdict comes between times.

    `late` attaches the plan by a request of its own, `asks` looks at the verdict after each batch.
    """

    taste: Taste
    least_s: int = 0
    most_s: int = 600
    batches: int = 5
    pause_s: float = 0.2
    late: bool = False
    asks: bool = False


@dataclass
class Stage:
    """All experiments of a run."""

    run: Run
    seed: int
    crowds: list[Crowd] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    def begin(self, name: str, script: Script) -> Crowd:
        """Send a job with an experiment, whose audience comes as soon as there are videos."""
        plan = a_plan(least_s=script.least_s, most_s=script.most_s)
        customer = self.run.customer
        job_id = customer.send(name, plan=None if script.late else plan)
        client = Client(customer.client.url, customer.client.key)
        if script.late:
            insist(lambda: client.attach_experiment(job_id, plan))
        crowd = Crowd(client, job_id, script.taste, Random(f"{self.seed} {name}"))
        self.crowds.append(crowd)
        thread = threading.Thread(target=self._play, args=(crowd, script), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()
        return crowd

    def wait(self, seconds: float) -> None:
        """Until all audiences have gone."""
        until_s = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until_s - time.monotonic()))
            if thread.is_alive():
                self.trouble.append(f"the audience of {thread.name} is still there")

    def _play(self, crowd: Crowd, script: Script) -> None:
        try:
            if not crowd.await_begin():
                return
            for number in range(1, script.batches + 1):
                crowd.send_batch()
                crowd.send_figures(number)
                if script.asks:
                    crowd.ask()
                time.sleep(script.pause_s)
        except Exception as error:  # noqa: BLE001  told at the end: the run must not hang
            self.trouble.append(f"{crowd.job_id}: {error!r}")
        finally:
            crowd.client.session.close()
