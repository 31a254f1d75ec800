"""The dial port: dials go out from the port on which this node listens.

A router with endpoint-independent mapping then shows every peer one and the same address of this
node, and it is the one at which its listener may be reached from outside. Where the system does
not let the port be shared, or the same two ports were connected a moment ago, a free port is used.
It never listens.
"""

from __future__ import annotations

import errno
import socket as stdlib_socket
from collections.abc import Sequence
from ipaddress import ip_address
from itertools import zip_longest
from typing import Final

import trio

from commonweal.node.network.addresses import Endpoint

STAGGER_S: Final = 0.25
"""Time after which the next number of a name is tried, too (RFC 8305, section 5)."""
NUMBERS_MAX: Final = 6
"""Numbers of one name that are tried."""
CAN_SHARE: Final = hasattr(stdlib_socket, "SO_REUSEPORT")
IDLE_S: Final = 5
"""Time after which a silent connection is asked by the system whether its other end is there."""
QUESTION_S: Final = 3
QUESTIONS_MAX: Final = 3
"""Questions without an answer after which it has ended: 14 s after the last sign of the peer."""
_TAKEN: Final = (errno.EADDRINUSE, errno.EADDRNOTAVAIL)


class PortNotFree(OSError):
    """The listening port cannot be the source of this connection."""


class DialPort:
    """The port that dials of one node go out from, of each family; none before `share`."""

    def __init__(self) -> None:
        self._ports: dict[int, int] = {}

    def share(self, listeners: Sequence[trio.SocketListener]) -> None:
        """From now on dial from the ports of these listeners; those on loopback are left out."""
        self._ports.clear()
        for listener in listeners:
            socket = listener.socket
            host, port = socket.getsockname()[:2]
            if CAN_SHARE and not is_loopback(host):
                self._ports.setdefault(socket.family, port)

    def port(self, host: str) -> int | None:
        """Return the port that a dial to this number goes out from, or None for a free one."""
        return None if is_loopback(host) else self._ports.get(_family(host))

    def is_shared(self, stream: trio.SocketStream) -> bool:
        """Return whether a connection goes out from the port that we listen on."""
        return bool(self._ports.get(stream.socket.family) == stream.socket.getsockname()[1])

    async def connect(self, endpoint: Endpoint, *, shares: bool = True) -> trio.SocketStream:
        """Return a connection to an endpoint, from the listening port where that is possible.

        shares: False for a free port. The numbers of a name are tried STAGGER_S after each other,
        the first to answer wins. Raises OSError.
        """
        connect = self._connect if shares else connect_from_free_port
        if endpoint.kind in ("ip4", "ip6"):
            return await connect(endpoint.host, endpoint.port)
        hosts = await _numbers(endpoint)
        winner: trio.SocketStream | None = None
        errors: list[OSError] = []

        async def attempt(host: str, failed: trio.Event) -> None:
            nonlocal winner
            try:
                stream = await connect(host, endpoint.port)
            except OSError as error:
                errors.append(error)
                failed.set()
                return
            if winner is None:
                winner = stream
            else:
                stream.socket.close()
            nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            for host in hosts:
                failed = trio.Event()
                nursery.start_soon(attempt, host, failed)
                with trio.move_on_after(STAGGER_S):
                    await failed.wait()
        if winner is None:
            raise errors[0]
        return winner

    async def connect_from_port(self, host: str, port: int) -> trio.SocketStream:
        """Return a connection that goes out from the listening port and from no other.

        host: a number. Raises PortNotFree, or another OSError when the other end is not reached.
        """
        own = self.port(host)
        if own is None:
            raise PortNotFree("no listener's port can be shared for this address")
        try:
            socket = await _bound(host, own)
        except OSError as error:
            raise PortNotFree(*error.args) from error
        try:
            await socket.connect((host, port))
            if socket.getsockname()[:2] == socket.getpeername()[:2]:
                raise PortNotFree("this is our own address")
        except BaseException as error:
            socket.close()
            if isinstance(error, OSError) and error.errno in _TAKEN:
                raise PortNotFree(*error.args) from error
            raise
        return lasting(socket)

    async def _connect(self, host: str, port: int) -> trio.SocketStream:
        try:
            return await self.connect_from_port(host, port)
        except PortNotFree:
            return await connect_from_free_port(host, port)


