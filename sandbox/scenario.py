"""A scenario: switches and rules that are put in force together, from a file or a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.faults import BadRule, Rule, read_rule
from sandbox.switches import GLOBAL, Switches, UnknownSwitch, change
from sandbox.world import World

_KEYS = frozenset({"switches", "accounts", "sessions", "rules", "note"})
_Changes = Mapping[str, Any]


class BadScenario(ValueError):
    """A scenario that cannot be put in force; the message says why."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario that was checked: switches for all, by account, by session, and rules."""

    switches: _Changes = field(default_factory=dict)
    accounts: Mapping[str, _Changes] = field(default_factory=dict)
    sessions: Mapping[str, _Changes] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()


def read_scenario(value: object) -> Scenario:
    """Checks a scenario as JSON has it. Raises BadScenario."""
    scenario = _object("a scenario", value)
    if unknown := sorted(set(scenario) - _KEYS):
        raise BadScenario(f"a scenario has no {', '.join(unknown)}")
    try:
        return Scenario(
            _switches("switches", scenario.get("switches", {})),
            _named("accounts", scenario),
            _named("sessions", scenario),
            tuple(read_rules(scenario.get("rules", []))),
        )
    except (UnknownSwitch, BadRule) as error:
        raise BadScenario(str(error)) from None


def apply_scenario(world: World, scenario: Scenario) -> None:
    """Puts a scenario in force on top of what is."""
    world.board.set(scenario.switches)
    for account, changes in scenario.accounts.items():
        world.board.set(changes, account=account)
    for session_id, changes in scenario.sessions.items():
        world.board.set(changes, session_id)
    world.faults.add(scenario.rules)


def read_rules(rows: object) -> list[Rule]:
    """Reads a list of rules. Raises BadRule."""
    if not isinstance(rows, list):
        raise BadRule("rules are a list")
    return [read_rule(row) for row in rows]


def _named(key: str, scenario: Mapping[str, Any]) -> dict[str, _Changes]:
    rows = _object(key, scenario.get(key, {}))
    checked = {name: _switches(name, changes) for name, changes in rows.items()}
    for name, changes in checked.items():
        if fixed := GLOBAL & set(changes):
            raise BadScenario(f"{', '.join(sorted(fixed))} cannot be set for {name} alone")
    return checked


def _switches(name: str, value: object) -> _Changes:
    changes = _object(name, value)
    change(Switches(), changes)
    return changes


def _object(name: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BadScenario(f"{name} takes an object")
    return value
