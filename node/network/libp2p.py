"""The network of one node: listens, dials, and moves frames and gossip. It decides nothing.

It shows a stranger nothing but a libp2p node with some key: until `admit` a peer may open the
sync stream and that of join codes, and is told no protocol, agent or topic. It never waits for a
peer: every call but `run` returns at once, and closing cannot block.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import trio
from libp2p.custom_types import TProtocol
from libp2p.identity_utils import create_identity_from_seed
from libp2p.peer.id import ID

from commonweal.node.network import code_stream
from commonweal.node.network.accept_limit import AcceptLimit, PendingConnection
from commonweal.node.network.addresses import reachable
from commonweal.node.network.channel.multistream import choose, offer
from commonweal.node.network.channel.noise import SecureChannel, WrongPeer, peer_id, peer_key
from commonweal.node.network.channel.stream import Stream
from commonweal.node.network.channel.yamux import Mux
from commonweal.node.network.code_stream import CODE, AnswerCode
from commonweal.node.network.connection import STRANGER_STREAMS_MAX, Connection
from commonweal.node.network.dialler import DIAL_ADDRESSES_MAX, Dialler
from commonweal.node.network.gossip import Gossip
from commonweal.node.network.host import NEGOTIATE_S, Host
from commonweal.node.network.listener import Listener, listen
from commonweal.node.network.mdns import Mdns
from commonweal.node.transport import (
    GUESTS_MAX,
    Connected,
    DialFailed,
    Disconnected,
    FrameProgress,
    FrameReceived,
    GossipReceived,
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
SIMULTANEOUS_S: Final = 10.0
"""Two connections this close in age were dialled at once; otherwise the newer one is right."""


class Network:
    """The libp2p network of one node.

    seed: 32 bytes, the identity of this node. listen: multiaddrs, port 0 for any. emit: takes
    each event, at once and without waiting, in the trio thread. validate: whether a gossip
    message is passed on, and what it says. mdns: look for nodes on the local network. answer_code:
    takes a question about a join code, who asks, our key and the asker's address.
    """

    def __init__(
        self,
        seed: bytes,
        listen: Sequence[str],
        emit: Callable[[TransportEvent], None],
        *,
        validate: Validate,
        mdns: bool,
        answer_code: AnswerCode | None = None,
    ) -> None:
        self._keys = create_identity_from_seed(seed)
        self.key = peer_key(ID.from_pubkey(self._keys.public_key))
        self.addresses: tuple[str, ...] = ()
        self._listen = tuple(listen)
        self._emit = emit
        self._mdns, self._answer_code = mdns, answer_code
        self._linked: dict[PeerKey, Connection] = {}
        """The connection to each peer that the service knows of: its sync stream is open."""
        self._open: set[Connection] = set()
        self._host = Host(self._keys, self._find, lambda: self.addresses)
        self._gossip = Gossip(
            self._host,
            validate=validate,
            heard=lambda peer, message, content: emit(
                GossipReceived(peer, message.topic, message.data, content)
            ),
            members=self._members,
            flooded=self._flooded,
        )
        self._dropped = self._sent = self._received = 0
        self._accept_limit = AcceptLimit()
        self._listener = Listener(
            self._keys,
            self._accept_limit,
            has_room=lambda: len(self._open) < CONNECTIONS_MAX,
            serve=self._serve,
        )
        self._dialler = Dialler(
            self._keys,
            is_connected=self._linked.__contains__,
            serve=self._serve,
            failed=emit,
        )

    async def run(self, *, task_status: TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Listen, and serve until cancelled; started() once it listens.

        Raises PortTaken or CannotListen.
        """
        listening = await listen(self._listen)
        name = peer_id(self.key)
        self.addresses = tuple(f"{endpoint}/p2p/{name}" for endpoint in reachable(listening))
        self._dialler.port.share(listening)
        try:
            async with trio.open_nursery() as nursery:
                await nursery.start(self._dialler.run)
                nursery.start_soon(self._gossip.run)
                for socket in listening:
                    nursery.start_soon(self._listener.accept, socket)
                if self._mdns:
                    nursery.start_soon(Mdns(self.key, self.addresses, self._discovered).run)
                task_status.started()
                await trio.sleep_forever()
        finally:
            for socket in listening:
                socket.socket.close()

    def dial(self, peer: PeerKey, addresses: Sequence[str]) -> None:
        """Try each address in turn, DIAL_S each, until one connects.

        Emits Connected, or one DialFailed for each address. Nothing happens while a dial to this
        peer runs, or while it is connected.
        """
        if peer in self._linked:
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
        connection = self._linked.get(peer)
        if connection is None or connection.trust is TrustLevel.MEMBER:
            return
        self._stay(connection)
        self._accept_limit.know((connection.address,))
        connection.set_trust(TrustLevel.MEMBER)
        self._gossip.join(peer)

    def guest(self, peer: PeerKey) -> None:
        """The peer on this connection asks to join: it may stay, with small frames only."""
        connection = self._linked.get(peer)
        if connection is None or connection.trust is not TrustLevel.STRANGER:
            return
        if self._count(TrustLevel.GUEST) >= GUESTS_MAX:
            self.drop(peer, "too many wait for admission")
            return
        self._stay(connection)
        connection.set_trust(TrustLevel.GUEST)

    def send(self, peer: PeerKey, frame: bytes) -> None:
        """Queue one frame for the peer; a peer whose outbox is full is dropped. Never waits."""
        connection = self._linked.get(peer)
        if connection is None:
            return
        if connection.send(frame):
            self._sent += 1
        else:
            self._end(connection, "takes its frames too slowly", flush=False, by_us=True)

    def drop(self, peer: PeerKey, reason: str) -> None:
        """Close the connection for good; what was just sent may still go out. Idempotent."""
        connection = self._linked.get(peer)
        if connection is not None:
            self._end(connection, reason, flush=True)

    def done(self, peer: PeerKey, size: int) -> None:
        """The service took a received frame of this size; its bytes return to the budget."""
        connection = self._linked.get(peer)
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
        muxes = [connection.mux for connection in self._open if connection.mux is not None]
        return NetworkCounts(
            connections=len(self._linked),
            strangers=len(self._accept_limit),
            guests=self._count(TrustLevel.GUEST),
            streams=sum(len(mux.streams) for mux in muxes),
            outbox_bytes=sum(connection.outbox_bytes for connection in self._linked.values()),
            inbox_bytes=sum(connection.held_bytes for connection in self._linked.values()),
            dialling=len(self._dialler),
            dropped=self._dropped,
            refused=self._accept_limit.refused,
            frames_sent=self._sent,
            frames_received=self._received,
            gossip_peers=self._gossip.peer_count,
            gossip_published=self._gossip.published,
            gossip_heard=self._gossip.heard,
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
        connection = self._connection(peer, address, scope, outbound=pending is None)
        connection.pending = pending
        async with trio.open_nursery() as nursery:
            mux = connection.mux = Mux(
                channel,
                outbound=connection.outbound,
                peer_id=peer_id(connection.peer),
                opened=lambda stream: nursery.start_soon(self._stream, connection, stream),
                streams_max=STRANGER_STREAMS_MAX,
            )
            self._open.add(connection)
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
                self._end(connection, reason, flush=False, by_us=mux.by_us)
                self._open.discard(connection)
                nursery.cancel_scope.cancel()

    async def _open_sync(
        self, connection: Connection, mux: Mux, agreed: Callable[[], None]
    ) -> None:
        try:
            stream = mux.open()
            with trio.fail_after(NEGOTIATE_S):
                await offer(stream, SYNC)
        except Exception as error:  # the wall around libp2p
            log.debug("%s refused the sync stream: %s", connection.address, error)
            mux.close("does not take the sync stream")
            return
        self._link(connection, stream)
        agreed()

    async def _stream(self, connection: Connection, stream: Stream) -> None:
        """Agree on the protocol of a stream that the peer opened, and serve it.

        Whatever a handler raises ends this stream and nothing else.
        """
        try:
            with trio.fail_after(NEGOTIATE_S):
                protocol = await choose(stream, lambda: self._offered(connection))
            if protocol == SYNC:
                self._link(connection, stream)
                return
            if protocol == CODE and (answer := self._answer_code) is not None:
                place = (connection.peer, self.key, connection.address)
                await code_stream.serve(stream, lambda question: answer(question, *place))
                return
            stream.set_protocol(TProtocol(protocol))
            handler = self._host.handler(protocol)
            assert handler is not None, "only what has a handler is offered"
            await handler(stream)
            await stream.close()
        except Exception as error:  # the wall around libp2p
            log.debug("a stream of %s ended: %s", connection.address, error)
            stream.cut()

    def _offered(self, connection: Connection) -> tuple[str, ...]:
        """Return the protocols that this peer may open now; any other is "not known"."""
        offered: tuple[str, ...] = ()
        if connection.sync is None and not connection.outbound:
            offered += (SYNC,) if self._answer_code is None else (SYNC, CODE)
        if connection.trust is TrustLevel.MEMBER:
            offered += self._host.protocols
        return offered

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
            failed=lambda broken, reason: self._end(broken, reason, flush=False, by_us=True),
        )

    def _link(self, connection: Connection, stream: Stream) -> None:
        """Announce a connection whose sync stream is agreed on, unless a better one is there."""
        if connection.is_over:
            return
        old = self._linked.get(connection.peer)
        if old is not None and not self._prevails(connection, old):
            self._end(connection, "another connection to this peer is kept", flush=False)
            return
        if old is not None:
            self._end(old, "replaced by another connection to this peer", flush=False)
        self._linked[connection.peer] = connection
        mux = stream.mux
        stream.on_end = lambda: self._end(connection, mux.reason, flush=False, by_us=mux.by_us)
        self._emit(Connected(connection.peer, connection.address, connection.outbound))
        connection.start(stream)

    def _prevails(self, new: Connection, old: Connection) -> bool:
        """Of two dialled at once the smaller key's stays, as the other end decides too."""
        if new.outbound == old.outbound or new.since - old.since > SIMULTANEOUS_S:
            return True
        return new.outbound == (self.key < new.peer)

    def _take(self, peer: PeerKey, frame: bytes) -> None:
        self._received += 1
        self._emit(FrameReceived(peer, frame))

    def _end(
        self, connection: Connection, reason: str, *, flush: bool, by_us: bool = False
    ) -> None:
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
        if self._linked.get(connection.peer) is connection:
            del self._linked[connection.peer]
            self._dropped += 1
            self._gossip.leave(connection.peer)
            self._emit(Disconnected(connection.peer, reason, by_us))

    def _flooded(self, peer: PeerKey) -> None:
        if (connection := self._linked.get(peer)) is not None:
            self._end(connection, "floods gossip", flush=False, by_us=True)

    def _stay(self, connection: Connection) -> None:
        """The peer is admitted or a guest: the deadline ends, and its accept place is free."""
        connection.scope.deadline = math.inf
        if connection.pending is not None:
            self._accept_limit.leave(connection.pending)

    def _find(self, identity: ID) -> Mux | None:
        connection = self._linked.get(peer_key(identity))
        if connection is None or connection.trust is not TrustLevel.MEMBER:
            return None
        return connection.mux

    def _members(self) -> list[PeerKey]:
        return [peer for peer, own in self._linked.items() if own.trust is TrustLevel.MEMBER]

    def _count(self, trust: TrustLevel) -> int:
        return sum(1 for connection in self._linked.values() if connection.trust is trust)

    def _discovered(self, peer: PeerKey, addresses: tuple[str, ...]) -> None:
        if peer != self.key:
            self._emit(PeerDiscovered(peer, addresses))
