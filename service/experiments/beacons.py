"""Outcomes that viewers' browsers send: each shows the token that its viewer was given. Pure.

A browser speaks for one viewer, and only of what they have seen and done: it gives no figures of
many, takes nothing back, and its event ids are its viewer's own, so that nobody takes another's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from service.errors import FieldError, InvalidRequest
from service.experiments.outcomes import (
    Fault,
    Outcome,
    Rejection,
    digest,
    read_outcome,
)
from service.experiments.plan import Plan
from service.experiments.snapshot import canonical

#: Outcomes in one message of a browser, at most.
MOST_BEACONS = 20
#: From a viewer and a token to the place of the variant that they were given; None: not theirs.
ReadToken = Callable[[str, str], int | None]
_OF_SERVICES = ("units", "batch_id", "source", "revision", "metrics", "per", "correction")


def check_beacons(items: Sequence[Any]) -> None:
    """Refuse a message that no player sends: more than it sends at once, or of several viewers.

    Raises:
        InvalidRequest: it is one.
    """
    units = {each.get("unit_id") for each in items if _names_unit(each)}
    if len(items) > MOST_BEACONS or len(units) > 1:
        detail = f"A browser sends at most {MOST_BEACONS} outcomes, all of the same viewer."
        raise InvalidRequest(
            "No player sends so many at once, or of several viewers.",
            [FieldError("#/outcomes", detail)],
        )


def read_beacon(
    item: Any, pointer: str, plan: Plan, read_token: ReadToken, *, started_ms: int, now_ms: int
) -> Outcome | Fault:
    """One outcome with its `token`; `variant` may be left out, as the token tells it."""
    for name in _OF_SERVICES:
        if isinstance(item, Mapping) and item.get(name, False) is not False:
            return _refuse(Rejection.NOT_FOR_VIEWERS, pointer, name)
    if not _names_unit(item):
        return _refuse(Rejection.INVALID, pointer, "unit_id")
    overridden = refuse_override(item, pointer, plan)
    if overridden is not None:
        return overridden
    arm = _read_arm(item, plan, read_token)
    if arm is None:
        reason = Rejection.TOKEN_WRONG if item.get("token") else Rejection.TOKEN_MISSING
        return _refuse(reason, pointer, "token")
    told = {name: value for name, value in item.items() if name != "token"}
    told["variant"] = plan.labels[arm]
    read = read_outcome(told, pointer, plan, started_ms=started_ms, now_ms=now_ms)
    if isinstance(read, Fault):
        return read
    own = canonical([item["unit_id"], item["event_id"]]).decode()
    return replace(read, id=digest(f"viewer:{own}"))


def _read_arm(item: Mapping[str, Any], plan: Plan, read_token: ReadToken) -> int | None:
    """The place of the variant that a token tells; none where it is not this item's."""
    token = item.get("token")
    arm = read_token(item["unit_id"], token) if isinstance(token, str) else None
    if arm is None or item.get("variant", plan.labels[arm]) != plan.labels[arm]:
        return None
    return arm


def refuse_override(item: Any, pointer: str, plan: Plan) -> Fault | None:
    """What is said of an outcome of somebody who only tests; none where it is a viewer's."""
    if _names_unit(item) and item["unit_id"] in plan.overrides:
        return _refuse(Rejection.OVERRIDE_UNIT, pointer, "unit_id")
    return None


_DETAILS = {
    Rejection.INVALID: "It must be a text of 1 to 200 characters.",
    Rejection.NOT_FOR_VIEWERS: "A browser tells what its viewer did, and nothing else.",
    Rejection.OVERRIDE_UNIT: "The plan fixes what this unit sees, so it is not counted.",
    Rejection.TOKEN_MISSING: "It must have the token of the viewer's assignment.",
    Rejection.TOKEN_WRONG: "This token is not of this viewer, variant and experiment.",
}


def _refuse(reason: Rejection, pointer: str, name: str) -> Fault:
    return Fault(reason, f"{pointer}/{name}", _DETAILS[reason])


def _names_unit(item: Any) -> bool:
    unit_id = item.get("unit_id") if isinstance(item, Mapping) else None
    if not isinstance(unit_id, str) or not 0 < len(unit_id) <= 200:
        return False
    return not any("\ud800" <= each <= "\udfff" for each in unit_id)
