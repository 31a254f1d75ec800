"""The relay's side of circuit relay v2: reservations, and circuits to peers that hold one.

A relay never dials: a circuit leads over a connection that the peer at its end opened, and only
while that peer has a reservation. It sees two peer keys and the bytes of their Noise channel.
Source: https://github.com/libp2p/specs/blob/master/relay/circuit-v2.md
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import trio
from libp2p.crypto.keys import KeyPair
from libp2p.relay.circuit_v2.pb.circuit_pb2 import HopMessage, Status, StopMessage

from commonweal.node.network.channel.multistream import offer
from commonweal.node.network.channel.stream import Stream
from commonweal.node.network.channel.yamux import Mux
from commonweal.node.network.relay import messages
from commonweal.node.network.relay.messages import (
    STOP,
    BadRelayMessage,
    read_message,
    write_message,
)
from commonweal.node.network.relay.relay_limits import (
    HOP_S,
    REQUESTS_BURST,
    REQUESTS_PER_S,
    CircuitCount,
    RelayLimits,
)
from commonweal.node.network.relay.splice import Pace, Splice
from commonweal.node.token_bucket import TokenBucket
from commonweal.node.transport import PeerKey

log = logging.getLogger(__name__)

LOOK_S: Final = 1.0
"""How often circuits that stand still and reservations that have run out are looked for."""


@dataclass(eq=False, slots=True)
class RelayClient:
    """A direct connection to a relay.

    network: where it comes from, as accept_limit counts. stays: called when the connection begins
    to serve a reservation or a circuit; ends: when it serves none any more.
    """

    peer: PeerKey
    network: str
    mux: Mux
    stays: Callable[[], None]
    ends: Callable[[], None]
    uses: int = 0
    requests: TokenBucket = field(
        default_factory=lambda: TokenBucket(REQUESTS_PER_S, REQUESTS_BURST)
    )


@dataclass(frozen=True, slots=True)
class RelayCounts:
    """How busy a relay is; circuits_made, refused and relayed_bytes count since it began."""

    reservations: int
    circuits: int
    circuits_made: int
    refused: int
    relayed_bytes: int


class HopServer:
    """The reservations and circuits of one relay.

    may_reserve: whether a peer gets a reservation at all. addresses: where this relay is reached.
    now_s: seconds since 1970, which reservations name.
    """

    def __init__(
        self,
        keys: KeyPair,
        limits: RelayLimits,
        *,
        may_reserve: Callable[[PeerKey], bool],
        addresses: Callable[[], Sequence[str]],
        now_s: Callable[[], float],
    ) -> None:
        self.limits = limits
        self._keys, self._may_reserve, self._addresses = keys, may_reserve, addresses
        self._now_s = now_s
        self._reserved: dict[PeerKey, tuple[RelayClient, float]] = {}
        """Who holds a reservation, over which connection, and until when in trio time."""
        self._networks = Counter[str]()
        self._count = CircuitCount(limits)
        self._pace = Pace(limits.bytes_per_s, limits.held_bytes, self._end_stillest)
        self._splices: dict[Splice, None] = {}
        self._made = self._refused = self._past_bytes = 0

    async def run(self) -> None:
        """Keep the pace and end what stands still, until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._pace.run)
            while True:
                await trio.sleep(LOOK_S)
                for splice in list(self._splices):
                    splice.look(self.limits.idle_s)
                now = trio.current_time()
                for client, until in list(self._reserved.values()):
                    if until <= now:
                        self._release(client)

    async def serve(self, stream: Stream, client: RelayClient) -> None:
        """Answer one request on a stream of this client; a circuit goes on after it."""
        with trio.move_on_after(HOP_S) as scope:
            try:
                await self._answer(stream, client)
            except BadRelayMessage as error:
                log.debug("a request to the relay is refused: %s", error)
                self._refuse(stream, Status.MALFORMED_MESSAGE)
        if scope.cancelled_caught:
            stream.cut()

    def left(self, client: RelayClient) -> None:
        """The connection has ended; with it goes its reservation. Its circuits end themselves."""
        self._release(client)

    def counts(self) -> RelayCounts:
        """Return counts for status and metrics."""
        moved = sum(splice.moved_bytes for splice in self._splices)
        return RelayCounts(
            reservations=len(self._reserved),
            circuits=len(self._splices),
            circuits_made=self._made,
            refused=self._refused,
            relayed_bytes=self._past_bytes + moved,
        )

    async def _answer(self, stream: Stream, client: RelayClient) -> None:
        request = await read_message(stream, HopMessage)
        if not client.requests.spend(1):
            self._refuse(stream, Status.RESOURCE_LIMIT_EXCEEDED)
        elif request.type == HopMessage.RESERVE:
            self._reserve(stream, client)
        elif request.type == HopMessage.CONNECT:
            await self._connect(stream, client, messages.peer_named(request))
        else:
            self._refuse(stream, Status.UNEXPECTED_MESSAGE)

    def _reserve(self, stream: Stream, client: RelayClient) -> None:
        peer = client.peer
        if not self._may_reserve(peer):
            return self._refuse(stream, Status.PERMISSION_DENIED)
        held = self._reserved.get(peer)
        if held is not None and held[0] is not client:
            self._release(held[0])  # the peer came again, and the older connection may be dead
        if peer not in self._reserved:
            is_full = len(self._reserved) >= self.limits.reservations
            if is_full or self._networks[client.network] >= self.limits.reservations_network:
                return self._refuse(stream, Status.RESERVATION_REFUSED)
            self._networks[client.network] += 1
            self._use(client)
        seconds = self.limits.reservation_s
        self._reserved[peer] = client, trio.current_time() + seconds
        expires_s = int(self._now_s()) + seconds
        write_message(stream, messages.reserved(self._keys, peer, expires_s, self._addresses()))
        return stream.finish()

    async def _connect(self, stream: Stream, client: RelayClient, target: PeerKey) -> None:
        held = self._reserved.get(target)
        if held is None or target == client.peer or held[0].mux.is_closed:
            return self._refuse(stream, Status.NO_RESERVATION)
        other = held[0]
        if not self._count.enter(client.network, client.peer, target):
            return self._refuse(stream, Status.RESOURCE_LIMIT_EXCEEDED)
        self._use(client)
        self._use(other)
        is_made, far = False, None
        try:
            far = await self._stop(other, client.peer)
            if far is None or stream.is_reset:
                self._refuse(stream, Status.CONNECTION_FAILED)
                return None
            write_message(stream, messages.hop_status(Status.OK))
            self._splice(stream, far, client, other)
            is_made = True
        finally:
            if not is_made:
                if far is not None:  # its end took the circuit, and might fill a window for nobody
                    far.cut()
                self._circuit_over(client, other)
        return None

    async def _stop(self, other: RelayClient, comes: PeerKey) -> Stream | None:
        """Return a stream to the peer that has the reservation, when it takes the circuit."""
        try:
            far = other.mux.open()
        except Exception as error:  # the wall around libp2p
            log.debug("a peer with a reservation is gone: %s", error)
            return None
        try:
            await offer(far, STOP)
            write_message(far, messages.incoming(comes))
            answer = await read_message(far, StopMessage)
            if answer.type == StopMessage.STATUS and answer.status == Status.OK:
                return far
        except trio.Cancelled:
            far.cut()
            raise
        except Exception as error:  # the wall around libp2p
            log.debug("a peer with a reservation takes no circuit: %s", error)
        far.cut()
        return None

    def _splice(self, near: Stream, far: Stream, client: RelayClient, other: RelayClient) -> None:
        def ended() -> None:
            self._past_bytes += splice.moved_bytes
            del self._splices[splice]
            self._circuit_over(client, other)

        splice = Splice(near, far, self._pace, self.limits.circuit_bytes_per_s, ended)
        self._splices[splice] = None
        self._made += 1
        splice.start()

    def _end_stillest(self) -> None:
        """End the circuit whose reader has taken nothing for the longest time."""
        holding = [splice for splice in self._splices if splice.held_bytes]
        min(holding, key=lambda splice: splice.taken_at).cut()

    def _circuit_over(self, client: RelayClient, other: RelayClient) -> None:
        self._count.leave(client.network, client.peer, other.peer)
        self._unuse(client)
        self._unuse(other)

    def _refuse(self, stream: Stream, status: Status.ValueType) -> None:
        self._refused += 1
        write_message(stream, messages.hop_status(status))
        stream.finish()

    def _release(self, client: RelayClient) -> None:
        held = self._reserved.get(client.peer)
        if held is None or held[0] is not client:
            return
        del self._reserved[client.peer]
        self._networks[client.network] -= 1
        if not self._networks[client.network]:
            del self._networks[client.network]
        self._unuse(client)

    def _use(self, client: RelayClient) -> None:
        client.uses += 1
        if client.uses == 1:
            client.stays()

    def _unuse(self, client: RelayClient) -> None:
        client.uses -= 1
        if client.uses == 0:
            client.ends()
