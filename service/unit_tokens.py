"""Tokens of viewers: who was given a variant, and which. Pure.

`<arm>.<signature>`, the arm being the variant's place in the plan. An assignment hands one out, and
an outcome from a browser counts with it alone. It is the same each time for the same viewer, so an
assignment may be cached; it works for no other viewer, variant, plan, job or installation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from service.signatures import SEPARATOR, Purpose, is_signed, sign

_TOKEN = re.compile(r"([0-7])\.([A-Za-z0-9_-]{43})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Stage:
    """The experiment that tokens are for: its job, the digest of its plan, its labels in order."""

    job_id: str
    plan_digest: str
    labels: tuple[str, ...]


def write_unit_token(pepper: str, stage: Stage, unit_id: str, arm: int) -> str:
    """The token of a viewer who sees the variant at this place of the plan."""
    parts = (stage.job_id, stage.plan_digest, unit_id, stage.labels[arm])
    return f"{arm}{SEPARATOR}{sign(pepper, Purpose.UNIT, *parts)}"


def read_unit_token(pepper: str, stage: Stage, unit_id: str, token: str) -> int | None:
    """The place of the variant that a viewer was given; None where the token is not theirs.

    How long it takes tells nothing of how wrong a signature is.
    """
    found = _TOKEN.fullmatch(token)
    if found is None or int(found.group(1)) >= len(stage.labels):
        return None
    arm = int(found.group(1))
    parts = (stage.job_id, stage.plan_digest, unit_id, stage.labels[arm])
    return arm if is_signed(pepper, Purpose.UNIT, found.group(2), *parts) else None
