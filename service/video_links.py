"""Addresses that show one video for some minutes, to whoever has them. Pure.

`<clip>.<revision>.<end>.<signature>`, the end in seconds. Ends lie on a grid, so that
all viewers of a variant get the same address for a while, which caches can keep.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from service.signatures import SEPARATOR, Purpose, is_signed, sign

_TOKEN = re.compile(r"(\d{1,4})\.(\d{1,4})\.(\d{1,12})\.([A-Za-z0-9_-]{43})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Showing:
    """One video of a job, and until when its address works, in seconds since the epoch."""

    job_id: str
    label: str
    clip: int
    revision: int
    ends_s: int


def end_of_showing(now_ms: int, life_s: float) -> int:
    """When an address that is given now ends: after `life_s` or up to half as long again."""
    step_s = max(1, int(life_s / 2))
    least_s = -(-now_ms // 1000) + int(life_s)
    return -(-least_s // step_s) * step_s


def write_showing(pepper: str, showing: Showing) -> str:
    """The last part of a video's address."""
    parts = (str(showing.clip), str(showing.revision), str(showing.ends_s))
    signature = sign(pepper, Purpose.VIDEO, showing.job_id, showing.label, *parts)
    return SEPARATOR.join((*parts, signature))


def read_showing(
    pepper: str, job_id: str, label: str, token: str, *, now_ms: int
) -> Showing | None:
    """The video of an address; None where it was not made for this, was changed or has ended."""
    found = _TOKEN.fullmatch(token)
    if found is None:
        return None
    *parts, signature = found.groups()
    if not is_signed(pepper, Purpose.VIDEO, signature, job_id, label, *parts):
        return None
    showing = Showing(job_id, label, *map(int, parts))
    return showing if now_ms < showing.ends_s * 1000 else None
