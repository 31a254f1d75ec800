"""A member's node and relays: it relays for members that reserve with it, and uses others.

Strangers get no reservation. They may ask for a circuit to a member that has one: a newcomer with
a link comes in that way. What comes in over a circuit is counted as what comes from its relay.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import trio
from libp2p.crypto.keys import KeyPair
from libp2p.peer.id import ID

from commonweal.node.network.addresses import Endpoint, parse
from commonweal.node.network.channel.noise import WrongPeer, peer_id, secure
from commonweal.node.network.channel.stream import Stream
from commonweal.node.network.channel.yamux import Mux
from commonweal.node.network.connections.accept_limit import AcceptLimit, network_of
from commonweal.node.network.connections.connection import Connection, ServeConnection
from commonweal.node.network.connections.dial_port import DialPort
from commonweal.node.network.connections.links import Links
from commonweal.node.network.connections.protocols import StreamProtocol, StreamProtocols
from commonweal.node.network.punch.hole_punch import HolePuncher
from commonweal.node.network.reach.own_addresses import OwnAddresses
from commonweal.node.network.relay.circuit import RelayedCarrier
from commonweal.node.network.relay.hop import HopServer, RelayClient
from commonweal.node.network.relay.messages import HOP, STOP, RelayRefused
from commonweal.node.network.relay.relay_limits import MEMBER_LIMITS
from commonweal.node.network.relay.relay_links import RelayLinks
from commonweal.node.network.relay.reservations import Reservations
from commonweal.node.transport import HELLO_MS_MAX, PeerKey, TrustLevel
from commonweal.protocol.identity.invite import CIRCUIT
from commonweal.protocol.identity.public_hosts import is_public_host

LOOK_S: Final = 2.0
"""How often it is looked at whether relays are needed, and which there are."""
SEEN_MAX: Final = 4
"""Relays whose sight of this node is kept."""
GRACE_S: Final = 10.0
"""Time after the start in which a member may confirm that this node is reached without one."""


class MemberRelay:
    """The relaying of one node; it adds to `protocols` what relays and their clients open.

    serves: whether it relays for others. port: what dials go out from. relays: addresses of
    helpers, /ip4/…/tcp/…/p2p/KEY; a reservation is asked of them first. serve: moves the bytes of
    a secured connection.
    """

    def __init__(
        self,
        keys: KeyPair,
        links: Links,
        limit: AcceptLimit,
        own: OwnAddresses,
        protocols: StreamProtocols,
        *,
        serve: ServeConnection,
        port: DialPort,
        serves: bool = True,
        relays: Sequence[str] = (),
    ) -> None:
        self._keys, self._links, self._limit, self._own = keys, links, limit, own
        self._serve = serve
        self._identity = str(ID.from_pubkey(keys.public_key))
        self._relays = tuple(parse(f"{address}{CIRCUIT}") for address in relays)
        self._clients: dict[Connection, RelayClient] = {}
        self._hop = HopServer(
            keys,
            MEMBER_LIMITS,
            may_reserve=self._is_member,
            addresses=self._direct,
            now_s=time.time,
        )
        self._seen: dict[PeerKey, str] = {}
        """By relay that is no member: the address at which it saw this node last."""
        self._uses = RelayLinks(
            keys, find=self._mux, take=self._take, connect=port.connect, seen=self._note
        )
        self._reservations = Reservations(
            self._uses,
            changed=own.relay,
            trusted=lambda relay: any(str(peer_id(peer)) == relay for peer in links.members()),
            now_s=time.time,
        )
        self.puncher = HolePuncher(
            *(keys, port, serve),
            own=lambda: (*self._seen.values(), *own.observed(), *own.candidates()),
            is_direct=links.is_direct,
            direct=links.direct,
            allows=is_public_host,
        )
        """Turns links over relays into direct ones."""
        if serves:
            protocols.add(StreamProtocol(HOP, TrustLevel.STRANGER, self._asked, is_open=_is_direct))
        protocols.add(self.puncher.protocol)
        protocols.add(StreamProtocol(STOP, TrustLevel.MEMBER, self._handed, is_open=_is_direct))

    async def run(self) -> None:
        """Relay, and hold reservations while this node is not reached, until cancelled."""
        async with trio.open_nursery() as nursery:
            await nursery.start(self._uses.run)
            await nursery.start(self.puncher.run)
            nursery.start_soon(self._hop.run)
            nursery.start_soon(self._reservations.run)
            begun = trio.current_time()
            while True:
                is_early = trio.current_time() - begun < GRACE_S
                self._reservations.want(self._wanted(is_early=is_early))
                await trio.sleep(LOOK_S)

    def restart(self) -> None:
        """This machine is on another network, or was suspended."""
        self._seen.clear()
        self._reservations.restart()

    async def circuit(self, endpoint: Endpoint, peer: PeerKey) -> RelayedCarrier:
        """Return a circuit to a peer; raises what `RelayLinks.circuit` does."""
        if endpoint.relay == self._identity:
            raise RelayRefused("this node is that relay, and the peer is not linked to it")
        return await self._uses.circuit(endpoint, peer)

    def left(self, connection: Connection) -> None:
        """A connection has ended."""
        if (client := self._clients.pop(connection, None)) is not None:
            self._hop.left(client)

    def counts(self) -> dict[str, int]:
        """Return how busy this node is as a relay, by the names of NetworkCounts."""
        counts = self._hop.counts()
        return {
            "relay_reservations": counts.reservations,
            "relay_circuits": counts.circuits,
            "relayed_bytes": counts.relayed_bytes,
        }

    def _wanted(self, *, is_early: bool) -> list[Endpoint]:
        """Return the relays to reserve with, best first; none while this node is reached."""
        if self._own.is_reachable():
            return []
        return [*self._relays, *([] if is_early else self._members())]

    def _members(self) -> list[Endpoint]:
        """Return the linked members that this node dialled at a public address."""
        relays: list[Endpoint] = []
        for peer, connection in self._links.linked.items():
            if connection.trust is not TrustLevel.MEMBER or not connection.outbound:
                continue
            endpoint = parse(connection.address)
            if not connection.relayed and _is_far(endpoint):
                name = str(peer_id(peer))
                relays.append(Endpoint(endpoint.kind, endpoint.host, endpoint.port, name))
        return relays

    def _direct(self) -> tuple[str, ...]:
        return tuple(address for address in self._own.addresses if CIRCUIT not in address)

    def _is_member(self, peer: PeerKey) -> bool:
        connection = self._links.linked.get(peer)
        return connection is not None and connection.trust is TrustLevel.MEMBER

    def _mux(self, peer: PeerKey) -> Mux | None:
        """Return the direct link to a member, over which they may relay for us."""
        connection = self._links.linked.get(peer)
        if connection is None or connection.relayed or not self._is_member(peer):
            return None
        return connection.mux

    async def _asked(self, connection: Connection, stream: Stream) -> None:
        """Serve a request to this node as a relay."""
        client = self._clients.get(connection)
        if client is None:
            client = self._clients[connection] = self._client(connection)
        await self._hop.serve(stream, client)

    def _client(self, connection: Connection) -> RelayClient:
        assert connection.mux is not None, "a stream came over it"

        def ends() -> None:
            if connection.trust is TrustLevel.STRANGER:
                connection.scope.deadline = trio.current_time() + HELLO_MS_MAX / 1_000

        return RelayClient(
            connection.peer,
            network_of(parse(connection.address).host),
            connection.mux,
            stays=lambda: self._links.stay(connection),
            ends=ends,
        )

    def _note(self, relay: PeerKey, address: str) -> None:
        self._seen.pop(relay, None)
        self._seen[relay] = address
        if len(self._seen) > SEEN_MAX:
            del self._seen[next(iter(self._seen))]

    async def _handed(self, connection: Connection, stream: Stream) -> None:
        """Serve a circuit that a member's node hands to us."""
        await self._uses.stop(stream, connection.peer)

    async def _take(self, carrier: RelayedCarrier, comes: PeerKey, address: str) -> None:
        """Secure and serve a circuit that came in, as the listener does with a socket."""
        scope = trio.CancelScope(deadline=trio.current_time() + HELLO_MS_MAX / 1_000)
        place = self._limit.enter(parse(address).host, scope.cancel, relayed=True)
        if place is None:
            return
        try:
            with scope:
                peer, channel = await secure(carrier, self._keys, None)
                if peer != comes:
                    raise WrongPeer("the relay named another peer")
                await self._serve(peer, channel, address, scope, pending=place)
        finally:
            self._limit.leave(place)


def _is_direct(connection: Connection) -> bool:
    return not connection.relayed


def _is_far(endpoint: Endpoint) -> bool:
    return endpoint.kind not in ("ip4", "ip6") or is_public_host(endpoint.host)
