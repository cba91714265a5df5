"""Who looks at the pages: somebody who signed in with a key, or has a share link.

A share link is judged by itself, also where there is a session: whoever tries theirs sees what
others will see. The cookie is for addresses below `/jobs` alone; nothing below `/v1` looks at it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import g, request
from werkzeug.wrappers import Response

from api.addresses import counted_address
from api.gate import require_scope
from api.jobs import own_job
from api.state import public_url, services, state
from api.turns import take_turn
from service.errors import (
    Forbidden,
    Gone,
    NotFound,
    Unauthorized,
)
from service.ids import is_id
from service.jobs.submit import Caller
from service.logs import learn
from service.model.job import Job
from service.model.scope import Scope
from service.sessions import Session, is_form_mark, read_session, write_session
from service.shares import PARAMETER, Ticket, read_token
from service.store.shares import ShareStore

#: Where the cookie is sent.
COOKIE_PATH = "/jobs"
#: What is said where there is no session; a form for signing in says enough by itself.
NOBODY = "Nobody has signed in here."
_NO_JOB = "There is no such job, or this link does not open it."
_ASK = "See that the link is whole, or ask whoever gave it to you for a new one."


class SignInNeeded(Unauthorized):
    """This page is for people who have signed in, or have a link to it."""

    code = "sign_in_needed"
    hint = (
        "Sign in at /jobs in a browser, or open it by a share link; programs read "
        "`GET /v1/jobs/{id}` with a key."
    )


class CrossSite(Forbidden):
    """The form was not sent by a page of this service, or its page is too old."""

    code = "cross_site"
    hint = "Open the page anew and send the form from there."


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who may look at one job: by a session, or by a link's token."""

    job: Job
    session: Session | None = None
    caller: Caller | None = None
    ticket: Ticket | None = None
    token: str = ""

    @property
    def may_prefer(self) -> bool:
        return self.ticket is None or self.ticket.preferences

    @property
    def is_asked(self) -> bool:
        """Whether a link asks them for their own opinion, which no outcome should sway."""
        return self.ticket is not None and self.ticket.preferences

    @property
    def may_cancel(self) -> bool:
        return self.caller is not None and Scope.JOBS_WRITE in self.caller.scopes

    @property
    def query(self) -> str:
        """What every address of the page ends with."""
        return f"{PARAMETER}={self.token}" if self.token else ""


def admit(job_id: str) -> Visitor:
    """Whoever asks for a page of a job, and the job.

    Raises:
        SignInNeeded: there is neither a session nor a link.
        NotFound: there is no such job, or they may not see it: in the same words.
        Gone: the link was good and has expired, or their own job has.
        RateExceeded: they have sent too many requests in this minute.
    """
    token = request.args.get(PARAMETER)
    if token is not None:
        return _admit_link(job_id, token)
    session, caller = require_session()
    return Visitor(own_job(job_id), session, caller)


def _admit_link(job_id: str, token: str) -> Visitor:
    parts = services()
    ticket = None
    if is_id(job_id, "job"):
        ticket = read_token(parts.settings.signing_secret, job_id, token)
    if ticket is None:
        raise NotFound(_NO_JOB, hint=_ASK)
    now_ms = parts.clock.now_ms()
    if ticket.expires_ms <= now_ms:
        raise Gone("This link has expired.", hint="Ask whoever gave it to you for a new one.")
    _count(f"share:{ticket.share_id}")
    share = ShareStore(parts.connection).find(job_id, ticket.share_id)
    job = parts.jobs.read(job_id)
    gone = job is None or 0 < job.expires_ms <= now_ms
    if job is None or gone or share is None or not share.is_open(now_ms):
        raise NotFound(_NO_JOB, hint=_ASK)
    learn(share=ticket.share_id)
    return Visitor(job, ticket=ticket, token=token)


def require_session() -> tuple[Session, Caller]:
    """The session of this request, and whose it is; what follows is done in their name.

    Raises:
        SignInNeeded: there is none, it has ended, or its key has.
        KeyScopeMissing: the key may not read jobs.
        RateExceeded: it has sent too many requests in this minute.
    """
    parts = services()
    cookie = request.cookies.get(cookie_name(), "")
    session = read_session(parts.settings.signing_secret, cookie, now_ms=parts.clock.now_ms())
    if session is None:
        raise SignInNeeded(NOBODY)
    try:
        caller = state().keys.resolve_id(session.key_id)
    except Unauthorized:
        raise SignInNeeded("The key of this session works no more.") from None
    if caller.tenant_id != session.tenant_id:
        raise SignInNeeded(NOBODY)
    _count(f"page:{caller.key_id}")
    require_scope(caller, Scope.JOBS_READ)
    g.caller = caller
    return session, caller


def begin_session(response: Response, caller: Caller) -> Response:
    """Give a browser the cookie of a session; it holds no key."""
    settings, now_ms = services().settings, services().clock.now_ms()
    ends_ms = now_ms + int(settings.session_s * 1000)
    session = Session(caller.key_id, caller.tenant_id, ends_ms, secrets.token_hex(8))
    response.set_cookie(
        cookie_name(),
        write_session(settings.signing_secret, session),
        max_age=int(settings.session_s),
        path=COOKIE_PATH,
        secure=is_secure(),
        httponly=True,
        samesite="Strict",
    )
    return response


def end_session(response: Response) -> Response:
    """Take the cookie away."""
    response.delete_cookie(
        cookie_name(), path=COOKIE_PATH, secure=is_secure(), httponly=True, samesite="Strict"
    )
    return response


def cookie_name() -> str:
    """The cookie's name; by `__Secure-` a browser takes it over TLS alone."""
    return "__Secure-caption_ab_session" if is_secure() else "caption_ab_session"


def require_same_site(*, marked: bool = False) -> None:
    """Refuse a form that another site has sent.

    Browsers say it in `Sec-Fetch-Site`; where they do not, which is so without TLS, `Origin` must
    name this service: by its public address, or by the one that was asked. What is `marked` holds
    something that another site cannot know; then the origin may be hidden, as it is on a page that
    tells no other of itself (Fetch, 3.2).

    Raises:
        CrossSite: it is not from here, or nothing says where it is from.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        if site != "same-origin":
            raise CrossSite("The form comes from another site.")
        return
    origin = request.headers.get("Origin", "")
    if marked and origin == "null":
        return
    if origin not in {_origin_of(public_url()), _origin_of(request.host_url)}:
        raise CrossSite("Nothing shows that the form comes from this site.")


def require_form_mark(visitor: Visitor) -> None:
    """Refuse a form that was not made for this session; a link's token is in its address.

    Raises:
        CrossSite: it was not.
    """
    if visitor.session is None:
        return
    pepper = services().settings.signing_secret
    if not is_form_mark(pepper, visitor.session, request.form.get("csrf", "")):
        raise CrossSite("The form was not made for this session.")


def wants_html() -> bool:
    """Whether whoever asks is a browser that shows a page, rather than a program."""
    wanted = request.accept_mimetypes
    named = any(kind == "text/html" for kind, _ in wanted)
    return named and wanted.quality("text/html") >= wanted.quality("application/json")


def count_sign_in() -> None:
    """Count a try to sign in against those of its address.

    Raises:
        RateExceeded: there were too many in this minute.
    """
    name = f"sign-in:{counted_address()}"
    take_turn(state().sign_ins, name, "tries to sign in from here", "sign-in")


def _count(name: str) -> None:
    take_turn(state().throttle, name, "requests for pages", "pages")


def is_secure() -> bool:
    """Whether people come over TLS."""
    return request.is_secure or public_url().startswith("https://")


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
