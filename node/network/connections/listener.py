"""The listener: opens the listening sockets, and accepts and secures inbound connections.

Whether a connection may come in is decided by accept_limit.py, what becomes of a secured one by
libp2p.py. A connection whose peer is not admitted within HELLO_MS_MAX is closed.
"""

from __future__ import annotations

import errno
import logging
import socket as stdlib_socket
from collections.abc import Callable, Sequence
from typing import Final

import trio
from libp2p.crypto.keys import KeyPair

from commonweal.node.network.addresses import Endpoint, parse, remote
from commonweal.node.network.channel.carrier import SocketCarrier
from commonweal.node.network.channel.noise import secure
from commonweal.node.network.connections.accept_limit import AcceptLimit, PendingConnection
from commonweal.node.network.connections.connection import ServeConnection
from commonweal.node.network.connections.dial_port import lasting, share
from commonweal.node.transport import HELLO_MS_MAX, PeerKey
from commonweal.protocol.errors import ConfigError

log = logging.getLogger(__name__)

BACKLOG: Final = 128
ACCEPT_AGAIN_S: Final = 0.2
"""Pause before accepting again when the system has no free file."""


class PortTaken(ConfigError):
    """Another program listens on this port; stop it, or choose another with --listen."""


class CannotListen(ConfigError):
    """The node cannot listen on this address; choose another with --listen."""


class Listener:
    """Accepts connections on the sockets of one node.

    has_room: whether the node may hold another connection at all. client_towards: the peer that
    is dialled from both ends at this address, if we are to be the client of what comes from it.
    """

    def __init__(
        self,
        keys: KeyPair,
        limit: AcceptLimit,
        has_room: Callable[[], bool],
        serve: ServeConnection,
        client_towards: Callable[[str, int], PeerKey | None] = lambda host, port: None,
    ) -> None:
        self._keys, self._limit = keys, limit
        self._client_towards = client_towards
        self._has_room, self._serve = has_room, serve

    async def accept(self, listening: trio.SocketListener) -> None:
        """Accept or refuse each connection to one socket, until cancelled."""
        async with trio.open_nursery() as nursery:
            while True:
                try:
                    socket = await listening.accept()
                except OSError as error:
                    log.warning("cannot accept a connection: %s", error)
                    await trio.sleep(ACCEPT_AGAIN_S)
                    continue
                scope = trio.CancelScope(deadline=trio.current_time() + HELLO_MS_MAX / 1_000)
                address = remote(socket)
                place = None
                if address and self._has_room():
                    place = self._limit.enter(parse(address).host, scope.cancel)
                if place is None:
                    socket.socket.close()
                    continue
                lasting(socket.socket)
                nursery.start_soon(self._secure, socket, scope, place)

    async def _secure(
        self, socket: trio.SocketStream, scope: trio.CancelScope, place: PendingConnection
    ) -> None:
        try:
            with scope:
                address = remote(socket)
                endpoint = parse(address)
                expected = self._client_towards(endpoint.host, endpoint.port)
                peer, channel = await secure(SocketCarrier(socket), self._keys, expected)
                if expected is None:
                    await self._serve(peer, channel, address, scope, pending=place)
                else:
                    await self._serve(
                        *(peer, channel, address, scope), pending=place, agreed=_nothing
                    )
        except Exception as error:  # the wall around libp2p
            log.debug("an inbound connection ended: %s: %s", type(error).__name__, error)
        finally:
            self._limit.leave(place)
            socket.socket.close()


def _nothing() -> None:
    return None


async def listen(addresses: Sequence[str]) -> list[trio.SocketListener]:
    """Return sockets that listen on these multiaddrs; a port 0 becomes the first port chosen.

    Raises PortTaken, or CannotListen when an address is not ours. An IPv6 address is left
    out on a machine without IPv6, when another address remains.
    """
    listeners: list[trio.SocketListener] = []
    chosen, absent = 0, ""
    try:
        for address in addresses:
            try:
                endpoint = parse(address)
            except ValueError as wrong:
                raise CannotListen(f"{address}: {wrong}") from wrong
            port = endpoint.port or chosen
            try:
                listener = await _bind(endpoint, port)
            except OSError as error:
                if error.errno == errno.EADDRINUSE and endpoint.port == 0:
                    listener = await _bind(endpoint, 0)
                elif error.errno == errno.EADDRINUSE:
                    raise PortTaken(f"port {port}") from error
                elif endpoint.kind == "ip6":
                    absent = f"{address}: {error.strerror}"
                    continue
                else:
                    raise CannotListen(f"{address}: {error.strerror}") from error
            listeners.append(listener)
            chosen = chosen or listener.socket.getsockname()[1]
        if not listeners:
            raise CannotListen(absent or "no address was given")
    except BaseException:
        for listener in listeners:
            listener.socket.close()
        raise
    return listeners


async def _bind(endpoint: Endpoint, port: int) -> trio.SocketListener:
    if endpoint.kind not in ("ip4", "ip6"):
        raise CannotListen(f"{endpoint}: listen on a number, not on a name")
    is_v6 = endpoint.kind == "ip6"
    family = stdlib_socket.AF_INET6 if is_v6 else stdlib_socket.AF_INET
    socket = trio.socket.socket(family, stdlib_socket.SOCK_STREAM)
    try:
        socket.setsockopt(stdlib_socket.SOL_SOCKET, stdlib_socket.SO_REUSEADDR, 1)
        if is_v6:
            socket.setsockopt(stdlib_socket.IPPROTO_IPV6, stdlib_socket.IPV6_V6ONLY, 1)
        await socket.bind((endpoint.host, port))
        socket.listen(BACKLOG)
        share(socket)
    except BaseException:
        socket.close()
        raise
    return trio.SocketListener(socket)
