"""A scenario: switches and rules that are put in force together, from a file or a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.faults import BadRule, Rule, read_rule
from sandbox.switches import UnknownSwitch
from sandbox.world import World

_KEYS = frozenset({"switches", "accounts", "sessions", "rules", "note"})


class BadScenario(ValueError):
    """A scenario that cannot be put in force; the message says why."""


def apply_scenario(world: World, scenario: Mapping[str, Any]) -> None:
    """Puts a scenario in force on top of what is. Raises BadScenario."""
    if unknown := sorted(set(scenario) - _KEYS):
        raise BadScenario(f"a scenario has no {', '.join(unknown)}")
    try:
        rules = read_rules(scenario.get("rules", []))
        world.board.set(_object(scenario, "switches"))
        for account, changes in _object(scenario, "accounts").items():
            world.board.set(_named(account, changes), account=account)
        for session_id, changes in _object(scenario, "sessions").items():
            world.board.set(_named(session_id, changes), session_id)
        world.faults.add(rules)
    except (UnknownSwitch, BadRule) as error:
        raise BadScenario(str(error)) from None


def read_rules(rows: object) -> list[Rule]:
    """Reads a list of rules. Raises BadRule."""
    if not isinstance(rows, list):
        raise BadRule("rules are a list")
    return [read_rule(row) for row in rows]


def _object(scenario: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    return _named(key, scenario.get(key, {}))


def _named(name: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BadScenario(f"{name} takes an object of switches")
    return value
