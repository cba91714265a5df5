"""Fetching results: from hosts that must not see our token, redirects followed by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urljoin

import requests

from service.clock import Clock
from service.errors import BodyTooLarge
from service.nemo.calls import watched
from service.nemo.errors import BackendConfused, BackendUnavailable, ResultGone
from service.nemo.exchange import TRANSPORT_ERRORS, read_pieces, unavailable
from service.nemo.limits import Limits
from service.nemo.refusals import classify

_REDIRECTS = 5
_MOVED = frozenset({301, 302, 303, 307, 308})
_GONE = frozenset({400, 401, 403, 404, 410})


class Downloads:
    """Plain GETs under a session whose connections are guarded."""

    def __init__(self, session: requests.Session, limits: Limits, clock: Clock) -> None:
        self._session = session
        self._limits = limits
        self._clock = clock

    @contextmanager
    def open(self, url: str, *, max_bytes: int) -> Iterator[Iterator[bytes]]:
        """Open an address for reading; gives the pieces of its body.

        Raises:
            ResultGone: the address does not work (any more).
            BodyTooLarge: the body is above `max_bytes`; also raised while reading.
            BackendUnavailable: it cannot be reached, or broke off while reading.
            AddressRefused: the guard does not let us go there.
        """
        with watched("download", self._clock), self._follow(url) as response:
            yield self.pieces(response, max_bytes)

    def pieces(self, response: requests.Response, max_bytes: int) -> Iterator[bytes]:
        """The body of a reply, counted and timed."""
        announced = response.headers.get("Content-Length", "")
        if announced.isdigit() and int(announced) > max_bytes:
            raise BodyTooLarge(f"The result has {announced} bytes; {max_bytes} are allowed.")
        return self._count(response, max_bytes)

    def _count(self, response: requests.Response, max_bytes: int) -> Iterator[bytes]:
        until_s = self._clock.monotonic_s() + self._limits.transfer_s
        seen = 0
        for piece in read_pieces(response):
            seen += len(piece)
            if seen > max_bytes:
                raise BodyTooLarge(f"The result has more than the {max_bytes} bytes allowed.")
            if self._clock.monotonic_s() > until_s:
                raise BackendUnavailable("The download took too long.")
            yield piece

    def _follow(self, url: str) -> requests.Response:
        for _ in range(_REDIRECTS + 1):
            response = self._get(_require_http(url))
            if response.status_code == 200:
                return response
            with response:
                if response.status_code not in _MOVED:
                    raise _refusal(response)
                location = response.headers.get("Location", "")
            if not location:
                raise BackendConfused("A redirect of the result leads nowhere.")
            url = join_url(url, location)
        raise ResultGone("The result's address redirects too often.")

    def _get(self, url: str) -> requests.Response:
        try:
            return self._session.get(
                url,
                headers={"Accept-Encoding": "identity"},
                auth=_send_none,
                timeout=(self._limits.connect_s, self._limits.read_s),
                allow_redirects=False,
                stream=True,
            )
        # requests' own InvalidURL is one of these, and so is what it makes of a bad Location
        except ValueError:
            raise ResultGone("The result's address is malformed.") from None
        except TRANSPORT_ERRORS as error:
            raise unavailable(error, sent=True) from None


def _require_http(url: str) -> str:
    if not url.lower().startswith(("http://", "https://")):
        raise ResultGone("The result's address is not an http address.")
    return url


def join_url(url: str, location: str) -> str:
    """Where a redirect leads.

    Raises:
        ResultGone: nowhere.
    """
    try:
        return urljoin(url, location)
    except ValueError:
        raise ResultGone("A redirect of the result is malformed.") from None


def _send_none(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """No credentials, not even a .netrc's."""
    return request


def _refusal(response: requests.Response) -> Exception:
    status = response.status_code
    if status in _GONE:
        return ResultGone(f"The result's address answered HTTP {status}.", http_status=status)
    error = classify(status, response.headers, b"")
    return error or BackendConfused(f"The result's address answered HTTP {status}.")
