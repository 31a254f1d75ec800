"""The network of one node: listens, dials, moves frames and gossip. It decides nothing.

It never shows a stranger anything but a libp2p node with some key: until `admit` a peer may
open the sync stream and no other, and is told no protocol, agent or topic. It never waits
for a peer: every call but `run` returns at once, and a close is a close.
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

from commonweal.node.network.accept_limit import AcceptLimit, PendingConnection
from commonweal.node.network.addresses import listen, parse, reachable, remote
from commonweal.node.network.connection import STRANGER_STREAMS_MAX, Connection
from commonweal.node.network.gossip import Gossip
from commonweal.node.network.host import NEGOTIATE_S, Host
from commonweal.node.network.mdns import Mdns
from commonweal.node.network.multistream import choose, offer
from commonweal.node.network.noise import SecureChannel, WrongPeer, peer_id, peer_key, secure, why
from commonweal.node.network.stream import Stream
from commonweal.node.network.yamux import Mux
from commonweal.node.transport import (
    GUESTS_MAX,
    HELLO_MS_MAX,
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
DIAL_S: Final = 8.0
DIALS_MAX: Final = 16
"""Dials under way at once; further ones wait their turn."""
DIAL_ADDRESSES_MAX: Final = 20
LINES_MAX: Final = 256
SIMULTANEOUS_S: Final = 10.0
"""Two connections this close in age were dialled at once; otherwise the newer one is right."""
ACCEPT_AGAIN_S: Final = 0.2


class Network:
    """libp2p's network side of one node.

    seed: 32 bytes, the identity of this node. listen: multiaddrs, port 0 for any. emit: takes
    each event, at once and without waiting, in the trio thread. validate: whether a gossip
    message is passed on, and what it says. mdns: look for nodes on the LAN.
    """

    def __init__(
        self,
        seed: bytes,
        listen: Sequence[str],
        emit: Callable[[TransportEvent], None],
        *,
        validate: Validate,
        mdns: bool,
    ) -> None:
        self._keys = create_identity_from_seed(seed)
        self.key = peer_key(ID.from_pubkey(self._keys.public_key))
        self.addresses: tuple[str, ...] = ()
        self._listen = tuple(listen)
        self._emit = emit
        self._mdns = mdns
        self._lines: dict[PeerKey, Connection] = {}
        self._open: set[Connection] = set()
        self._expiry: dict[Connection, trio.CancelScope] = {}
        self._visits: dict[Connection, PendingConnection] = {}
        self._dials: dict[PeerKey, trio.CancelScope] = {}
        self._host = Host(self._keys, self._find, lambda: self.addresses)
        self._gossip = Gossip(
            self._host,
            validate=validate,
            heard=lambda peer, said, content: emit(
                GossipReceived(peer, said.topic, said.data, content)
            ),
            members=self._members,
            flooded=self._flooded,
        )
        self._dropped = self._sent = self._received = 0
        self._nursery: trio.Nursery | None = None
        self._door = AcceptLimit()
        self._dial_places: trio.CapacityLimiter | None = None

    async def run(self, *, task_status: TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Listen, and serve until cancelled; started() once it listens.

        Raises PortTaken or CannotListen.
        """
        listeners = await listen(self._listen)
        name = peer_id(self.key)
        self.addresses = tuple(f"{each}/p2p/{name}" for each in reachable(listeners))
        self._dial_places = trio.CapacityLimiter(DIALS_MAX)
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                nursery.start_soon(self._gossip.run)
                for listener in listeners:
                    nursery.start_soon(self._accept, listener)
                if self._mdns:
                    nursery.start_soon(Mdns(self.key, self.addresses, self._found).run)
                task_status.started()
                await trio.sleep_forever()
        finally:
            self._nursery = None
            for listener in listeners:
                listener.socket.close()

    def dial(self, peer: PeerKey, addresses: Sequence[str]) -> None:
        """Try each address in turn, DIAL_S each, until one connects.

        Emits Connected, or one DialFailed per address. Nothing happens while a dial to this
        peer runs, or while it is connected.
        """
        if self._nursery is None or peer in self._dials or peer in self._lines:
            return
        if peer == self.key:
            for address in addresses[:DIAL_ADDRESSES_MAX]:
                self._emit(DialFailed(peer, address, "this is our own key"))
            return
        self._door.know(addresses[:DIAL_ADDRESSES_MAX])
        self._dials[peer] = trio.CancelScope()
        self._nursery.start_soon(self._dial, peer, tuple(addresses[:DIAL_ADDRESSES_MAX]))

    def admit(self, peer: PeerKey) -> None:
        """The peer on this connection is a member: large frames, identify and gossip."""
        line = self._lines.get(peer)
        if line is None or line.standing is TrustLevel.MEMBER:
            return
        self._stay(line)
        self._door.know((line.address,))
        line.rise(TrustLevel.MEMBER)
        self._gossip.join(peer)

    def guest(self, peer: PeerKey) -> None:
        """The peer on this connection asks to join: it may stay, with small frames only."""
        line = self._lines.get(peer)
        if line is None or line.standing is not TrustLevel.STRANGER:
            return
        if self._count(TrustLevel.GUEST) >= GUESTS_MAX:
            self.drop(peer, "too many wait for admission")
            return
        self._stay(line)
        line.rise(TrustLevel.GUEST)

    def send(self, peer: PeerKey, frame: bytes) -> None:
        """Queue one frame for the peer; one whose outbox is full is dropped. Never waits."""
        line = self._lines.get(peer)
        if line is None:
            return
        if line.send(frame):
            self._sent += 1
        else:
            self._end(line, "takes its frames too slowly", flush=False, by_us=True)

    def drop(self, peer: PeerKey, reason: str) -> None:
        """Close the link for good; what was just sent may still go out. Idempotent."""
        line = self._lines.get(peer)
        if line is not None:
            self._end(line, reason, flush=True)

    def done(self, peer: PeerKey, size: int) -> None:
        """The node has taken a Received frame of this size; its bytes go back to the budget."""
        line = self._lines.get(peer)
        if line is not None:
            line.done(size)

    def subscribe(self, topics: Sequence[str]) -> None:
        """Follow exactly these gossip topics from now on."""
        self._gossip.subscribe(topics)

    def publish(self, topic: str, data: bytes) -> None:
        """Tell all members who follow the topic; a hint, dropped when too much is queued."""
        self._gossip.publish(topic, data)

    def state(self) -> NetworkCounts:
        """Counts for status and metrics."""
        return NetworkCounts(
            connections=len(self._lines),
            strangers=len(self._door),
            guests=self._count(TrustLevel.GUEST),
            streams=sum(len(each.mux.streams) for each in self._open if each.mux is not None),
            outbox_bytes=sum(each.outbox_bytes for each in self._lines.values()),
            inbox_bytes=sum(each.held_bytes for each in self._lines.values()),
            dialling=len(self._dials),
            dropped=self._dropped,
            refused=self._door.refused,
            frames_sent=self._sent,
            frames_received=self._received,
            gossip_peers=self._gossip.peer_count,
            gossip_published=self._gossip.published,
            gossip_heard=self._gossip.heard,
        )

    # Connections, inbound and outbound.

    async def _accept(self, listener: trio.SocketListener) -> None:
        assert self._nursery is not None
        while True:
            try:
                socket = await listener.accept()
            except OSError as error:
                log.warning("cannot accept a connection: %s", error)
                await trio.sleep(ACCEPT_AGAIN_S)
                continue
            scope = trio.CancelScope(deadline=trio.current_time() + HELLO_MS_MAX / 1_000)
            address = remote(socket)
            is_open = address and len(self._open) < LINES_MAX
            visit = self._door.enter(parse(address).host, scope.cancel) if is_open else None
            if visit is None:
                socket.socket.close()
                continue
            self._nursery.start_soon(self._inbound, socket, scope, visit)

    async def _inbound(
        self, socket: trio.SocketStream, scope: trio.CancelScope, visit: PendingConnection
    ) -> None:
        try:
            with scope:
                address = remote(socket)
                peer, session = await secure(socket, self._keys, None)
                line = self._line(peer, address, outbound=False)
                self._visits[line] = visit
                await self._serve(line, session, scope)
        except Exception as error:  # the wall around libp2p
            log.debug("an inbound connection ended: %s: %s", type(error).__name__, error)
        finally:
            self._door.leave(visit)
            socket.socket.close()

    async def _dial(self, peer: PeerKey, addresses: tuple[str, ...]) -> None:
        assert self._dial_places is not None and self._nursery is not None
        try:
            async with self._dial_places:
                for address in addresses:
                    reason = await self._nursery.start(self._outbound, peer, address)
                    if not reason or peer in self._lines:
                        break
                    self._emit(DialFailed(peer, address, reason))
        finally:
            self._dials.pop(peer, None)

    async def _outbound(self, peer: PeerKey, address: str, *, task_status: TaskStatus[str]) -> None:
        """Connect to one address and serve the link; started("") or started(reason)."""
        socket: trio.SocketStream | None = None
        told = False
        try:
            with trio.CancelScope() as scope:
                with trio.fail_after(DIAL_S):
                    endpoint = parse(address)
                    socket = await trio.open_tcp_stream(endpoint.host, endpoint.port)
                    _, session = await secure(socket, self._keys, peer)
                line = self._line(peer, address, outbound=True)
                scope.deadline = trio.current_time() + HELLO_MS_MAX / 1_000

                def agreed() -> None:
                    nonlocal told
                    told = True
                    task_status.started("")

                await self._serve(line, session, scope, agreed)
            if not told:
                told = True
                task_status.started("did not take the sync stream in time")
        except Exception as error:  # the wall around libp2p
            log.debug("a dial to %s ended: %s: %s", address, type(error).__name__, error)
            if not told:
                task_status.started(why(error))
        finally:
            if socket is not None:
                socket.socket.close()

    async def _serve(
        self,
        line: Connection,
        session: SecureChannel,
        scope: trio.CancelScope,
        agreed: Callable[[], None] | None = None,
    ) -> None:
        """Move the bytes of one secured connection until it ends."""
        async with trio.open_nursery() as nursery:
            mux = line.mux = Mux(
                session,
                outbound=line.outbound,
                peer_id=peer_id(line.peer),
                opened=lambda stream: nursery.start_soon(self._stream, line, stream),
                streams_max=STRANGER_STREAMS_MAX,
            )
            self._open.add(line)
            self._expiry[line] = scope
            try:
                if agreed is not None:
                    nursery.start_soon(self._open_sync, line, mux, agreed)
                await mux.run()
            finally:
                reason = mux.reason
                if scope.cancel_called:
                    late = trio.current_time() >= scope.deadline
                    reason = "not admitted in time" if late else "gave way to a newcomer"
                mux.close(reason)
                self._end(line, reason, flush=False, by_us=mux.by_us)
                self._open.discard(line)
                self._expiry.pop(line, None)
                self._visits.pop(line, None)
                nursery.cancel_scope.cancel()

    async def _open_sync(self, line: Connection, mux: Mux, agreed: Callable[[], None]) -> None:
        try:
            stream = mux.open()
            with trio.fail_after(NEGOTIATE_S):
                await offer(stream, SYNC)
        except Exception as error:  # the wall around libp2p
            log.debug("%s refused the sync stream: %s", line.address, error)
            mux.close("does not take the sync stream")
            return
        self._link(line, stream)
        agreed()

    async def _stream(self, line: Connection, stream: Stream) -> None:
        """Agree on the protocol of a stream that the peer opened, and serve it.

        Whatever a handler raises ends this stream and nothing else.
        """
        try:
            with trio.fail_after(NEGOTIATE_S):
                protocol = await choose(stream, lambda: self._offered(line))
            if protocol == SYNC:
                self._link(line, stream)
                return
            stream.set_protocol(TProtocol(protocol))
            handler = self._host.handler(protocol)
            assert handler is not None, "only what has a handler is offered"
            await handler(stream)
            await stream.close()
        except Exception as error:  # the wall around libp2p
            log.debug("a stream of %s ended: %s", line.address, error)
            stream.cut()

    def _offered(self, line: Connection) -> tuple[str, ...]:
        """The gate: what this peer may open now. To all others we answer "not known"."""
        offered: tuple[str, ...] = ()
        if line.sync is None and not line.outbound:
            offered += (SYNC,)
        if line.standing is TrustLevel.MEMBER:
            offered += self._host.protocols
        return offered

    def _line(self, peer: PeerKey, address: str, *, outbound: bool) -> Connection:
        if peer == self.key:
            raise WrongPeer("the other end is this node itself")
        return Connection(
            peer,
            address,
            outbound=outbound,
            received=lambda frame: self._take(peer, frame),
            coming=lambda size: self._emit(FrameProgress(peer, size)),
            failed=lambda line, why: self._end(line, why, flush=False, by_us=True),
        )

    def _link(self, line: Connection, stream: Stream) -> None:
        """The sync stream is agreed on: this is the link, unless a better one is there."""
        if line.is_over:
            return
        old = self._lines.get(line.peer)
        if old is not None and not self._prevails(line, old):
            self._end(line, "another connection to this peer is kept", flush=False)
            return
        if old is not None:
            self._end(old, "replaced by another connection to this peer", flush=False)
        self._lines[line.peer] = line
        mux = stream.mux
        stream.on_end = lambda: self._end(line, mux.reason, flush=False, by_us=mux.by_us)
        self._emit(Connected(line.peer, line.address, line.outbound))
        line.start(stream)

    def _prevails(self, new: Connection, old: Connection) -> bool:
        """Of two dialled at once, that of the smaller key stays, as the other end finds too."""
        if new.outbound == old.outbound or new.since - old.since > SIMULTANEOUS_S:
            return True
        return new.outbound == (self.key < new.peer)

    def _take(self, peer: PeerKey, frame: bytes) -> None:
        self._received += 1
        self._emit(FrameReceived(peer, frame))

    def _end(self, line: Connection, reason: str, *, flush: bool, by_us: bool = False) -> None:
        """Close a connection and tell of it, if it was the link. Idempotent.

        by_us: because the peer broke a limit of the network, which the node does not know yet.
        """
        if line.is_over:
            return
        line.is_over = True
        if line.mux is not None:
            if flush:
                line.mux.finish(reason)
            else:
                line.mux.close(reason)
        if self._lines.get(line.peer) is line:
            del self._lines[line.peer]
            self._dropped += 1
            self._gossip.leave(line.peer)
            self._emit(Disconnected(line.peer, reason, by_us))

    def _flooded(self, peer: PeerKey) -> None:
        if (line := self._lines.get(peer)) is not None:
            self._end(line, "floods gossip", flush=False, by_us=True)

    def _stay(self, line: Connection) -> None:
        """No longer a stranger: the clock stops, and the place at the door is free."""
        scope = self._expiry.get(line)
        if scope is not None:
            scope.deadline = math.inf
        visit = self._visits.pop(line, None)
        if visit is not None:
            self._door.leave(visit)

    def _find(self, identity: ID) -> Mux | None:
        line = self._lines.get(peer_key(identity))
        return line.mux if line is not None and line.standing is TrustLevel.MEMBER else None

    def _members(self) -> list[PeerKey]:
        return [k for k, each in self._lines.items() if each.standing is TrustLevel.MEMBER]

    def _count(self, standing: TrustLevel) -> int:
        return sum(1 for each in self._lines.values() if each.standing is standing)

    def _found(self, peer: PeerKey, addresses: tuple[str, ...]) -> None:
        if peer != self.key:
            self._emit(PeerDiscovered(peer, addresses))
