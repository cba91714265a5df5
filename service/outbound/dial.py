"""Connections that resolve, judge and dial by themselves.

A name is resolved once per connection, every answer must pass, and the socket goes to the answer
that was judged. TLS still verifies the name, since urllib3 keeps it for SNI, Host and certificate.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from service.errors import AddressRefused
from service.outbound.deadline import current_watch
from service.outbound.descriptors import lift
from service.outbound.framing import BoundedReply
from service.outbound.guard import (
    IPAddress,
    Policy,
    check_address,
    is_open_loopback,
    is_peer,
    read_literal,
)

if TYPE_CHECKING:
    from urllib3._base_connection import BaseHTTPConnection

Resolver = Callable[..., Sequence[tuple[Any, ...]]]

_MOST_ADDRESSES = 6


def resolve_by_system(*args: Any) -> Sequence[tuple[Any, ...]]:
    """`socket.getaddrinfo`, looked up late so that a patched socket module counts."""
    return socket.getaddrinfo(*args)


@dataclass(frozen=True, slots=True)
class Answer:
    """One address to dial."""

    family: int
    sockaddr: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Dialer:
    """Opens sockets under one policy.

    Without `keep_alive` no connection serves twice: each request is judged when dialled, and none
    meets a connection that the other side has just given up.
    """

    policy: Policy
    resolver: Resolver = resolve_by_system
    keep_alive: bool = False

    def answers(self, host: str, port: int, *, timeout_s: float | None) -> list[Answer]:
        """Addresses of a host, all of them judged.

        Raises:
            AddressRefused: one of them is not allowed; the others do not help.
            OSError: the name does not resolve (gaierror) or not in time (TimeoutError).
        """
        literal = read_literal(host)
        if literal is not None:
            found = [_answer_of(literal, port)]
        elif is_open_loopback(host, port, self.policy):
            # RFC 6761: this name is loopback, whatever a resolver says.
            found = [Answer(socket.AF_INET, ("127.0.0.1", port))]
            found += [Answer(socket.AF_INET6, ("::1", port, 0, 0))]
        else:
            found = self._resolve(host, port, timeout_s)
        policy = self._policy_for(host, port, literal)
        for answer in found:
            _judge(answer.sockaddr, policy)
        return found[:_MOST_ADDRESSES]

    def dial(self, conn: HTTPConnection, host: str, timeout_s: float | None) -> socket.socket:
        """Connect to the first address that answers.

        Raises:
            AddressRefused: the host or the peer really reached is not allowed.
            NameResolutionError, ConnectTimeoutError, NewConnectionError: as urllib3 has them.
        """
        port = conn.port or 0
        try:
            answers = self.answers(host, port, timeout_s=timeout_s)
        except socket.gaierror as error:
            raise NameResolutionError(host, conn, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(conn, "The name did not resolve in time.") from error
        policy = self._policy_for(host, port, read_literal(host))
        failure: OSError = OSError("no address")
        for answer in answers:
            try:
                return _connect(answer, policy, timeout_s, conn.socket_options or ())
            except OSError as error:
                failure = error
        if isinstance(failure, TimeoutError):
            raise ConnectTimeoutError(conn, "Connecting took too long.") from failure
        raise NewConnectionError(conn, "Connecting failed.") from failure

    def _policy_for(self, host: str, port: int, literal: IPAddress | None) -> Policy | None:
        """How to judge the addresses of a host; None where the operator answers for them."""
        if is_peer(host, port, self.policy):
            return None
        # A public name must not lead to loopback, not even to a port that is open for it.
        if literal is not None or host == "localhost":
            return self.policy
        return replace(self.policy, loopback_ports=frozenset())

    def _resolve(self, host: str, port: int, timeout_s: float | None) -> list[Answer]:
        rows = _within(timeout_s, lambda: self.resolver(host, port, 0, socket.SOCK_STREAM))
        answers = [Answer(int(row[0]), tuple(row[4])) for row in rows]
        if not answers:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        return answers


def pool_classes(dialer: Dialer) -> dict[str, type[HTTPConnectionPool]]:
    """Pools whose connections dial through `dialer`, by scheme, for a urllib3 PoolManager."""

    class GuardedHTTPConnection(HTTPConnection):
        response_class = BoundedReply

        def _new_conn(self) -> socket.socket:
            return dialer.dial(self, _bare(self._dns_host), _seconds(self.timeout))

        def request(self, *args: Any, **kwargs: Any) -> None:
            _hold_reused(self.sock)
            super().request(*args, **kwargs)

    class GuardedHTTPSConnection(HTTPSConnection):
        response_class = BoundedReply

        def _new_conn(self) -> socket.socket:
            return dialer.dial(self, _bare(self._dns_host), _seconds(self.timeout))

        def request(self, *args: Any, **kwargs: Any) -> None:
            _hold_reused(self.sock)
            super().request(*args, **kwargs)

    class GuardedHTTPPool(HTTPConnectionPool):
        ConnectionCls = GuardedHTTPConnection

        def _put_conn(self, conn: BaseHTTPConnection | None) -> None:
            super()._put_conn(_retired(conn, dialer))

    class GuardedHTTPSPool(HTTPSConnectionPool):
        ConnectionCls = GuardedHTTPSConnection

        def _put_conn(self, conn: BaseHTTPConnection | None) -> None:
            super()._put_conn(_retired(conn, dialer))

    return {"http": GuardedHTTPPool, "https": GuardedHTTPSPool}


def _answer_of(literal: IPAddress, port: int) -> Answer:
    if literal.version == 4:
        return Answer(socket.AF_INET, (str(literal), port))
    return Answer(socket.AF_INET6, (str(literal), port, 0, 0))


def _judge(sockaddr: tuple[Any, ...], policy: Policy | None) -> None:
    if policy is None:
        return
    if len(sockaddr) == 4 and sockaddr[3]:
        raise AddressRefused("The address has a zone.")
    check_address(str(sockaddr[0]), int(sockaddr[1]), policy)


def _connect(
    answer: Answer, policy: Policy | None, timeout_s: float | None, options: Sequence[Any]
) -> socket.socket:
    watch = current_watch()
    if watch is not None:
        watch.check()
        left_s = max(0.001, watch.left_s)
        timeout_s = left_s if timeout_s is None else min(timeout_s, left_s)
    sock = lift(socket.socket(answer.family, socket.SOCK_STREAM))
    try:
        for option in options:
            sock.setsockopt(*option)
        sock.settimeout(timeout_s)
        if watch is not None:
            watch.hold(sock)
        _judge(answer.sockaddr, policy)
        sock.connect(answer.sockaddr)
        _judge(sock.getpeername(), policy)
    except BaseException:
        sock.close()
        raise
    return sock


def _retired(conn: BaseHTTPConnection | None, dialer: Dialer) -> BaseHTTPConnection | None:
    if conn is not None and not dialer.keep_alive:
        conn.close()
    return conn


def _hold_reused(sock: socket.socket | None) -> None:
    watch = current_watch()
    if watch is not None and sock is not None:
        watch.hold(sock)


def _bare(host: str) -> str:
    return host.strip("[]").removesuffix(".")


def _seconds(timeout: object) -> float | None:
    return float(timeout) if isinstance(timeout, int | float) else None


def _within(timeout_s: float | None, work: Callable[[], Sequence[tuple[Any, ...]]]) -> Any:
    """Run a resolver, which knows no timeout, in a thread that may be left behind."""
    results: list[Any] = []

    def run() -> None:
        try:
            results.append((work(), None))
        except Exception as error:  # noqa: BLE001  # handed over to the waiting side
            results.append((None, error))

    thread = threading.Thread(target=run, name="resolve", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if not results:
        raise TimeoutError
    rows, error = results[0]
    if error is not None:
        raise error
    return rows
