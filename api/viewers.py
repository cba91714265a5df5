"""Viewers of an experiment: browsers with a publishable key, on pages of the key's origins.

Such a key opens three addresses of one job and nothing else. It is no secret, so each request is
counted by its address, and what it may change is bounded by unit tokens (docs/threat-model.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import Response, g, request

from api.addresses import counted_address
from api.state import public_url, state
from api.turns import take_turn
from service.errors import Forbidden, RateExceeded, StoreError, Unauthorized
from service.ids import is_id
from service.logs import learn
from service.model.public_key import PublicKey
from service.origins import read_origin
from service.public_keys import PREFIX, read_public_key, write_public_key

_JOB = "/v1/jobs/<job_id>"
#: What a publishable key opens.
OPENED = frozenset(
    {
        ("GET", f"{_JOB}/assignment"),
        ("HEAD", f"{_JOB}/assignment"),
        ("GET", f"{_JOB}/play"),
        ("HEAD", f"{_JOB}/play"),
        ("POST", f"{_JOB}/outcomes"),
    }
)
_RULES = frozenset(rule for _, rule in OPENED)
_READING = frozenset({"GET", "HEAD"})
#: The largest body of a browser with a publishable key: as much as `sendBeacon` takes.
BEACON_BYTES = 65_536
_ANOTHER = (
    "If its experiment is to go on, make another: POST /v1/jobs/{id}/experiment/keys. Never put an "
    "API key into a page."
)
_HIDDEN = (
    "A page with `Referrer-Policy: no-referrer`, or in a frame with `sandbox`, hides its origin "
    "(docs/player.md). A service sends outcomes with an API key."
)
#: What scripts of other origins may read of an answer's headers.
EXPOSED = "Retry-After, X-Request-Id"
#: How long a browser may remember that it may ask from another origin.
PREFLIGHT_S = 600


class PublicKeyRefused(Forbidden):
    """A publishable key opens assignment, play and outcomes of its own experiment, nothing else."""

    code = "public_key_refused"
    hint = "Call this from your own service, with an API key that no browser ever sees."


class OriginRefused(Forbidden):
    """The page that asks is not of an origin of this publishable key."""

    code = "origin_refused"
    hint = (
        "Make a key whose `origins` has the page's, written as browsers send it, such as "
        "https://shop.example.com."
    )


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who watches: by which key, and from which origin where the browser told it."""

    key: PublicKey
    origin: str

    @property
    def key_text(self) -> str:
        return write_public_key(self.key.id)


def viewer() -> Viewer | None:
    """The viewer of this request; none where an API key has sent it."""
    return cast("Viewer | None", g.get("viewer"))


def answer_preflight() -> Response | None:
    """Tell a browser whether a page of another origin may ask (Fetch, 4.8); it shows no key yet.

    Raises:
        OriginRefused: no key of this experiment has that origin.
        RateExceeded: this address has asked too often.
    """
    origin = request.headers.get("Origin")
    asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
    if not asks or origin is None or not _is_for_viewers():
        return None
    try:
        count_viewer()
    except RateExceeded:
        # The request that follows is refused too, and only that refusal can be read by the page.
        if not _is_known_origin(origin, ask=False):
            raise
    else:
        if not _is_known_origin(origin, ask=True):
            raise OriginRefused
    g.viewer_origin = origin
    headers = {
        "Access-Control-Allow-Methods": "GET, POST",
        "Access-Control-Allow-Headers": "Authorization, Content-Type",
        "Access-Control-Max-Age": str(PREFLIGHT_S),
    }
    return Response(status=204, headers=headers)


def admit_viewer() -> bool:
    """Whether a publishable key was shown; then it opens this route, and `viewer` says whose it is.

    Raises:
        PublicKeyRefused: it does not open this route, or is of another experiment.
        Unauthorized: there is no such key, or it was revoked.
        OriginRefused: the page is not of its origins, or sends something and hides where it is.
        RateExceeded: this address has asked too often.
        StoreUnavailable
    """
    text = _shown_key()
    if text is None:
        return False
    count_viewer()
    g.viewer_counted = True
    if request.url_rule is None or (request.method, request.url_rule.rule) not in OPENED:
        raise PublicKeyRefused
    key = find_public_key(text)
    if key.job_id != (request.view_args or {}).get("job_id"):
        raise PublicKeyRefused(
            "This publishable key is of another experiment.",
            hint="Put the id of a job and a key of its own experiment into the page.",
        )
    g.viewer = Viewer(key, _check_origin(key))
    learn(public_key=key.id)
    return True


