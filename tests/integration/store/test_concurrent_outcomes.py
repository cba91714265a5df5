"""Eight processes that send the same outcomes, each in an order of its own, leave the same sums."""

from __future__ import annotations

import multiprocessing
import os
import random
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.synchronize import Barrier
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.clock import FakeClock
from service.experiments.intake import read_experiment, take_outcomes
from service.experiments.ledger import take_snapshot
from service.experiments.metrics import Mean, Proportion, Ratio
from service.settings import Settings
from service.store.connection import Connection
from service.store.experiments import ExperimentStore
from tests.builders import TENANT
from tests.conftest import ValkeyServer
from tests.integration.store.test_experiments import attach
from tests.outcomes import a_batch, an_outcome, figures

PROCESSES = 8
_VARIANTS = ("A", "B")
_state: dict[str, Any] = {}


@st.composite
def outcomes(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Outcomes of some viewers, batches of two platforms, and a dashboard that is read anew."""
    units = draw(st.integers(1, 12))
    items: list[dict[str, Any]] = []
    for n in range(draw(st.integers(0, 60))):
        unit = draw(st.integers(0, units - 1))
        items.append(an_outcome(f"e{n}", f"u{unit}", _VARIANTS[unit % 2], **draw(_MEASURED)))
    for n in range(draw(st.integers(0, 4))):
        count = draw(st.integers(1, 10**12))
        clicks = {"clicks": {"s": draw(st.integers(0, count))}}
        items.append(a_batch(f"b{n}", count, draw(st.sampled_from(_VARIANTS)), metrics=clicks))
    watched = 0
    for revision in range(draw(st.integers(0, 4))):
        watched += draw(st.integers(0, 3000))
        metrics = {"watch": {"sum": watched}}
        items.append(figures(revision, 10 * (revision + 1), metrics=metrics))
    return items


_MEASURED = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"metric": st.just("clicks"), "value": st.integers(0, 1)}),
    st.fixed_dictionaries({"metric": st.just("watch"), "value": st.integers(0, 4000)}),
    st.fixed_dictionaries(
        {
            "metric": st.just("watch"),
            "value": st.integers(-4000, -1),
            "correction": st.just(True),
        }
    ),
    st.fixed_dictionaries(
        {
            "metric": st.just("per_view"),
            "value": st.integers(0, 4000),
            "count": st.integers(0, 40),
        }
    ),
)


def expected(items: list[dict[str, Any]]) -> list[tuple[int, dict[str, Any]]]:
    """What must have been counted, from the rules, in whole numbers of Python."""
    totals: dict[tuple[str, str], dict[str, list[int]]] = defaultdict(
        lambda: {"clicks": [0, 0], "watch": [0, 0], "per_view": [0, 0]}
    )
    bulk = {variant: [0, 0, 0, 0] for variant in _VARIANTS}
    for item in items:
        if "event_id" in item:
            values = totals[item["variant"], item["unit_id"]]
            if metric := item.get("metric"):
                most = 3000 * max(1, item.get("count", 0))
                values[metric][0] += max(-most, min(most, item["value"]))
                values[metric][1] += item.get("count", 0)
        elif "batch_id" in item:
            bulk[item["variant"]][0] += item["units"]
            bulk[item["variant"]][1] += item["metrics"]["clicks"]["s"]
    dashboards = [item for item in items if "revision" in item]
    if dashboards:
        latest = max(dashboards, key=lambda item: item["revision"])
        bulk["A"][2], bulk["A"][3] = latest["units"], latest["metrics"]["watch"]["sum"]
    found = []
    for variant in _VARIANTS:
        own = [values for (label, _), values in totals.items() if label == variant]
        n, (batched, clicked, told, watched) = len(own), bulk[variant]
        clicks = sum(min(1, each["clicks"][0]) for each in own)
        watch = [max(0, min(3000, each["watch"][0])) for each in own]
        pairs = [_pair(*each["per_view"]) for each in own]
        sums = {
            "clicks": Proportion(n + batched, clicks + clicked),
            "watch": Mean(
                n + told,
                sum(watch) + watched,
                sum(each**2 for each in watch) + 3000 * watched,
                bounded=told > 0,
            ),
            "per_view": Ratio(
                n,
                sum(x for x, _ in pairs),
                sum(x * x for x, _ in pairs),
                sum(y for _, y in pairs),
                sum(y * y for _, y in pairs),
                sum(x * y for x, y in pairs),
            ),
            "spent": Mean(n),
        }
        found.append((n + batched + told, sums))
    return found


def _pair(x: int, y: int) -> tuple[int, int]:
    seen = min(y, 50)
    return min(x * 50 // y if y > 50 else x, 3000 * seen), seen


def _begin(socket: str, barrier: Barrier) -> None:
    client = redis.Redis(unix_socket_path=socket, decode_responses=True, protocol=2)
    clock = FakeClock()
    _state["store"] = ExperimentStore(Connection(client, Settings(), clock), Settings())
    _state["barrier"] = barrier


def _send(
    job_id: str, items: list[dict[str, Any]], seed: int, now_ms: int
) -> tuple[int, dict[str, int]]:
    """Send all items in a new order and in pieces of a new size, some of them again."""
    dice = random.Random(seed)
    order = items + dice.sample(items, len(items) // 3)
    dice.shuffle(order)
    _state["barrier"].wait(60)
    said: dict[str, int] = defaultdict(int)
    while order:
        size = dice.randint(1, 20)
        piece, order = order[:size], order[size:]
        document = {"outcomes": piece}
        for each in take_outcomes(_state["store"], job_id, TENANT, document, now_ms=now_ms):
            said[each.reason or each.status] += 1
    return os.getpid(), dict(said)


@pytest.fixture(scope="module")
def processes(valkey_server: ValkeyServer) -> Iterator[ProcessPoolExecutor]:
    context = multiprocessing.get_context("spawn")
    begin = (str(valkey_server.socket), context.Barrier(PROCESSES))
    with ProcessPoolExecutor(PROCESSES, context, _begin, begin) as pool:
        yield pool


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(items=outcomes().filter(bool), seed=st.integers(0, 2**32))
def test_eight_processes_leave_the_sums_of_one(items, seed, store, processes):
    # Given two experiments
    experiments = ExperimentStore(store.connection, store.settings)
    one, eight = store.accept().id, store.accept().id
    for job_id in (one, eight):
        attach(store, experiments, job_id)
    # When one is filled in order, and the other by eight processes at once, each with all of it
    document = {"outcomes": items}
    take_outcomes(experiments, one, TENANT, document, now_ms=store.now_ms)
    asked = [
        processes.submit(_send, eight, items, seed + n, store.now_ms) for n in range(PROCESSES)
    ]
    answers = [each.result() for each in asked]
    # Then all eight took part, each item was accepted once at most,
    assert len({pid for pid, _ in answers}) == PROCESSES
    assert sum(said.get("accepted", 0) for _, said in answers) <= len(items)
    # both hold the same, and it is what the rules say.
    for part in ("", ":seen", ":units", ":sources"):
        kept = [
            store.client.hgetall(f"cab:job:{job_id}:experiment{part}") for job_id in (one, eight)
        ]
        assert _without_zeros(kept[0]) == _without_zeros(kept[1]), part
    taken = take_snapshot(read_experiment(experiments, eight), now_ms=store.now_ms)
    assert [(each.exposed, each.sums) for each in taken.tallies] == expected(items)


def _without_zeros(fields: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value != "0"}
