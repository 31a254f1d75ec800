"""The host: what libp2p's pubsub and identify need of one, and nothing more.

There is no swarm behind it: no dialling by the library, no automatic identify, no connection
cache. `get_connections` shows admitted peers only, so nothing in libp2p ever learns of a stranger,
nor a stranger of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn, cast

import trio
from libp2p.abc import IHost, INotifee
from libp2p.crypto.keys import KeyPair, PrivateKey, PublicKey
from libp2p.custom_types import StreamHandlerFn, TProtocol
from libp2p.host.ping import ID as PING
from libp2p.host.ping import handle_ping
from libp2p.identity.identify.identify import ID as IDENTIFY
from libp2p.identity.identify.identify import identify_handler_for
from libp2p.network.exceptions import SwarmException
from libp2p.peer.id import ID
from libp2p.peer.peerstore import PeerStore
from libp2p.protocol_muxer.multiselect import Multiselect
from multiaddr import Multiaddr

from commonweal.node.network.channel.multistream import NoAgreement
from commonweal.node.network.channel.stream import Stream
from commonweal.node.network.channel.yamux import Mux
from commonweal.node.network.connections.connection import Connection
from commonweal.node.network.connections.protocols import (
    StreamProtocol,
    StreamProtocols,
    open_stream,
)
from commonweal.node.transport import TrustLevel


class Host:
    """The host that Pubsub and the identify handler see.

    find: the connection of an admitted peer, or None. addresses: where we listen, without our id.
    protocols: takes each protocol that libp2p serves, for members.
    """

    def __init__(
        self,
        keys: KeyPair,
        find: Callable[[ID], Mux | None],
        addresses: Callable[[], Sequence[str]],
        protocols: StreamProtocols,
    ) -> None:
        self._keys = keys
        self._id = ID.from_pubkey(keys.public_key)
        self._find = find
        self._addresses = addresses
        self._protocols = protocols
        self._peerstore = PeerStore()
        self._handlers = Multiselect()
        self.set_stream_handler(PING, handle_ping)
        self.set_stream_handler(IDENTIFY, identify_handler_for(cast(IHost, self)))

    def get_id(self) -> ID:
        """Return our peer id."""
        return self._id

    def get_public_key(self) -> PublicKey:
        """Return our public key."""
        return self._keys.public_key

    def get_private_key(self) -> PrivateKey:
        """Return our private key."""
        return self._keys.private_key

    def get_network(self) -> Host:
        """Return the host itself, which stands for the network too."""
        return self

    def get_peerstore(self) -> PeerStore:
        """Return the signed peer records of members, kept in memory."""
        return self._peerstore

    def get_mux(self) -> Multiselect:
        """Return the protocols served to members."""
        return self._handlers

    def get_addrs(self) -> list[Multiaddr]:
        """Return where we listen, with our peer id."""
        return [Multiaddr(f"{address}/p2p/{self._id}") for address in self._addresses()]

    def get_transport_addrs(self) -> list[Multiaddr]:
        """Return where we listen."""
        return [Multiaddr(address) for address in self._addresses()]

    def set_stream_handler(self, protocol: TProtocol, handler: StreamHandlerFn) -> None:
        """Serve a protocol to members."""

        async def serve(_connection: Connection, stream: Stream) -> None:
            await handler(stream)
            await stream.close()

        self._handlers.add_handler(protocol, handler)
        self._protocols.add(StreamProtocol(str(protocol), TrustLevel.MEMBER, serve))

    def register_notifee(self, notifee: INotifee) -> None:
        """Ignore the notifee: peers join gossip by an explicit call, after admission."""

    @property
    def connections(self) -> dict[ID, list[Any]]:
        """Empty: `get_connections` answers for one peer."""
        return {}

    def get_connections(self, peer: ID | None = None) -> list[Any]:
        """Return the connections of an admitted peer, as objects with a `muxed_conn`."""
        mux = self._find(peer) if peer is not None else None
        return [_MuxedConnection(mux)] if mux is not None else []

    async def new_stream(self, peer: ID, protocols: Sequence[TProtocol]) -> Stream:
        """Return a stream to an admitted peer. Raises SwarmException when the peer refuses it."""
        mux = self._find(peer)
        if mux is None:
            raise SwarmException("not connected to an admitted peer")
        try:
            return await open_stream(mux, str(protocols[0]))
        except (NoAgreement, trio.TooSlowError) as error:
            raise SwarmException("the peer refuses this protocol") from error

    async def connect(self, _peer: object) -> NoReturn:
        """Refuse: the node has its own dialler."""
        raise SwarmException("the node dials by itself")


class _MuxedConnection:
    def __init__(self, mux: Mux) -> None:
        self.muxed_conn = mux
