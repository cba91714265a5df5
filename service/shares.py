"""Share links: a token opens one job to look at, until it expires or is revoked. Pure.

`shr_<26>.<end>.<rights>.<signature>`: the end in milliseconds in base 36, the rights `r` or `rp`.
The job is signed with it and not in it: a token is good for the address it was made for alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from service.signatures import SEPARATOR, Purpose, is_signed, sign

#: The parameter of a page's address that holds a token.
PARAMETER = "share"
#: Links of one job that are kept, at most; one that has ended makes room for a new one.
MOST_SHARES = 100
#: A token before its signature: id, end, rights.
_TOKEN = re.compile(r"(shr_[0-9a-hjkmnp-tv-z]{26})\.([0-9a-z]{1,10})\.(rp?)\.([A-Za-z0-9_-]{43})")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LOOK, _LOOK_AND_PREFER = "r", "rp"


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a token with a good signature says."""

    share_id: str
    expires_ms: int
    preferences: bool


def write_token(pepper: str, job_id: str, ticket: Ticket) -> str:
    """The token of a link. It is shown once.

    Nothing keeps it but the reply that an Idempotency-Key finds again: sealed, for 24 hours.
    """
    rights = _LOOK_AND_PREFER if ticket.preferences else _LOOK
    parts = (ticket.share_id, _base36(ticket.expires_ms), rights)
    return SEPARATOR.join((*parts, sign(pepper, Purpose.SHARE, job_id, *parts)))


def read_token(pepper: str, job_id: str, token: str) -> Ticket | None:
    """What a token says of a job; None when it was not made here for this job, or was changed.

    Neither whether it has expired nor whether it was revoked is looked at.
    """
    found = _TOKEN.fullmatch(token)
    if found is None:
        return None
    share_id, end, rights, signature = found.groups()
    if not is_signed(pepper, Purpose.SHARE, signature, job_id, share_id, end, rights):
        return None
    return Ticket(share_id, int(end, 36), rights == _LOOK_AND_PREFER)


def _base36(value: int) -> str:
    digits = []
    while value:
        value, digit = divmod(value, 36)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits)) or "0"
