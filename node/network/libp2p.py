"""The network of one node: listens, dials, and moves frames and gossip. It decides nothing.

It shows a stranger nothing but a libp2p node with some key: until `admit` a peer may open the
sync stream and what is registered for strangers, and is told no protocol, agent or topic. It never
waits for a peer: every call but `run` returns at once, and closing cannot block.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import trio
from libp2p.identity_utils import create_identity_from_seed
from libp2p.peer.id import ID

from commonweal.node.network import code_stream
from commonweal.node.network.addresses import bound, reachable
from commonweal.node.network.channel.noise import SecureChannel, WrongPeer, peer_id, peer_key
from commonweal.node.network.channel.stream import Stream
from commonweal.node.network.channel.yamux import Mux
from commonweal.node.network.code_stream import CODE, AnswerCode
from commonweal.node.network.connections.accept_limit import AcceptLimit, PendingConnection
from commonweal.node.network.connections.connection import STRANGER_STREAMS_MAX, Connection
from commonweal.node.network.connections.dialler import DIAL_ADDRESSES_MAX, Dialler
from commonweal.node.network.connections.links import Links
from commonweal.node.network.connections.listener import Listener, listen
from commonweal.node.network.connections.protocols import (
    StreamProtocol,
    StreamProtocols,
    open_stream,
)
from commonweal.node.network.gossip.gossip import Gossip
from commonweal.node.network.gossip.host import Host
from commonweal.node.network.member_relay import MemberRelay
from commonweal.node.network.reach.dial_back import SERVE_S, DialBack
from commonweal.node.network.reach.interface_watch import InterfaceWatch
from commonweal.node.network.reach.mdns import Mdns
from commonweal.node.network.reach.own_addresses import OwnAddresses
from commonweal.node.network.reach.port_mapper import GatewayClients, PortMapper
from commonweal.node.network.reach.reach_stream import REACH
from commonweal.node.network.reach.reachability import Reachability
from commonweal.node.transport import (
    GUESTS_MAX,
    DialFailed,
    FrameProgress,
    FrameReceived,
    GossipReceived,
    Listening,
    NetworkCounts,
    PeerDiscovered,
    PeerKey,
    TransportEvent,
    TrustLevel,
    Validate,
)

if TYPE_CHECKING:
    from trio_typing import (
        TaskStatus,
    )  # libp2p brings these stubs, which mypy prefers to trio's own

log = logging.getLogger(__name__)

SYNC: Final = "/commonweal/sync/1"
CONNECTIONS_MAX: Final = 256


class Network:
    """The libp2p network of one node.

    seed: 32 bytes, the identity of this node. listen: multiaddrs, port 0 for any. emit: takes
    each event, at once and without waiting, in the trio thread. validate: whether a gossip
    message is passed on, and what it says. mdns: look for nodes on the local network. port_mapping:
    ask the home's router to forward the port. answer_code: takes a question about a join code, who
    asks, our key and the asker's address. relay: relay for members. relays: helpers to use.
    announce: multiaddrs at which others reach this node. now_ms: the wall clock.
    """

    def __init__(
        self,
        seed: bytes,
        listen: Sequence[str],
        emit: Callable[[TransportEvent], None],
        *,
        validate: Validate,
        mdns: bool,
        port_mapping: bool = False,
        answer_code: AnswerCode | None = None,
        relay: bool = True,
        relays: Sequence[str] = (),
        announce: Sequence[str] = (),
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._keys = create_identity_from_seed(seed)
        self.key = peer_key(ID.from_pubkey(self._keys.public_key))
        self.own = OwnAddresses(announce, self._moved)
        """Where this node can be dialled; each part of the network adds what it learns."""
        self._listen = tuple(listen)
        self._emit = emit
        self._mdns = Mdns(self.key, self._near, self._discovered) if mdns else None
        self._gateways = GatewayClients.of(seed) if port_mapping else None
        self._accept_limit = AcceptLimit()
        self._links = Links(self.key, self._accept_limit, emit, self._left)
        self.protocols = StreamProtocols()
        """What peers may open; each part of the network adds its own."""
        self._offer(answer_code)
        self._host = Host(self._keys, self._links.find, lambda: self.own.addresses, self.protocols)
        self._gossip = Gossip(
            self._host,
            validate=validate,
            heard=lambda peer, message, content: emit(
                GossipReceived(peer, message.topic, message.data, content)
            ),
            members=self._links.members,
            flooded=self._flooded,
        )
        self.reach = Reachability(self.own, self._links.admitted, now_ms)
        """Asks members which of our addresses work from outside."""
        self._sent = self._received = 0
        self._dialler = Dialler(
            self._keys,
            is_connected=self._links.linked.__contains__,
            serve=self._serve,
            failed=emit,
            circuit=lambda endpoint, peer: self._relay.circuit(endpoint, peer),  # noqa: PLW0108  made below
        )
        self._relay = self._relaying(relay, relays)
        self._listener = Listener(
            self._keys,
            self._accept_limit,
            has_room=lambda: len(self._links.open) < CONNECTIONS_MAX,
            serve=self._serve,
            client_towards=self._relay.puncher.client_towards,
        )

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where this node can be dialled, with its peer id."""
        return tuple(f"{address}/p2p/{peer_id(self.key)}" for address in self.own.addresses)

    async def run(self, *, task_status: TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Listen, and serve until cancelled; started() once it listens.

        Raises PortTaken or CannotListen.
        """
        listening = await listen(self._listen)
        self.own.listen(reachable(listening))
        self._dialler.port.share(listening)
        try:
            async with trio.open_nursery() as nursery:
                await nursery.start(self._dialler.run)
                nursery.start_soon(self._relay.run)
                nursery.start_soon(self._gossip.run)
                for socket in listening:
                    nursery.start_soon(self._listener.accept, socket)
                if self._mdns is not None:
                    nursery.start_soon(self._mdns.run)
                watch = InterfaceWatch(self.own, lambda: reachable(listening), self._changed)
                nursery.start_soon(watch.run)
                if self._gateways is not None:
                    mapper = PortMapper(bound(listening), self._gateways, self.own.map)
                    nursery.start_soon(mapper.run)
                nursery.start_soon(self.reach.run)
                task_status.started()
                await trio.sleep_forever()
        finally:
            for socket in listening:
                socket.socket.close()

    def dial(self, peer: PeerKey, addresses: Sequence[str]) -> None:
        """Try the addresses, each DIAL_S at most and a moment after the one before.

        Emits Connected, or one DialFailed for each address. Nothing happens while a dial to this
        peer runs, or while it is connected.
        """
        if peer in self._links.linked:
            return
        addresses = tuple(addresses[:DIAL_ADDRESSES_MAX])
        if peer == self.key:
            for address in addresses:
                self._emit(DialFailed(peer, address, "this is our own key"))
            return
        self._accept_limit.know(addresses)
        self._dialler.dial(peer, addresses)

    def admit(self, peer: PeerKey) -> None:
        """The peer on this connection is a member: large frames, identify and gossip."""
        connection = self._links.linked.get(peer)
        if connection is None or connection.trust is TrustLevel.MEMBER:
            return
        self._links.stay(connection)
        self._accept_limit.know((connection.address,))
        connection.set_trust(TrustLevel.MEMBER)
        self._gossip.join(peer)
        self.reach.linked(peer)
        self._relay.puncher.begin(connection)

    def guest(self, peer: PeerKey) -> None:
        """The peer on this connection asks to join: it may stay, with small frames only."""
        connection = self._links.linked.get(peer)
        if connection is None or connection.trust is not TrustLevel.STRANGER:
            return
        if self._links.count(TrustLevel.GUEST) >= GUESTS_MAX:
            self.drop(peer, "too many wait for admission")
            return
        self._links.stay(connection)
        connection.set_trust(TrustLevel.GUEST)

    def send(self, peer: PeerKey, frame: bytes) -> None:
        """Queue one frame for the peer; a peer whose outbox is full is dropped. Never waits."""
        connection = self._links.linked.get(peer)
        if connection is None:
            return
        if connection.send(frame):
            self._sent += 1
        else:
            self._links.end(connection, "takes its frames too slowly", flush=False, by_us=True)

    def drop(self, peer: PeerKey, reason: str) -> None:
        """Close the connection for good; what was just sent may still go out. Idempotent."""
        connection = self._links.linked.get(peer)
        if connection is not None:
            self._links.end(connection, reason, flush=True)

    def done(self, peer: PeerKey, size: int) -> None:
        """The service took a received frame of this size; its bytes return to the budget."""
        connection = self._links.linked.get(peer)
        if connection is not None:
            connection.done(size)

    def subscribe(self, topics: Sequence[str]) -> None:
        """Follow exactly these gossip topics from now on."""
        self._gossip.subscribe(topics)

    def publish(self, topic: str, data: bytes) -> None:
        """Tell all members who follow the topic; a hint, dropped when too much is queued."""
        self._gossip.publish(topic, data)

    def state(self) -> NetworkCounts:
        """Return counts for status and metrics."""
        muxes = [connection.mux for connection in self._links.open if connection.mux is not None]
        return NetworkCounts(
            connections=len(self._links.linked),
            strangers=len(self._accept_limit),
            guests=self._links.count(TrustLevel.GUEST),
            streams=sum(len(mux.streams) for mux in muxes),
            outbox_bytes=sum(connection.outbox_bytes for connection in self._links.linked.values()),
            inbox_bytes=sum(connection.held_bytes for connection in self._links.linked.values()),
            dialling=len(self._dialler),
            dropped=self._links.dropped,
            refused=self._accept_limit.refused,
            frames_sent=self._sent,
            frames_received=self._received,
            gossip_peers=self._gossip.peer_count,
            gossip_published=self._gossip.published,
            gossip_heard=self._gossip.heard,
            **self._relay.counts(),
        )

    def _relaying(self, serves: bool, relays: Sequence[str]) -> MemberRelay:
        return MemberRelay(
            *(self._keys, self._links, self._accept_limit, self.own, self.protocols),
            serve=self._serve,
            port=self._dialler.port,
            serves=serves,
            relays=relays,
        )

    def _offer(self, answer_code: AnswerCode | None) -> None:
        links, back = self._links, DialBack(self._keys)
        self.protocols.add(
            StreamProtocol(SYNC, TrustLevel.STRANGER, links.take, is_open=_may_open_first),
            StreamProtocol(REACH, TrustLevel.MEMBER, back.serve, SERVE_S),
        )
        if answer_code is not None:
            self.protocols.add(self._code_protocol(answer_code))

    def _code_protocol(self, answer: AnswerCode) -> StreamProtocol:
        async def serve(connection: Connection, stream: Stream) -> None:
            place = (connection.peer, self.key, connection.address)
            await code_stream.serve(stream, lambda question: answer(question, *place))

        return StreamProtocol(
            *(CODE, TrustLevel.STRANGER, serve, code_stream.ANSWER_S), is_open=_may_open_first
        )

    # Connections, inbound and outbound.

    async def _serve(
        self,
        peer: PeerKey,
        channel: SecureChannel,
        address: str,
        scope: trio.CancelScope,
        *,
        pending: PendingConnection | None = None,
        agreed: Callable[[], None] | None = None,
    ) -> None:
        """Move the bytes of one secured connection until it ends."""
        connection = self._connection(peer, address, scope, outbound=agreed is not None)
        connection.pending = pending
        links = self._links
        if pending is not None:
            self.reach.arrived(peer)
        async with trio.open_nursery() as nursery:
            mux = connection.mux = Mux(
                channel,
                outbound=connection.outbound,
                peer_id=peer_id(connection.peer),
                opened=lambda stream: nursery.start_soon(self._stream, connection, stream),
                streams_max=STRANGER_STREAMS_MAX,
            )
            links.open.add(connection)
            try:
                if agreed is not None:
                    nursery.start_soon(self._open_sync, connection, mux, agreed)
                await mux.run()
            finally:
                reason = mux.reason
                if scope.cancel_called:
                    is_late = trio.current_time() >= scope.deadline
                    reason = "not admitted in time" if is_late else "gave way to a newcomer"
                mux.close(reason)
                links.end(connection, reason, flush=False, by_us=mux.by_us)
                links.open.discard(connection)
                self._relay.left(connection)
                nursery.cancel_scope.cancel()

    async def _open_sync(
        self, connection: Connection, mux: Mux, agreed: Callable[[], None]
    ) -> None:
        try:
            stream = await open_stream(mux, SYNC)
        except Exception as error:  # the wall around libp2p
            log.debug("%s refused the sync stream: %s", connection.address, error)
            mux.close("does not take the sync stream")
            return
        self._links.link(connection, stream)
        agreed()

    async def _stream(self, connection: Connection, stream: Stream) -> None:
        """Serve a stream that the peer opened; whatever that raises ends nothing else."""
        try:
            await self.protocols.serve(connection, stream)
        except Exception as error:  # the wall around libp2p
            log.debug("a stream of %s ended: %s", connection.address, error)
            stream.cut()

    def _connection(
        self, peer: PeerKey, address: str, scope: trio.CancelScope, *, outbound: bool
    ) -> Connection:
        if peer == self.key:
            raise WrongPeer("the other end is this node itself")
        return Connection(
            peer,
            address,
            scope,
            outbound=outbound,
            received=lambda frame: self._take(peer, frame),
            coming=lambda size: self._emit(FrameProgress(peer, size)),
            failed=lambda broken, reason: self._links.end(broken, reason, flush=False, by_us=True),
        )

    def _take(self, peer: PeerKey, frame: bytes) -> None:
        self._received += 1
        self._emit(FrameReceived(peer, frame))

    def _left(self, peer: PeerKey) -> None:
        self._gossip.leave(peer)

    def _flooded(self, peer: PeerKey) -> None:
        if (connection := self._links.linked.get(peer)) is not None:
            self._links.end(connection, "floods gossip", flush=False, by_us=True)

    def _near(self) -> tuple[str, ...]:
        return tuple(f"{place}/p2p/{peer_id(self.key)}" for place in self.own.interfaces)

    def _changed(self) -> None:
        """This machine is on another network, or was suspended."""
        log.info("the network has changed: %s", ", ".join(self.own.addresses))
        self.reach.restart()
        self._relay.restart()
        if self._mdns is not None:
            self._mdns.restart()

    def _moved(self) -> None:
        self._emit(Listening(self.own.addresses))
        self.reach.wake()

    def _discovered(self, peer: PeerKey, addresses: tuple[str, ...]) -> None:
        if peer != self.key:
            self._emit(PeerDiscovered(peer, addresses))


def _may_open_first(connection: Connection) -> bool:
    """Return whether the peer dialled us and has not opened its sync stream yet."""
    return connection.sync is None and not connection.outbound
