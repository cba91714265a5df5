"""Rules that make endpoints fail: which requests of which caller, and what happens to them."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from math import isfinite
from random import Random
from typing import Any

#: Endpoints a rule can name; `*` means all of them.
ENDPOINTS = (
    "token", "session", "claim", "upload", "message", "credits", "state", "submit", "poll",
    "cancel", "download", "result",
)  # fmt: skip
BODIES = ("envelope", "detail", "success", "reason", "html", "text", "empty")
CODES = (1001, 1002, 2001, 4001, 4002)
DROPS = ("", "before", "after")
#: Rules in force at once; more is a mistake of a test that never resets.
MAX_RULES = 1000


class BadRule(ValueError):
    """A rule that makes no sense; the message says why."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Without `nth` and `probability` it meets every request that it matches."""

    endpoint: str
    #: Which of the matching requests, counted from 1.
    nth: tuple[int, ...] = ()
    probability: float = 1.0
    #: How often it strikes at most; 0 has no limit.
    times: int = 0
    #: Only this session: its id or `#n`.
    session: str = ""
    #: Only this account: its user id or client id.
    account: str = ""
    status: int = 0
    code: int = 0
    body: str = "envelope"
    message: str = ""
    retry_after: str = ""
    delay_s: float = 0.0
    drop: str = ""
    truncate: bool = False

    @property
    def answers(self) -> bool:
        """Tells whether it answers instead of the endpoint."""
        return bool(self.status or self.code)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a request comes from, as far as rules ask: all names of its session and account."""

    names: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Posted:
    rule_id: int
    rule: Rule
    seen: int = 0
    struck: int = 0


@dataclass(slots=True)
class Faults:
    """The rules in force, in order: the first one that strikes decides. Seeded."""

    seed: int
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _rules: list[_Posted] = field(default_factory=list)
    _last_id: int = 0

    def add(self, rules: Sequence[Rule]) -> list[int]:
        """Adds rules and returns their ids. Raises BadRule when there are too many."""
        with self._lock:
            if len(self._rules) + len(rules) > MAX_RULES:
                raise BadRule(f"there can be {MAX_RULES} rules")
            posted = [_Posted(self._last_id + n, rule) for n, rule in enumerate(rules, 1)]
            self._rules += posted
            self._last_id += len(posted)
            return [each.rule_id for each in posted]

    def drop(self, rule_id: int | None = None) -> int:
        """Removes one rule, or all; returns how many went."""
        with self._lock:
            before = len(self._rules)
            kept = [] if rule_id is None else [r for r in self._rules if r.rule_id != rule_id]
            self._rules = kept
            if not kept and rule_id is None:
                # the same rules on a cleared sandbox strike the same requests
                self._last_id = 0
            return before - len(kept)

    def strike(self, endpoint: str, caller: Caller) -> tuple[int, Rule] | None:
        """Counts a request and returns the rule that meets it with its id, if any."""
        with self._lock:
            found = None
            for posted in self._rules:
                if _matches(posted.rule, endpoint, caller):
                    posted.seen += 1
                    if found is None and self._is_due(posted):
                        posted.struck += 1
                        found = (posted.rule_id, posted.rule)
            return found

    def rows(self) -> list[dict[str, Any]]:
        """Returns the rules with their ids and counts."""
        with self._lock:
            return [
                {"id": r.rule_id, **asdict(r.rule), "seen": r.seen, "struck": r.struck}
                for r in self._rules
            ]

    def _is_due(self, posted: _Posted) -> bool:
        rule = posted.rule
        if rule.times and posted.struck >= rule.times:
            return False
        if rule.nth and posted.seen not in rule.nth:
            return False
        chance = Random(f"{self.seed}:rule:{posted.rule_id}:{posted.seen}")  # noqa: S311 - a die, no secret
        return chance.random() < rule.probability


def _matches(rule: Rule, endpoint: str, caller: Caller) -> bool:
    wanted = {name for name in (rule.session, rule.account) if name}
    return rule.endpoint in {endpoint, "*"} and wanted <= caller.names


def read_rule(row: object) -> Rule:
    """Reads one rule as JSON has it. Raises BadRule."""
    if not isinstance(row, Mapping):
        raise BadRule("a rule is an object")
    if "endpoint" not in row:
        raise BadRule("a rule names an endpoint")
    values = dict(row)
    if "nth" in values:
        nth = values["nth"]
        values["nth"] = tuple(nth) if isinstance(nth, list) else (nth,)
    if "retry_after" in values:
        values["retry_after"] = str(values["retry_after"])
    _check_types(values)
    rule = Rule(**values)
    if problem := _problem(rule):
        raise BadRule(problem)
    return rule


def _check_types(values: Mapping[str, object]) -> None:
    kinds: dict[str, type] = {f.name: type(f.default) for f in fields(Rule)} | {"endpoint": str}
    for name, value in values.items():
        if name not in kinds:
            raise BadRule(f"a rule has no {name}")
        if not _fits(value, kinds[name]):
            raise BadRule(f"{name} does not take {value!r}")


def _fits(value: object, kind: type) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind is float:
        return number and isfinite(float(str(value)))
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _problem(rule: Rule) -> str:
    if rule.endpoint not in {*ENDPOINTS, "*"}:
        return f"endpoint is one of {', '.join(ENDPOINTS)}, *"
    if not all(_fits(n, int) and n > 0 for n in rule.nth):
        return "nth takes numbers from 1"
    if not 0 <= rule.probability <= 1 or rule.times < 0 or rule.delay_s < 0:
        return "probability is 0 to 1, times and delay_s 0 or more"
    if rule.status and not 400 <= rule.status <= 599:
        return "status is 400 to 599"
    if rule.code and rule.code not in CODES:
        return f"code is one of {', '.join(map(str, CODES))}"
    if rule.body not in BODIES or rule.drop not in DROPS:
        return f"body is one of {', '.join(BODIES)}; drop is before or after"
    acts = rule.answers or rule.delay_s or rule.drop or rule.truncate
    return "" if acts else "a rule does something: status, code, delay_s, drop or truncate"
