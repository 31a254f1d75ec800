"""The stream protocols of a node: what a peer may open at its trust level, and what serves it.

Each part of the network adds its own protocols here. A protocol that a peer may not open is
answered like an unknown one. Nothing here knows what a protocol says.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import trio
from libp2p.custom_types import TProtocol

from commonweal.node.network.channel.multistream import choose, offer
from commonweal.node.network.channel.stream import Stream
from commonweal.node.network.channel.yamux import Mux
from commonweal.node.network.connections.connection import Connection
from commonweal.node.transport import TrustLevel

NEGOTIATE_S: Final = 10.0
"""Longest time in which two ends agree on the protocol of a stream."""

ServeStream: TypeAlias = Callable[[Connection, Stream], Awaitable[None]]

_RANKS: Final = {TrustLevel.STRANGER: 0, TrustLevel.GUEST: 1, TrustLevel.MEMBER: 2}


def _always(_connection: Connection) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class StreamProtocol:
    """One protocol that peers may open a stream of.

    trust: the least trust level of a peer that may. serve: serves one stream, and closes it; what
    it raises ends the stream and nothing else. seconds: longest time that `serve` may take.
    is_open: whether this connection may open one now.
    """

    name: str
    trust: TrustLevel
    serve: ServeStream
    seconds: float = math.inf
    is_open: Callable[[Connection], bool] = _always


class StreamProtocols:
    """The protocols that a node serves, each name once; one added again replaces the first."""

    def __init__(self) -> None:
        self._known: dict[str, StreamProtocol] = {}

    def add(self, *protocols: StreamProtocol) -> None:
        """Serve these protocols from now on."""
        self._known |= {protocol.name: protocol for protocol in protocols}

    def offered(self, connection: Connection) -> tuple[str, ...]:
        """Return what the peer of this connection may open now; any other is "not known"."""
        rank = _RANKS[connection.trust]
        return tuple(
            protocol.name
            for protocol in self._known.values()
            if rank >= _RANKS[protocol.trust] and protocol.is_open(connection)
        )

    async def serve(self, connection: Connection, stream: Stream) -> None:
        """Agree on the protocol of a stream that the peer opened, and serve it.

        Raises NoAgreement, trio.TooSlowError, and what serving raises.
        """
        with trio.fail_after(NEGOTIATE_S):
            name = await choose(stream, lambda: self.offered(connection))
        stream.set_protocol(TProtocol(name))
        protocol = self._known[name]
        with trio.fail_after(protocol.seconds):
            await protocol.serve(connection, stream)


async def open_stream(mux: Mux, protocol: str) -> Stream:
    """Return a stream on which the peer speaks this protocol.

    Raises NoAgreement when the peer refuses it, trio.TooSlowError when it does not answer within
    NEGOTIATE_S, and what a closed connection raises; the stream is then gone.
    """
    stream = mux.open()
    try:
        with trio.fail_after(NEGOTIATE_S):
            await offer(stream, protocol)
    except BaseException:
        stream.cut()
        raise
    stream.set_protocol(TProtocol(protocol))
    return stream
