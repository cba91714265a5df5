"""Calls to addresses that somebody gave: guarded, bounded in time and size.

Measured against plain `requests`, each of these is a trap that this module closes: a timeout counts
only silence; a gzip bomb is inflated; the body of a 3xx is read whole even with `stream=True`;
HTTP_PROXY takes the connection elsewhere; ~/.netrc sends credentials to a stranger.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urldefrag, urljoin

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectTimeout, ReadTimeout, SSLError
from urllib3 import PoolManager, Retry
from urllib3.exceptions import HTTPError, NameResolutionError, ReadTimeoutError

from service.clock import Clock
from service.errors import (
    AddressRefused,
    BodyTooLarge,
    ConnectionRefused,
    NameUnknown,
    OutboundError,
    OutboundFailed,
    OutboundTimeout,
    TlsFailed,
)
from service.outbound.deadline import Watch, watched
from service.outbound.dial import Dialer, Resolver, pool_classes, resolve_by_system
from service.outbound.guard import CheckedUrl, Policy, check_url

PIECE_BYTES = 64 * 1024
MOST_REDIRECTS = 5
_MOST_CAUSES = 8
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class GuardedAdapter(HTTPAdapter):
    """Sends through connections that judge where they go; knows no proxies and no retries."""

    def __init__(self, dialer: Dialer, *, connect_s: float, read_s: float) -> None:
        self._dialer = dialer
        self._timeout = (connect_s, read_s)
        super().__init__(max_retries=Retry(total=0, redirect=False, read=False))

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        manager: PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = pool_classes(self._dialer)

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        check_url(request.url or "", self._dialer.policy)
        kwargs["proxies"] = None
        kwargs["timeout"] = kwargs.get("timeout") or self._timeout
        return super().send(request, *args, **kwargs)


class GuardedSession(requests.Session):
    """A session that follows nothing, keeps nothing and reads nothing of its environment."""

    def __init__(self, dialer: Dialer, *, connect_s: float, read_s: float) -> None:
        super().__init__()
        self.policy = dialer.policy
        self.keep_alive = dialer.keep_alive
        self.trust_env = False
        self.headers["User-Agent"] = "Caption-AB"
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.adapters.clear()
        for scheme in ("https://", "http://"):
            self.mount(scheme, GuardedAdapter(dialer, connect_s=connect_s, read_s=read_s))

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002
        # With a target, requests reads the whole body of a 3xx even when it follows nothing.
        return None


@dataclass(frozen=True, slots=True)
class Answer:
    """What an address answered: `body` holds the first bytes, as sent, not decoded."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool
    duration_s: float


@dataclass(frozen=True, slots=True)
class Incoming:
    """An answer whose body is still arriving."""

    status: int
    headers: Mapping[str, str]
    url: CheckedUrl
    response: requests.Response
    watch: Watch

    def chunks(self, *, max_bytes: int) -> Iterator[bytes]:
        """The raw body in pieces of at most 64 KiB.

        Raises:
            BodyTooLarge: more than `max_bytes` are announced or come.
            OutboundTimeout, OutboundFailed: it stopped, or the deadline passed.
        """
        announced = self.headers.get("Content-Length", "")
        if announced.isascii() and announced.isdigit() and int(announced) > max_bytes:
            raise BodyTooLarge(f"The address holds more than {max_bytes} bytes.")
        total = 0
        with _translated(self.watch):
            for piece in self.response.raw.stream(PIECE_BYTES, decode_content=False):
                self.watch.check()
                total += len(piece)
                if total > max_bytes:
                    raise BodyTooLarge(f"The address holds more than {max_bytes} bytes.")
                yield piece
            self.watch.check()


def open_session(
    policy: Policy,
    *,
    connect_s: float,
    read_s: float,
    resolver: Resolver = resolve_by_system,
    keep_alive: bool = False,
) -> GuardedSession:
    """A session for addresses under one policy; safe to share between threads and greenlets.

    `connect_s` bounds name look-up and connecting each, `read_s` the silence between two reads.
    `keep_alive` lets connections serve again: for one known host, never for callers' addresses.
    """
    dialer = Dialer(policy, resolver, keep_alive)
    return GuardedSession(dialer, connect_s=connect_s, read_s=read_s)