def find_public_key(text: str) -> PublicKey:
    """A key that works, by its text; what was revoked may work for `key_cache_s` more.

    Raises:
        Unauthorized: there is none, or it was revoked.
        StoreUnavailable
    """
    key_id = read_public_key(text)
    if key_id is None:
        raise Unauthorized(
            "This is no publishable key: its form or its checksum is wrong.",
            hint="See that the page has the whole of it: `cab_pub_...`, as it was made.",
        )
    key = state().shelves.keys.find(key_id)
    if key is None or not key.is_open:
        raise Unauthorized(
            "This publishable key is unknown or was revoked, or its job is gone.", hint=_ANOTHER
        )
    return key


def count_viewer() -> None:
    """Count a request of a viewer against those of its address.

    Raises:
        RateExceeded: there were too many in this minute.
    """
    name = f"viewer:{counted_address()}"
    take_turn(state().viewers, name, "requests of viewers from here", "viewers")


def open_to_origin(response: Response) -> Response:
    """Let a page of the experiment read the answer, and others embed what viewers see."""
    if not _is_for_viewers():
        return response
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.vary.update(("Origin", "Authorization"))
    origin = g.get("viewer_origin") or _refused_origin()
    if origin is not None:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = EXPOSED
    return response


def _refused_origin() -> str | None:
    """The origin of a page of this experiment whose request was refused before its key was read.

    Who has not been counted, or too often, makes nobody look anything up.
    """
    origin = request.headers.get("Origin")
    if origin is None or "caller" in g:  # an API key is not for pages
        return None
    try:
        known = _is_known_origin(origin, ask=bool(g.get("viewer_counted")))
    except StoreError:  # it is refused all the same, and for its own reason
        return None
    return origin if known else None


def _is_known_origin(origin: str, *, ask: bool) -> bool:
    """Whether it is of any key of this experiment; without `ask`, as far as is remembered.

    Raises:
        StoreUnavailable: never without `ask`.
    """
    job_id = (request.view_args or {}).get("job_id", "")
    shelves = state().shelves
    asks = ask and is_id(job_id, "job")  # what is no id is not worth a place among the known
    known = shelves.origins.find(job_id) if asks else shelves.origins.recall(job_id)
    key = shelves.keys.recall(read_public_key(_shown_key() or "") or "")
    if key is not None and key.job_id == job_id and key.is_open:
        known = (known or frozenset()) | set(key.origins)
    return is_own_origin(origin) or read_origin(origin) in (known or ())


def is_own_origin(origin: str) -> bool:
    """Whether a page of this service itself asks: by its public address, or the one asked for."""
    own = {_origin_of(public_url()), _origin_of(request.host_url)}
    return read_origin(origin) in own - {None}


def _origin_of(url: str) -> str | None:
    return read_origin("/".join(url.split("/")[:3]))


def _is_for_viewers() -> bool:
    return request.url_rule is not None and request.url_rule.rule in _RULES


def _shown_key() -> str | None:
    """The publishable key in the header, or in the address where there is no header."""
    told = request.headers.get("Authorization")
    if told is None:
        text = request.args.get("key", "")
    else:
        kind, _, text = told.strip().partition(" ")
        text = text.strip() if kind.lower() == "bearer" else ""
    return text if text.startswith(PREFIX) else None


def _check_origin(key: PublicKey) -> str:
    origin = request.headers.get("Origin")
    if origin is None:
        if request.method in _READING:  # a player's request has none, nor has one to its own site
            return ""
        text = "A browser says from which origin it sends outcomes; this did not."
        raise OriginRefused(text, hint=_HIDDEN)
    if read_origin(origin) not in key.origins and not is_own_origin(origin):
        text = f"{origin[:100]} is not among the origins of this key."
        raise OriginRefused(text, hint=_HIDDEN if origin == "null" else "")
    g.viewer_origin = origin
    return origin