async def connect_from_free_port(host: str, port: int) -> trio.SocketStream:
    """Return a connection to a number, from any port but the one we listen on. Raises OSError."""
    socket = trio.socket.socket(_family(host), stdlib_socket.SOCK_STREAM)
    try:
        await socket.connect((host, port))
    except BaseException:
        socket.close()
        raise
    return lasting(socket)


def lasting(socket: trio.socket.SocketType) -> trio.SocketStream:
    """Return a connection that ends by itself when its other end is gone.

    The router of either end may have got another address, or forgotten the connection while this
    machine slept; a link that carries nothing would never notice. Source: RFC 9293, section 3.8.4.
    """
    options = {"TCP_KEEPIDLE": IDLE_S, "TCP_KEEPALIVE": IDLE_S, "TCP_KEEPINTVL": QUESTION_S}
    options |= {"TCP_KEEPCNT": QUESTIONS_MAX}
    socket.setsockopt(stdlib_socket.SOL_SOCKET, stdlib_socket.SO_KEEPALIVE, 1)
    for name, value in options.items():
        if (option := getattr(stdlib_socket, name, None)) is not None:  # not on every system
            socket.setsockopt(stdlib_socket.IPPROTO_TCP, option, value)
    return trio.SocketStream(socket)


def share(socket: trio.socket.SocketType) -> None:
    """Let dials go out from the port of this listening socket; no other socket may listen on it.

    Set after `bind`, so that a second node that binds the port is refused: only who asks for
    sharing before `bind`, as a dial does, is let in.
    """
    if CAN_SHARE:
        socket.setsockopt(stdlib_socket.SOL_SOCKET, stdlib_socket.SO_REUSEPORT, 1)


def is_loopback(host: str) -> bool:
    """Return whether a number is of this machine alone."""
    return ip_address(host.partition("%")[0]).is_loopback


async def _bound(host: str, port: int) -> trio.socket.SocketType:
    """Return a socket that will connect to `host` from this port of any of our addresses."""
    family = _family(host)
    socket = trio.socket.socket(family, stdlib_socket.SOCK_STREAM)
    try:
        socket.setsockopt(stdlib_socket.SOL_SOCKET, stdlib_socket.SO_REUSEADDR, 1)
        socket.setsockopt(stdlib_socket.SOL_SOCKET, stdlib_socket.SO_REUSEPORT, 1)
        if family == stdlib_socket.AF_INET6:
            socket.setsockopt(stdlib_socket.IPPROTO_IPV6, stdlib_socket.IPV6_V6ONLY, 1)
        await socket.bind(("", port))  # the system chooses the address by the route
    except BaseException:
        socket.close()
        raise
    return socket


async def _numbers(endpoint: Endpoint) -> list[str]:
    """Return the numbers of a name, families in turn, as the system prefers them."""
    families = {"dns4": stdlib_socket.AF_INET, "dns6": stdlib_socket.AF_INET6}
    resolved = await trio.socket.getaddrinfo(
        endpoint.host,
        endpoint.port,
        families.get(endpoint.kind, stdlib_socket.AF_UNSPEC),
        stdlib_socket.SOCK_STREAM,
    )
    hosts = list(dict.fromkeys(str(address[0]) for *_, address in resolved))
    first = [host for host in hosts if _family(host) == _family(hosts[0])]
    others = [host for host in hosts if host not in first]
    mixed = [host for pair in zip_longest(first, others) for host in pair if host is not None]
    return mixed[:NUMBERS_MAX]


def _family(host: str) -> int:
    return stdlib_socket.AF_INET6 if ":" in host else stdlib_socket.AF_INET
