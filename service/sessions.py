"""Sessions of people: a cookie that names a key and holds none. Pure.

`<key id>.<tenant>.<end>.<chance>.<signature>`. It opens what its key opens, no longer than the key
works; which that is the store says at each request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from service.signatures import SEPARATOR, Purpose, is_signed, sign

_ID = r"[0-9a-hjkmnp-tv-z]{26}"
_TOKEN = re.compile(
    rf"(key_{_ID})\.(ten_{_ID})\.(\d{{1,15}})\.([0-9a-f]{{16}})\.([A-Za-z0-9_-]{{43}})", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Session:
    """Whose session it is, until when, and a number that tells it from their others."""

    key_id: str
    tenant_id: str
    expires_ms: int
    nonce: str


def write_session(pepper: str, session: Session) -> str:
    """The value of a session's cookie."""
    parts = _parts(session)
    return SEPARATOR.join((*parts, sign(pepper, Purpose.SESSION, *parts)))


def read_session(pepper: str, text: str, *, now_ms: int) -> Session | None:
    """The session of a cookie; None when it was not made here, was changed or has ended."""
    found = _TOKEN.fullmatch(text)
    if found is None:
        return None
    *parts, signature = found.groups()
    if not is_signed(pepper, Purpose.SESSION, signature, *parts):
        return None
    key_id, tenant_id, end, nonce = parts
    session = Session(key_id, tenant_id, int(end), nonce)
    return session if now_ms < session.expires_ms else None


def write_form_mark(pepper: str, session: Session) -> str:
    """What a form of this session must send along; another site cannot know it."""
    return sign(pepper, Purpose.FORM, *_parts(session))


def is_form_mark(pepper: str, session: Session, mark: str) -> bool:
    """Whether a form came from a page of this session."""
    return is_signed(pepper, Purpose.FORM, mark, *_parts(session))


def _parts(session: Session) -> tuple[str, str, str, str]:
    return session.key_id, session.tenant_id, str(session.expires_ms), session.nonce
