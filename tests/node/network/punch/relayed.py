"""A relayed link between two ends, over a pair of sockets instead of a relay."""

from __future__ import annotations

import contextlib
import socket as stdlib_socket
from collections.abc import AsyncIterator
from functools import partial

import pytest
import trio

from commonweal.node.network.channel.carrier import SocketCarrier
from commonweal.node.network.channel.noise import peer_id, secure
from commonweal.node.network.connections.connection import Connection
from commonweal.node.transport import PeerKey
from tests.builders.link_pairs import PATIENCE_S, End

IS_LOOPBACK = "commonweal.node.network.connections.dial_port.is_loopback"


def allow_loopback(monkeypatch: pytest.MonkeyPatch, *ends: End) -> None:
    """Let loopback stand for the Internet, in which each end sees the other's listening port."""
    monkeypatch.setattr(IS_LOOPBACK, lambda host: False)
    for end in ends:
        end.network._relay.puncher._allows = lambda host: True
        end.network._relay.puncher._own = partial(getattr, end.network.own, "addresses")


@contextlib.asynccontextmanager
async def relayed_link(client: End, server: End) -> AsyncIterator[tuple[Connection, Connection]]:
    """The connections of both ends; the client opened the link. Closed at the end."""
    circuit = f"/ip4/192.0.2.1/tcp/4001/p2p/{peer_id(server.key)}/p2p-circuit"
    near, far = trio.socket.socketpair(type=stdlib_socket.SOCK_STREAM)

    async def serve(end: End, socket: trio.socket.SocketType, expected: PeerKey | None) -> None:
        stream = trio.SocketStream(socket)
        async with stream:
            _, channel = await secure(SocketCarrier(stream), end.network._keys, expected)
            await end.network._serve(
                *(client.key if expected is None else expected, channel, circuit),
                trio.CancelScope(),
                agreed=None if expected is None else _nothing,
            )

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, client, near, server.key)
        nursery.start_soon(serve, server, far, None)
        with trio.fail_after(PATIENCE_S):
            while not (client.has(server.key) and server.has(client.key)):
                await trio.sleep(0.002)
        links = client.network._links.linked, server.network._links.linked
        yield links[0][server.key], links[1][client.key]
        nursery.cancel_scope.cancel()


def _nothing() -> None:
    return None