def fetch(
    session: GuardedSession,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    deadline_s: float,
    max_bytes: int = 4096,
    clock: Clock,
) -> Answer:
    """One attempt under a total deadline; follows no redirect and keeps `max_bytes` of the body.

    Raises:
        AddressRefused: the address or what it resolves to is not allowed.
        OutboundTimeout, OutboundFailed: no whole answer in time, or none at all.
    """
    started_s = clock.monotonic_s()
    with watched(deadline_s, clock) as watch, _translated(watch):
        response = _send(session, method, check_url(url, session.policy), headers, body)
        with contextlib.closing(response):
            first = response.raw.read(max_bytes + 1, decode_content=False)
            watch.check()
            return Answer(
                status=response.status_code,
                headers=response.headers,
                body=first[:max_bytes],
                truncated=len(first) > max_bytes,
                duration_s=clock.monotonic_s() - started_s,
            )


@contextlib.contextmanager
def open_stream(
    session: GuardedSession,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    deadline_s: float,
    clock: Clock,
) -> Iterator[Incoming]:
    """GET an address and follow up to 5 redirects by hand, each judged like the first.

    The deadline covers the block. Headers given go to the first origin only.

    Raises:
        AddressRefused, OutboundTimeout, OutboundFailed: as `fetch`, also while reading chunks.
    """
    with watched(deadline_s, clock) as watch, contextlib.ExitStack() as stack:
        with _translated(watch):
            target, response = _follow(session, check_url(url, session.policy), headers, watch)
            stack.callback(response.close)
        yield Incoming(response.status_code, response.headers, target, response, watch)


def _follow(
    session: GuardedSession, target: CheckedUrl, headers: Mapping[str, str] | None, watch: Watch
) -> tuple[CheckedUrl, requests.Response]:
    for _ in range(MOST_REDIRECTS + 1):
        response = _send(session, "GET", target, headers, None)
        location = response.headers.get("Location")
        if response.status_code not in _REDIRECTS or not location:
            return target, response
        response.close()
        watch.check()
        following = check_url(urldefrag(urljoin(target.url, location)).url, session.policy)
        headers = headers if following.origin == target.origin else None
        target = following
    raise OutboundFailed(f"The address redirects more than {MOST_REDIRECTS} times.")


def _send(
    session: GuardedSession,
    method: str,
    target: CheckedUrl,
    headers: Mapping[str, str] | None,
    body: bytes | None,
) -> requests.Response:
    fixed = {"Accept-Encoding": "identity"}
    if not session.keep_alive:
        fixed["Connection"] = "close"
    return session.request(
        method,
        target.url,
        headers={**(headers or {}), **fixed},
        data=body,
        allow_redirects=False,
        stream=True,
    )


@contextlib.contextmanager
def _translated(watch: Watch) -> Iterator[None]:
    """Turn what requests and urllib3 raise into our tree; their texts hold whole URLs."""
    try:
        yield
    except OutboundError:
        raise
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        watch.check()
        raise _as_outbound(error) from None


def _as_outbound(error: Exception) -> OutboundError:
    if isinstance(error, ConnectTimeout):
        return OutboundTimeout("The address could not be reached in time.")
    if isinstance(error, ReadTimeout | ReadTimeoutError | TimeoutError):
        return OutboundTimeout("The address fell silent.")
    if isinstance(error, SSLError):
        return TlsFailed("The certificate or TLS of the address was not accepted.")
    if isinstance(error, requests.exceptions.InvalidURL):
        return AddressRefused("The address is not valid.")
    for cause in _causes(error):
        if isinstance(cause, NameResolutionError):
            return NameUnknown("The name of the address leads nowhere.")
        if isinstance(cause, ConnectionRefusedError):
            return ConnectionRefused("Nothing listens at the port of the address.")
    return OutboundFailed("The address could not be reached or broke off.")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """What led to an error: requests keeps it as an argument, urllib3 as a reason or a cause."""
    found: Any = error
    for _ in range(_MOST_CAUSES):
        if not isinstance(found, BaseException):
            return
        yield found
        named = getattr(found, "reason", None) or found.__cause__
        found = named or next(iter(found.args), None)
