"""One request to the backend and its reply: headers, timeouts, caps, retries, translation."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import requests
import urllib3

from service.clock import Clock
from service.errors import BackendError, OutboundFailed, OutboundTimeout
from service.nemo.body import GatedBody
from service.nemo.calls import call_name, watched
from service.nemo.errors import BackendConfused, BackendUnavailable, RateLimited
from service.nemo.headers import attribution
from service.nemo.limits import Limits
from service.nemo.refusals import classify
from service.tracing import trace_headers

BeforeSend = Callable[[], None]
OpenSession = Callable[[], requests.Session]
_PIECE_BYTES = 262_144
_LONGEST_PAUSE_S = 30.0
#: One of these tells how long a reply's body is.
_FRAMING = ("Content-Length", "Transfer-Encoding")
TRANSPORT_ERRORS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    OutboundFailed,
    OutboundTimeout,
)


class Exchange:
    """Sends requests to the backend's API under one address.

    It never follows a redirect, which would carry the token elsewhere. Safe for use by many
    threads or greenlets as far as the given session is.
    """

    def __init__(
        self,
        *,
        api_url: str,
        session: requests.Session,
        platform: str,
        limits: Limits,
        clock: Clock,
        open_session: OpenSession | None = None,
    ) -> None:
        self._api_url = api_url.rstrip("/")
        self._session = session
        self._open_session = open_session
        self._attribution = attribution(platform)
        self.limits = limits
        self.clock = clock

    def get(self, path: str, token: str, *, accept: Callable[[bytes], bool] | None = None) -> bytes:
        """Read a resource; a safe call, tried as often as there are backoff figures.

        `accept` may vouch for a reply under HTTP 2xx that looks like an unknown error.

        Raises:
            BackendError: the classified refusal, or the last failure.
        """
        return self._try(lambda: self._round_trip("GET", path, token, accept=accept), _is_passing)

    def post(
        self,
        path: str,
        token: str,
        payload: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        before_send: BeforeSend | None = None,
        accept: Callable[[bytes], bool] | None = None,
    ) -> bytes:
        """Create something; repeated only while no byte of the body has been written.

        Raises:
            BackendUnavailable: `sent` says whether the backend may have acted.
            BackendError: the classified refusal.
        """
        every = {"Content-Type": "application/json", **(headers or {})} if payload else headers
        content = json.dumps(payload).encode("ascii") if payload else b""

        def attempt() -> bytes:
            body = GatedBody([content], len(content), before_send) if content else None
            return self._round_trip("POST", path, token, body=body, headers=every, accept=accept)

        return self._try(attempt, _is_unsent)

    def post_body(self, path: str, token: str, body: GatedBody, content_type: str) -> bytes:
        """Send a body of any kind, once."""
        headers = {"Content-Type": content_type}
        return self._round_trip("POST", path, token, body=body, headers=headers)

    @contextmanager
    def fresh_session(self) -> Iterator[requests.Session]:
        """A session with no idle connection in it, for calls that must not be made twice.

        A server may close an idle connection in the very moment in which it is used again, and
        then nobody can say whether the request arrived.
        """
        if self._open_session is None:
            yield self._session
            return
        session = self._open_session()
        try:
            yield session
        finally:
            session.close()

    def open(
        self,
        method: str,
        path: str,
        token: str,
        *,
        session: requests.Session | None = None,
        body: GatedBody | None = None,
        headers: Mapping[str, str] | None = None,
        read_s: float | None = None,
    ) -> requests.Response:
        """Send a request and return the reply with its body unread.

        Raises:
            BackendUnavailable: there is no reply; `sent` says whether the body was begun.
        """
        try:
            return (session or self._session).request(
                method,
                self._api_url + path,
                data=body,
                headers={**self._common(), **(headers or {})},
                auth=_Bearer(token),
                timeout=(self.limits.connect_s, read_s or self.limits.read_s),
                allow_redirects=False,
                stream=True,
            )
        except TRANSPORT_ERRORS as error:
            if body is not None and body.refusal is not None:
                raise body.refusal from None
            sent = body.opened if body is not None else _has_connected(error)
            raise unavailable(error, sent=sent) from None

    def _common(self) -> dict[str, str]:
        return {**self._attribution, "Accept": "application/json", **trace_headers()}

    def read(self, response: requests.Response) -> bytes:
        """Read a reply's whole body, up to the limit, and let its connection go.

        Raises:
            BackendUnavailable: it broke off or took too long.
            BackendConfused: it is too long.
        """
        until_s = self.clock.monotonic_s() + self.limits.transfer_s
        found = bytearray()
        with response:
            for piece in read_pieces(response):
                found += piece
                if len(found) > self.limits.reply_bytes:
                    raise BackendConfused("The reply is too long.")
                if self.clock.monotonic_s() > until_s:
                    raise BackendUnavailable("The reply took too long.")
        return bytes(found)

    def refusal(self, response: requests.Response, body: bytes, token: str) -> BackendError | None:
        """The error that a reply is, if any."""
        return classify(response.status_code, response.headers, body, secrets=(token,))

    def _round_trip(
        self,
        method: str,
        path: str,
        token: str,
        *,
        body: GatedBody | None = None,
        headers: Mapping[str, str] | None = None,
        accept: Callable[[bytes], bool] | None = None,
    ) -> bytes:
        fresh = nullcontext() if method == "GET" else self.fresh_session()
        with watched(call_name(method, path), self.clock), fresh as session:
            response = self.open(method, path, token, session=session, body=body, headers=headers)
            content = self.read(response)
            error = self.refusal(response, content, token)
            if error is None:
                return content
            odd_but_fine = isinstance(error, BackendConfused) and response.status_code < 300
            if odd_but_fine and accept is not None and accept(content):
                return content
            raise error

    def _try(
        self, attempt: Callable[[], bytes], may_repeat: Callable[[BackendError], bool]
    ) -> bytes:
        for pause_s in self.limits.backoff_s[:-1]:
            try:
                return attempt()
            except BackendError as error:
                wait_s = max(pause_s, getattr(error, "retry_after_s", None) or 0.0)
                if not may_repeat(error) or wait_s > _LONGEST_PAUSE_S:
                    raise
            self.clock.sleep(wait_s * (1 + secrets.randbelow(250) / 1000))
        return attempt()


class _Bearer(requests.auth.AuthBase):
    """Puts the token into the header; given as auth, it also keeps a .netrc from doing so."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def read_pieces(response: requests.Response) -> Iterator[bytes]:
    """The body of a reply in pieces.

    Raises:
        BackendUnavailable: the connection broke or fell silent.
    """
    empty = True
    try:
        for piece in response.iter_content(_PIECE_BYTES):
            empty = False
            yield piece
    except TRANSPORT_ERRORS as error:
        raise unavailable(error, sent=True) from None
    # http.client takes a head that broke off for a whole one.
    if empty and response.status_code == 200 and not any(n in response.headers for n in _FRAMING):
        raise BackendUnavailable("The reply broke off in its head.", sent=True)


def unavailable(error: Exception, *, sent: bool) -> BackendUnavailable:
    """A transport failure in our words; its kind is named, its text may hold addresses."""
    detail = f"The backend cannot be reached ({type(_reason(error)).__name__})."
    silent = isinstance(error, requests.ReadTimeout | OutboundTimeout)
    return BackendUnavailable(detail, sent=sent, silent=silent)


def _reason(error: BaseException) -> BaseException:
    """The urllib3 failure inside a requests one."""
    inner = error.args[0] if error.args else None
    found = getattr(inner, "reason", inner)
    return found if isinstance(found, BaseException) else error


def _has_connected(error: BaseException) -> bool:
    # a NewConnectionError is one of these too
    return not isinstance(_reason(error), urllib3.exceptions.ConnectTimeoutError)


def _is_passing(error: BackendError) -> bool:
    return isinstance(error, BackendUnavailable | RateLimited)


def _is_unsent(error: BackendError) -> bool:
    return isinstance(error, BackendUnavailable) and not error.sent
