"""An adversary of experiments: strikes who counts, who looks and who is asked, and both stores."""

from __future__ import annotations

from tests.chaos.adversary import Adversary, Pace
from tests.chaos.experiment_points import EXPERIMENT_POINTS
from tests.chaos.fleet import API
from tests.chaos.run import Run
from tests.chaos.stores import COUNTING
from tests.chaos.watch import Deed


class Saboteur(Adversary):
    """Disturbs a run whose outcomes are counted apart."""

    points = tuple(each for each in EXPERIMENT_POINTS if each.deed is Deed.KILL)

    def __init__(self, run: Run, seed: int, pace: Pace) -> None:
        super().__init__(run, seed, pace)
        self._deeds = {
            self._arm_a_point: 8,
            self._kill_who_looks: 3,
            self._kill_who_is_asked: 3,
            self._kill_somebody: 1,
            self._kill_counting: 4,
            self._pause_counting: 2,
            self._cut_counting: 2,
            self._kill_valkey: 2,
            self._pause_valkey: 1,
            self._cut_connections: 1,
            self._hang_receivers: 1,
        }

    def _kill_who_looks(self) -> None:
        self._fleet.kill("media")

    def _kill_who_is_asked(self) -> None:
        self._fleet.kill(API)

    def _kill_counting(self) -> None:
        self._kill_store(COUNTING)

    def _pause_counting(self) -> None:
        self._fleet.stop_for(COUNTING, self._lease_s * self._dice.uniform(0.5, 2.0))

    def _cut_counting(self) -> None:
        self._cut_those_of(COUNTING)
