"""The links of a node: its open connections, and of each peer the one that the service knows of.

A connection becomes the link to its peer once its sync stream is agreed on. Of two connections to
one peer, both ends keep the same one. Nothing here opens a connection.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import trio
from libp2p.peer.id import ID

from commonweal.node.network.channel.noise import peer_key
from commonweal.node.network.channel.stream import Stream
from commonweal.node.network.channel.yamux import Mux
from commonweal.node.network.connections.accept_limit import AcceptLimit
from commonweal.node.network.connections.connection import Connection
from commonweal.node.transport import (
    Connected,
    Disconnected,
    PeerKey,
    TransportEvent,
    TrustLevel,
)

SIMULTANEOUS_S: Final = 10.0
"""Two connections this close in age were dialled at once; otherwise the newer one is right."""


class Links:
    """The connections of the node with this key.

    emit: takes Connected and Disconnected. left: called for each peer whose link has ended.
    """

    def __init__(
        self,
        key: PeerKey,
        limit: AcceptLimit,
        emit: Callable[[TransportEvent], None],
        left: Callable[[PeerKey], None],
    ) -> None:
        self.linked: dict[PeerKey, Connection] = {}
        """The connection to each peer that the service knows of: its sync stream is open."""
        self.open: set[Connection] = set()
        """Every secured connection, linked or not."""
        self.dropped = 0
        """Links that have ended."""
        self._linking = trio.lowlevel.ParkingLot()
        self._key, self._limit = key, limit
        self._emit, self._left = emit, left

    def link(self, connection: Connection, stream: Stream) -> None:
        """Announce a connection whose sync stream is agreed on, unless a better one is there.

        A second sync stream on one connection, opened before the first was agreed on, is cut.
        """
        if connection.is_over:
            return
        old = self.linked.get(connection.peer)
        if old is connection:
            stream.cut()
            return
        if old is not None and not self._prevails(connection, old):
            self.end(connection, "another connection to this peer is kept", flush=False)
            return
        if old is not None:
            self.end(old, "replaced by another connection to this peer", flush=False)
        self.linked[connection.peer] = connection
        mux = stream.mux
        stream.on_end = lambda: self.end(connection, mux.reason, flush=False, by_us=mux.by_us)
        self._emit(Connected(connection.peer, connection.address, connection.outbound))
        connection.start(stream)
        self._linking.unpark_all()

    async def take(self, connection: Connection, stream: Stream) -> None:
        """Link a connection whose peer opened its sync stream."""
        self.link(connection, stream)

    async def direct(self, peer: PeerKey) -> None:
        """Wait for a link to this peer that passes through nobody else."""
        while not self.is_direct(peer):
            await self._linking.park()

    def end(self, connection: Connection, reason: str, *, flush: bool, by_us: bool = False) -> None:
        """Close a connection, and emit Disconnected if it was announced. Idempotent.

        by_us: the peer broke a limit of the network, which the service does not know yet.
        """
        if connection.is_over:
            return
        connection.is_over = True
        if connection.mux is not None:
            if flush:
                connection.mux.finish(reason)
            else:
                connection.mux.close(reason)
        if self.linked.get(connection.peer) is connection:
            del self.linked[connection.peer]
            self.dropped += 1
            self._left(connection.peer)
            self._emit(Disconnected(connection.peer, reason, by_us))

    def stay(self, connection: Connection) -> None:
        """The peer is admitted or a guest: the deadline ends, and its accept place is free."""
        connection.scope.deadline = math.inf
        if connection.pending is not None:
            self._limit.leave(connection.pending)

    def find(self, identity: ID) -> Mux | None:
        """Return the connection of an admitted peer, or None."""
        connection = self.linked.get(peer_key(identity))
        if connection is None or connection.trust is not TrustLevel.MEMBER:
            return None
        return connection.mux

    def is_direct(self, peer: PeerKey) -> bool:
        """Return whether the link to this peer passes through nobody else."""
        connection = self.linked.get(peer)
        return connection is not None and not connection.relayed

    def members(self) -> list[PeerKey]:
        """Return the admitted peers."""
        return [connection.peer for connection in self.admitted()]

    def admitted(self) -> list[Connection]:
        """Return the connections of admitted peers."""
        return [own for own in self.linked.values() if own.trust is TrustLevel.MEMBER]

    def count(self, trust: TrustLevel) -> int:
        """Return how many peers are linked at this trust level."""
        return sum(1 for connection in self.linked.values() if connection.trust is trust)

    def _prevails(self, new: Connection, old: Connection) -> bool:
        """Return whether `new` is kept; the other end decides alike.

        Of two dialled at once a direct one is kept before a relayed one, then that of the smaller
        key. A direct one replaces a relayed one whenever it comes. A relayed one replaces a direct
        one only later than SIMULTANEOUS_S: a peer that still has its direct link dials nobody, so
        it has lost it.
        """
        is_later = new.since - old.since > SIMULTANEOUS_S
        if new.relayed != old.relayed:
            return old.relayed or is_later
        if new.outbound == old.outbound or is_later:
            return True
        return new.outbound == (self._key < new.peer)
