"""Random faults on the real engine: every job ends as an oracle says that knows only the scenario.

Given a scenario drawn from a seed, when the engine plays it against the sandbox, then its end is
one that the protocol's rules allow, nothing is sent twice, no render is left behind, and the job's
ledger is the backend's. A failing seed prints its scenario; `make scenarios SEED=n` plays it again.
"""

from __future__ import annotations

import ast
import gc
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from pprint import pformat

import pytest

from tests.scenarios import oracle, scenario
from tests.scenarios.check import find_faults
from tests.scenarios.stage import Stage, open_stage

COUNT = int(os.environ.get("SCENARIOS", "60"))
FIRST = int(os.environ.get("SCENARIOS_FROM", "1"))
#: Seeds played by one test: enough to share a sandbox, few enough to spread.
RANGE = 20
_FORBIDDEN = {"service", "sandbox", "api", "workers", "cli"}


@pytest.fixture(scope="module")
def stage(valkey_server, small_clip, tmp_path_factory) -> Iterator[Stage]:
    import redis

    client = redis.Redis(
        unix_socket_path=str(valkey_server.socket), decode_responses=True, protocol=2
    )
    with open_stage(client, valkey_server.url, tmp_path_factory.mktemp("stage"), small_clip) as got:
        yield got
    client.close()


# A worker that was killed leaves its files open, as a dead process does.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("start", range(FIRST, FIRST + COUNT, RANGE))
def test_every_job_ends_as_the_rules_demand(stage, start, record_property):
    ends: Counter[str] = Counter()
    wrong = {}
    for seed in range(start, min(start + RANGE, FIRST + COUNT)):
        drawn = scenario.draw(seed)
        found, observed = find_faults(stage, drawn)
        if observed is not None:
            ends[observed.status] += 1
        if found:
            wrong[seed] = (found, observed.cuts if observed else None, drawn)
    gc.collect()
    record_property("ends", dict(ends))
    assert not wrong, pformat(wrong, width=100)


def test_the_oracle_knows_nothing_of_the_product():
    for module in (oracle, scenario):
        tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                assert name.partition(".")[0] not in _FORBIDDEN, f"{module.__name__}: {name}"
                if name.startswith("tests"):
                    assert name == "tests.scenarios.scenario"


def test_a_seed_draws_the_same_scenario_again():
    assert [scenario.draw(seed) for seed in range(200)] == [
        scenario.draw(seed) for seed in range(200)
    ]


def test_the_scenarios_hold_every_fault():
    drawn = [scenario.draw(seed) for seed in range(1, 1001)]
    cuts = [cut for each in drawn for cut in each.cuts]
    faults = [fault for cut in cuts for fault in cut.faults]
    assert {cut.stream for cut in cuts} == set(scenario.Stream)
    assert {cut.export for cut in cuts} == set(scenario.Export)
    assert {cut.death for cut in cuts} == set(scenario.Death)
    assert {fault.kind for fault in faults} == set(scenario.Kind)
    assert {fault.point for fault in faults} == set(scenario.Point)
