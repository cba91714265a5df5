"""Compares what came of a scenario with what the oracle allows, and with the backend's books."""

from __future__ import annotations

import traceback

from tests.integration.store.invariants import assert_invariants
from tests.scenarios.oracle import Expected, expect
from tests.scenarios.runner import Play
from tests.scenarios.scenario import Export, Kind, Scenario
from tests.scenarios.stage import Observed, Stage

_EDIT = 50


def find_faults(stage: Stage, scenario: Scenario) -> tuple[list[str], Observed | None]:
    """Play a scenario; everything that is wrong with its end, and the end."""
    try:
        observed = Play(stage, scenario).run()
    except Exception:  # noqa: BLE001  a crash of the engine is a finding like any other
        return [traceback.format_exc(limit=-4)], None
    found = _compare(expect(scenario), observed) + _audit(scenario, observed)
    try:
        assert_invariants(stage.client)
    except AssertionError as broken:
        found.append(f"invariant: {broken}")
    return found, observed


def _compare(expected: Expected, observed: Observed) -> list[str]:
    found = []
    if observed.status not in expected.statuses:
        found.append(f"the job is {observed.status}, not {sorted(expected.statuses)}")
    if observed.paused != expected.paused:
        found.append(f"the job waited for a person: {observed.paused}")
    for label, end in expected.cuts.items():
        seen = observed.cuts[label]
        for name, value, allowed in (
            ("state", seen.state, end.states),
            ("code", seen.code, end.codes),
            ("sends", seen.sends, end.sends),
            ("renders", seen.renders, end.renders),
            ("charged", seen.charged, end.charged),
            ("staged", seen.staged, end.staged),
        ):
            if value not in allowed:
                found.append(f"{label}: {name} is {value!r}, not {sorted(allowed, key=str)}")
    return found


def _audit(scenario: Scenario, observed: Observed) -> list[str]:
    """What must hold whatever happened."""
    books = observed.books
    found = [f"edit received {n} times: {e}" for e, n in books["edits"].items() if n != 1]
    found += [f"overlapping run: {run['request_id']}" for run in books["overlapping_runs"]]
    found += [f"still due: {row}" for row in observed.due]
    if books["without_attribution"] or books["auth_on_cdn"]:
        found.append("a call without attribution, or a result asked for with the token")
    if books["duplicate_render_ids"] and not _forgets(scenario):
        found.append(f"render submitted twice: {books['duplicate_render_ids']}")
    paid = sum(charge["credits"] for charge in books["charges"])
    unknown = sum(cut.charged == "unknown" for cut in observed.cuts.values())
    if not observed.charged <= paid <= observed.charged + _EDIT * unknown:
        found.append(f"charged {observed.charged}, by the backend's books {paid}")
    return found + _confounded(observed) + _orphans(scenario, observed)


def _confounded(observed: Observed) -> list[str]:
    """P-088, P-089: the result says so where the backend added to one of the videos only."""
    shown = [cut.staged for cut in observed.cuts.values() if cut.state == "succeeded"]
    if len(set(shown)) == 2 and not observed.confounded:
        return ["sound was added to one variant only, and the result is silent about it"]
    if not any(shown) and observed.confounded:
        return ["nothing was added, and the result is called confounded"]
    return []


def _orphans(scenario: Scenario, observed: Observed) -> list[str]:
    """Renders that nobody fetched, beyond what the scenario itself made unreachable."""
    books = observed.books
    left = [books["renders"][render_id] for render_id in books["orphaned_renders"]]
    running = [row["render_id"] for row in left if row["status"] in {"pending", "processing"}]
    given_up = sum(cut.state != "succeeded" for cut in observed.cuts.values())
    done = len(left) - len(running)
    found = [f"render left running: {each}" for each in running]
    if done > given_up + _unreachable(scenario):
        found.append(f"{done} finished renders were never fetched")
    return found


def _forgets(scenario: Scenario) -> bool:
    """Whether the backend itself denies an id that it has."""
    return any(fault.kind is Kind.FORGOTTEN for cut in scenario.cuts for fault in cut.faults)


def _unreachable(scenario: Scenario) -> int:
    forgotten = sum(f.kind is Kind.FORGOTTEN for cut in scenario.cuts for f in cut.faults)
    slow = sum(cut.export is Export.TOO_SLOW for cut in scenario.cuts)
    return forgotten + slow
